"""Reads the documents of an app from what its build tool writes.

    *.graphql, *.gql   one document each
    *.json             {id: text}, as Relay's compiler and GraphQL Code Generator write it, or Apollo's
                       {"format": "apollo-persisted-query-manifest", "operations": [{"id", "name", "body"}]}
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

SUFFIXES = (".graphql", ".gql", ".json")
APOLLO = "apollo-persisted-query-manifest"


class UnknownFileError(Exception):
    """The file is none of the kinds above."""


@dataclass(frozen=True, slots=True)
class Found:
    """A document in a file; `id` is what the build calls it, empty in a file of its own."""

    file: Path
    text: str
    id: str = ""

    @property
    def sha256(self) -> str:
        return sha256(self.text.encode()).hexdigest()

    @property
    def ids(self) -> set[str]:
        """What clients may send."""
        return {self.sha256, self.id.removeprefix("sha256:") or self.sha256}


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files themselves, and in folders all those with documents."""
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES) if path.is_dir() else [path]
    return found


def documents_of(file: Path) -> Iterator[Found]:
    """The documents of a file; UnknownFileError or OSError when it has none that can be read."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix != ".json":
            yield Found(file, text)
            return
        content = json.loads(text)
    except ValueError as error:
        raise UnknownFileError(f"cannot be read: {error}") from None
    yield from (Found(file, text, id) for id, text in _named(content))


def _named(content: Any) -> Iterator[tuple[str, str]]:
    try:
        apollo = content.get("format") == APOLLO
        named = {each["id"]: each["body"] for each in content["operations"]} if apollo else content
        if all(isinstance(word, str) for word in (*named, *named.values())):
            yield from named.items()
            return
    except (AttributeError, KeyError, TypeError):
        pass  # of another shape
    raise UnknownFileError("is neither {id: text} nor Apollo's persisted query manifest")
