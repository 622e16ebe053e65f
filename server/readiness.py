"""Whether this process can do its work: each check really tries, none tells strangers more than a short reason."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import structlog
from sqlalchemy import text

from server.database import Database

WITHIN = 2.0
"""Seconds that a check may take."""
KEPT_FOR = 1.0
"""Seconds for which an answer is given again: a flood of questions costs one look a second."""
LEAST_FREE = 20_000_000
"""Bytes that must be free where documents, and an embedded database, are written."""
LONGEST_ROUND = 60.0
"""Seconds without a sign of life after which the jobs count as stuck; they give one every few seconds."""

FAILED = {
    "database": "the database does not answer", "schema": "the schema cannot be read",
    "writer": "the database takes no writes",
}
"""What is said of a check that raised: the words of the error may name hosts and paths."""

Check = Callable[[], Awaitable[None]]
log = structlog.get_logger(__name__)


class NotReady(Exception):
    """Why not, in words that a stranger may read."""


class Readiness:
    """Runs all checks at once; answers the same for a second."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._looking = asyncio.Lock()
        self._looked_at = -KEPT_FOR
        self._found: dict[str, Any] = {}

    async def look(self) -> dict[str, Any]:
        """`{"ready": …, "checks": {name: {"ok": …, "seconds": …, "reason": …}}}`; a reason only when it is not ok."""
        async with self._looking:
            if monotonic() - self._looked_at >= KEPT_FOR:
                found = await asyncio.gather(*(_tried(name, check) for name, check in self._checks.items()))
                checks = dict(zip(self._checks, found, strict=True))
                self._found = {"ready": all(each["ok"] for each in found), "checks": checks}
                self._looked_at = monotonic()
            return self._found


async def _tried(name: str, check: Check) -> dict[str, Any]:
    began, reason = perf_counter(), ""
    try:
        async with asyncio.timeout(WITHIN):
            await check()
    except NotReady as refused:
        reason = str(refused)
    except TimeoutError:
        reason = f"no answer within {WITHIN:g} seconds"
    except Exception as error:
        reason = FAILED.get(name, "failed")
        log.warning("not_ready", check=name, error=type(error).__name__)
    told = {"ok": not reason, "seconds": round(perf_counter() - began, 4)}
    return told | ({"reason": reason} if reason else {})


def checks_of(
    database: Database, documents: Path, newest: str | None, idle: Callable[[], float | None] | None
) -> dict[str, Check]:
    """The checks of a server: `newest` is the revision of the schema that it was written for, `idle` says for how many
    seconds its jobs have given no sign of life, None when they do not run; it is None where workers do them."""

    async def reachable() -> None:
        async with database.reading() as session:
            await session.execute(text("SELECT 1"))

    async def migrated() -> None:
        async with database.reading() as session:
            revision = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar()
        if revision != newest:
            raise NotReady("the schema is not that of this version: run `samverkan migrate`")

    async def writable() -> None:
        if database.is_sqlite:
            await asyncio.to_thread(_check_file, Path(database.url.database or ""))
            return
        async with database.engine.connect() as connection:
            if (await connection.exec_driver_sql("SHOW transaction_read_only")).scalar() != "off":
                raise NotReady("the database is read-only")

    async def folder() -> None:
        await asyncio.to_thread(_check_folder, documents)

    async def loop() -> None:
        seconds = idle() if idle else 0.0
        if seconds is None:
            raise NotReady("the jobs do not run")
        if seconds > LONGEST_ROUND:
            raise NotReady("the jobs are stuck")

    checks: dict[str, Check] = {"database": reachable, "schema": migrated, "writer": writable, "documents": folder}
    return checks | ({"jobs": loop} if idle else {})


def _check_file(path: Path) -> None:
    """Opens the embedded database as SQLite does to write, without taking the lock that writers wait for."""
    try:
        path.open("r+b").close()
    except OSError:
        raise NotReady("the database file is gone or read-only") from None
    _check_space(path.parent)


def _check_folder(path: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"ready")
    except OSError:
        raise NotReady("the folder of documents is gone or read-only") from None
    _check_space(path)


def _check_space(path: Path) -> None:
    if shutil.disk_usage(path).free < LEAST_FREE:
        raise NotReady("the disk is full")
