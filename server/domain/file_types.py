"""What a file is, from its bytes: the type that a client declares is never trusted."""

import codecs
import re
import unicodedata
from collections.abc import Mapping

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (rb"%PDF-", "application/pdf"),
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"PK\x03\x04|PK\x05\x06", "application/zip"),
)
"""How files begin, as patterns."""

_OFFICE = "application/vnd.openxmlformats-officedocument."
OFFICE_PARTS: tuple[tuple[bytes, str], ...] = (
    (b"vbaProject.bin", "application/vnd.ms-office.macro-enabled"),
    (b"word/document.xml", _OFFICE + "wordprocessingml.document"),
    (b"xl/workbook.xml", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/presentation.xml", _OFFICE + "presentationml.presentation"),
)
"""Names inside a zip file that make it an office document, the dangerous one first."""

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "application/pdf": (".pdf",),
    "application/zip": (".zip",),
    "image/gif": (".gif",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "text/csv": (".csv",),
    "text/plain": (".txt", ".md"),
    _OFFICE + "wordprocessingml.document": (".docx",),
    _OFFICE + "spreadsheetml.sheet": (".xlsx",),
    _OFFICE + "presentationml.presentation": (".pptx",),
}
LONGEST_NAME = 120

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')


class Sniffer:
    """Tells the type of a file that is fed to it in chunks, with memory for one chunk."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._parts: set[bytes] = set()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_text = True

    def feed(self, chunk: bytes) -> None:
        self._head = (self._head + chunk)[:16] if len(self._head) < 16 else self._head
        window = self._tail + chunk
        self._parts |= {part for part, _ in OFFICE_PARTS if part in window}
        self._tail = window[-32:]  # a name may lie across two chunks
        self._is_text = self._is_text and self._decodes(chunk)

    def type(self, name: str) -> str | None:
        """The media type of what was fed, None when it is none of ours; a text named .csv is text/csv."""
        for pattern, found in SIGNATURES:
            if re.match(pattern, self._head, re.DOTALL):
                office = (media for part, media in OFFICE_PARTS if part in self._parts)
                return next(office, found) if found == "application/zip" else found
        if self._is_text and self._decodes(b"", final=True):
            return "text/csv" if name.lower().endswith(".csv") else "text/plain"
        return None

    def _decodes(self, chunk: bytes, *, final: bool = False) -> bool:
        try:
            return not _NO_TEXT.search(self._decoder.decode(chunk, final))
        except UnicodeDecodeError:
            return False


def safe_name(name: str, media_type: str) -> str:
    """A name to show and to save under: no folders, no invisible or reserved characters, not long, and a suffix that
    fits the type, so that a text cannot come back as a program or a web page."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(character for character in last if unicodedata.category(character)[0] != "C")
    kept = _NOT_IN_NAMES.sub("_", visible).strip(" .") or "document"
    suffixes = SUFFIXES.get(media_type, (".bin",))
    suffix = next((suffix for suffix in suffixes if kept.lower().endswith(suffix)), None)
    stem = kept[: -len(suffix)] if suffix else kept
    return (stem.strip(" .")[:LONGEST_NAME] or "document") + (suffix or suffixes[0])
