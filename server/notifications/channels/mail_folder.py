"""Mail as .eml files, where there is no mail server: the same bytes, by time."""

import asyncio
import os
from pathlib import Path

from server.channel import Message, Unreachable
from server.notifications.channels.composing import Mail


async def write_mail(folder: Path, message: Message, mail: Mail) -> None:
    """One file for a message, whole or not at all; a second attempt writes the same file again."""
    name = f"{message.at:%Y%m%dT%H%M%SZ}-{message.id}.eml"
    try:
        await asyncio.to_thread(_write, folder, name, mail.content)
    except OSError as error:
        raise Unreachable(f"The mail folder cannot be written: {os.strerror(error.errno or 0)}") from error


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part"
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / name)
