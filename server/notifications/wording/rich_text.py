"""Rich text for both parts of a message: safe HTML, and the same as plain text."""

import re
from html.parser import HTMLParser

import nh3

BLOCKS = frozenset({
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "tr", "blockquote", "pre", "br", "hr", "dl",
    "dt", "dd",
})
NOT_FROM_ELSEWHERE = frozenset(nh3.ALLOWED_TAGS) - {"img"}
"""A mail shows no pictures from other places: they would tell who reads it when."""


class RichText:
    """In a template, HTML where that is made and plain text elsewhere; false when there is none."""

    def __init__(self, html: str) -> None:
        self._html = html

    def __bool__(self) -> bool:
        return bool(self._html.strip())

    def __html__(self) -> str:
        """On one line, so that it stays one block of the message."""
        return " ".join(nh3.clean(self._html, tags=set(NOT_FROM_ELSEWHERE)).split())

    def __str__(self) -> str:
        return plain(self._html)


def plain(html: str) -> str:
    """HTML without its tags: paragraphs and list items on lines of their own, addresses of links behind them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._links.append(dict(attrs).get("href") or "")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links and (link := self._links.pop()):
            self.parts.append(f" ({link})")
        elif tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(" ".join(re.split(r"\s+", data)))
