"""Where the bytes of documents stand: a seam, and a local folder behind it."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol

CHUNK = 256 * 1024


class Storage(Protocol):
    """Keeps bytes under keys that it makes up itself. A file that no row refers to is harmless."""

    async def write(self, chunks: AsyncIterable[bytes]) -> str:
        """The key of a new file that survives a crash from now on; when `chunks` raises, nothing is kept."""

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """The bytes of a file in chunks; FileNotFoundError when there is none."""

    async def remove(self, key: str) -> None:
        """Forgets a file; nothing happens when there is none."""


class FolderStorage:
    """Files in a folder, named by random keys and spread over 256 subfolders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, chunks: AsyncIterable[bytes]) -> str:
        key = secrets.token_hex(16)
        path = self._path(key)
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        file = await asyncio.to_thread(unfinished.open, "xb")
        try:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(_finish, file, path)
        except BaseException:
            file.close()
            unfinished.unlink(missing_ok=True)
            raise
        return key

    async def open(self, key: str) -> AsyncIterator[bytes]:
        return _chunks(await asyncio.to_thread(self._path(key).open, "rb"))

    async def remove(self, key: str) -> None:
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


def _finish(file: BinaryIO, path: Path) -> None:
    """The file's bytes and then its name reach the disk, in this order."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
    os.replace(file.name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
