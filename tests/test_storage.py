"""The folder that documents stand in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage import CHUNK, FolderStorage


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_what_is_written_can_be_read_in_chunks_and_removed(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    key = await storage.write(chunks(b"a" * CHUNK, b"b"))
    assert [chunk async for chunk in await storage.open(key)] == [b"a" * CHUNK, b"b"]
    await storage.remove(key)
    await storage.remove(key)
    with pytest.raises(FileNotFoundError):
        await storage.open(key)


async def test_the_same_content_twice_is_two_files(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    assert await storage.write(chunks(b"a")) != await storage.write(chunks(b"a"))


async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await FolderStorage(tmp_path).write(broken())
    assert files(tmp_path) == []
