"""Reads CSV as people save it: UTF-8 with or without a byte-order mark, comma or semicolon; says what is unreadable."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from server.errors import InvalidArgument

BYTES_PER_STEP = 1 << 19
"""How much is read between two reports of progress."""

Row = tuple[int, list[str]]
"""The line on which a row starts, and its cells."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One thing that is wrong in a file; `column` is empty when it is about the whole line."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {self.column}: {self.reason}" if self.column else f"{where}: {self.reason}"


class CsvFile:
    """One file. Its header is read at once, its rows as often as they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)
        try:
            with path.open("rb") as file:
                header = file.readline(1 << 16)
            self.size = path.stat().st_size
        except OSError as error:
            raise InvalidArgument(f"{path} cannot be read: {error.strerror}.") from None
        self.problem = "" if _is_utf8(header) else "The file is not in UTF-8: save it as CSV UTF-8."
        text = header.decode(errors="replace").removeprefix("\ufeff")
        self.delimiter = ";" if text.count(";") > text.count(",") else ","
        self.header = tuple(cell.strip() for cell in next(csv.reader([text], delimiter=self.delimiter), []))
        self.columns = tuple(cell.lower() for cell in self.header)

    def bad(self, line: int, column: str, reason: str) -> BadRow:
        return BadRow(self.name, line, column, reason)

    def rows(self, on_bytes: Callable[[int], None]) -> Iterator[Row | BadRow]:
        """Every row below the header, or what keeps it from being read; empty lines are skipped."""
        unreadable: list[str] = []
        reader = csv.reader(self._lines(unreadable, on_bytes), delimiter=self.delimiter, strict=True)
        width = len(self.columns)
        while True:
            start = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                unreadable.append(f"The row cannot be read: {error}.")
                cells = [""]
            if unreadable:
                yield self.bad(start, "", unreadable[-1])
                unreadable.clear()
            elif start == 1 or not (any(cells) and any(map(str.strip, cells))):
                continue
            elif len(cells) == width:
                yield start, cells
            else:
                yield self.bad(start, "", f"The row has {len(cells)} cells, the header has {width}.")

    def _lines(self, unreadable: list[str], on_bytes: Callable[[int], None]) -> Iterator[str]:
        """Decoded lines; what is wrong with one is put into `unreadable` before it is given."""
        read = 0
        with self.path.open("rb") as file:
            for raw in file:
                read += len(raw)
                if read >= BYTES_PER_STEP:
                    on_bytes(read)
                    read = 0
                try:
                    line = raw.decode()
                except UnicodeDecodeError:
                    line = raw.decode(errors="replace")
                    unreadable.append("The row is not in UTF-8: save the file as CSV UTF-8.")
                if "\0" in line:
                    line = line.replace("\0", "")
                    unreadable.append("The row holds a NUL character: remove it.")
                yield line
        on_bytes(read)


def _is_utf8(raw: bytes) -> bool:
    try:
        return "\0" not in raw.decode()
    except UnicodeDecodeError:
        return False
