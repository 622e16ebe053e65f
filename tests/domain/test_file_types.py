"""What a file is, from its bytes, and the name that it may keep."""

import io
import zipfile

import pytest

from server.domain.file_types import LONGEST_NAME, Sniffer, safe_name

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 100)
    return file.getvalue()


def type_of(content: bytes, name: str = "upload", step: int = 7) -> str | None:
    """Fed in small steps, so that every marker lies across two chunks somewhere."""
    sniffer = Sniffer()
    for start in range(0, len(content), step):
        sniffer.feed(content[start:start + step])
    return sniffer.type(name)


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (b"%PDF-1.7 ...", "a.txt", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "", "image/png"),
        (b"\xff\xd8\xff\xe0....", "", "image/jpeg"),
        (b"GIF89a......", "", "image/gif"),
        (b"RIFF\x0a\x00\x00\x00WEBPVP8 ", "", "image/webp"),
        (b"RIFF\x0a\x00\x00\x00AVI LIST", "", None),
        (zipped("a.txt", "b.txt"), "", "application/zip"),
        (zipped(), "", "application/zip"),
        (zipped("[Content_Types].xml", "word/document.xml"), "", DOCX),
        (zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), "a.docx",
         "application/vnd.ms-office.macro-enabled"),
        ("Prénom;Göteborg\r\n\tÅsa\f".encode(), "a.bin", "text/plain"),
        (b"\xef\xbb\xbfname;city\n", "List.CSV", "text/csv"),
        (b"%PDF-1.7", "a.csv", "application/pdf"),
        ("Göteborg".encode("latin-1"), "a.txt", None),
        ("text".encode("utf-16"), "a.txt", None),
        (b"text\x00more", "a.txt", None),
        (b"\x1b[2Jterminal", "a.txt", None),
        ("cut off é".encode()[:-1], "a.txt", None),
        (b"MZ\x90\x00\x03", "setup.exe", None),
        (b"\x7fELF\x02\x01", "a", None),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, name: str, media_type: str | None) -> None:
    assert type_of(content, name) == media_type


@pytest.mark.parametrize(
    ("given", "media_type", "name"),
    [
        ("leaflet.pdf", "application/pdf", "leaflet.pdf"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        (r"C:\Users\anna\Äpplen & päron.PDF", "application/pdf", "Äpplen & päron.pdf"),
        ("page.html", "text/plain", "page.html.txt"),  # a text must not come back as a web page
        ("picture.svg", "text/plain", "picture.svg.txt"),
        ("photo.jpeg", "image/jpeg", "photo.jpeg"),
        ("invoice\u202efdp.exe", "image/png", "invoicefdp.exe.png"),
        ("line\r\nSet-Cookie: a=b.csv", "text/csv", "lineSet-Cookie_ a=b.csv"),
        ('a"b<c>|d?.png', "image/png", "a_b_c__d_.png"),
        ("", "image/gif", "document.gif"),
        (" ...pdf", "application/pdf", "pdf.pdf"),
        ("..", "application/zip", "document.zip"),
        ("\x00", "application/zip", "document.zip"),
    ],
)
def test_names_are_made_safe(given: str, media_type: str, name: str) -> None:
    assert safe_name(given, media_type) == name


def test_names_are_not_long() -> None:
    assert safe_name("ж" * 5000 + ".pdf", "application/pdf") == "ж" * LONGEST_NAME + ".pdf"
