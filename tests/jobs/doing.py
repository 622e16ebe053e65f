"""Engines whose jobs leave marks in a file, in this process and in others."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.database import Database
from server.jobs.engine import Engine, Jobs, LeftBehind
from server.jobs.enqueue import JobKind

POLL = 0.05
ALONE = """
import asyncio, sys
from pathlib import Path
from server.database import Database
from tests.jobs.doing import engine_of, marking

async def work():
    database = Database(sys.argv[1])
    async with engine_of(database, marking(Path(sys.argv[2]))).running():
        await asyncio.Event().wait()

asyncio.run(work())
"""


def marking(marks: Path) -> Jobs:
    """Jobs that write down when they begin and end, and by whom. An argument `block` names a file as long as which is
    there they do not end."""
    def mark(what: str) -> None:
        with marks.open("a") as file:
            file.write(what + "\n")

    def is_blocked(arguments: dict[str, Any]) -> bool:
        return Path(arguments.get("block", "/nothing")).exists()

    async def do(arguments: dict[str, Any]) -> None:
        mark(f"begin {os.getpid()} {arguments.get('name', '')}")
        await asyncio.sleep(0.03)
        while is_blocked(arguments):  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.02)
        mark(f"end {os.getpid()} {arguments.get('name', '')}")

    return dict.fromkeys(JobKind, do)


def marks_of(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def engine_of(
    database: Database, work: Jobs, stop_seconds: float = 5, left_behind: LeftBehind | None = None
) -> Engine:
    return Engine(database, work, poll_seconds=POLL, stop_seconds=stop_seconds, left_behind=left_behind)


@contextmanager
def another_process(address: str, marks: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker of its own, killed at the end if it still lives."""
    process = subprocess.Popen([sys.executable, "-c", ALONE, address, str(marks)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
