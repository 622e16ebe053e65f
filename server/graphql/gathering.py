"""Readings of the same kind that begin at once are one statement on PostgreSQL: each with its own reader and values."""

import asyncio
import re
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from server.direct import DirectReads, Rows, Steps
from server.observability.records import begin_statement

PARAMETER = re.compile(r"\$(\d+)\b(?:::(TIMESTAMP WITH TIME ZONE|DOUBLE PRECISION|\w+\b(?!\())(\[\])?)?")


@dataclass(slots=True, eq=False)
class Asked:
    """A statement's arguments, and its rows when they are there."""

    arguments: Sequence[Any]
    rows: "asyncio.Future[Rows]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Gathering:
    """Those who have been answered together read their payloads at the same turn of the event loop."""

    def __init__(self) -> None:
        self._asked: dict[str, list[Asked]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, direct: DirectReads, steps: Steps) -> Any:
        """What a reading returns that takes one statement."""
        text, arguments = next(steps)
        if text not in self._asked:
            self._asked[text] = []
            task = asyncio.create_task(self._read(direct, text), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._asked[text].append(asked := Asked(arguments))
        with begin_statement(text, "postgresql") as running:  # everybody's own, though it is run once
            rows = await asked.rows
            running.end(len(rows))
        try:
            steps.send(rows)
        except StopIteration as finished:
            return finished.value
        raise RuntimeError("a reading that takes one statement asked for another one")

    async def _read(self, direct: DirectReads, text: str) -> None:
        everybody = [each for each in self._asked.pop(text) if not each.rows.done()]
        try:
            found = await _found(direct, text, [each.arguments for each in everybody])
        except Exception as error:
            for each in everybody:
                if not each.rows.done():
                    each.rows.set_exception(error)
        else:
            for each, rows in zip(everybody, found, strict=True):
                if not each.rows.done():
                    each.rows.set_result(rows)


async def _found(direct: DirectReads, text: str, everybody: Sequence[Sequence[Any]]) -> Sequence[Rows]:
    """The rows of each."""
    if shared := _shared(text, everybody):
        found: list[list[Any]] = [[] for _ in everybody]
        for row in await direct.run(partial(_rows, *shared), single=True):
            found[row[0] - 1].append(row[1:])
        return found
    return [await direct.run(partial(_rows, text, each), single=True) for each in everybody]


def _rows(text: str, arguments: Sequence[Any]) -> Steps:
    return (yield text, arguments)


def _shared(text: str, everybody: Sequence[Sequence[Any]]) -> tuple[str, Sequence[Any]] | None:
    """The statement for all of them and its arguments; None where it is simpler to run it for each."""
    if len(everybody) < 2:
        return None
    columns = list(zip(*everybody, strict=True))
    own = tuple(place for place, column in enumerate(columns) if any(value != column[0] for value in column))
    arrays = [place for place in own if isinstance(columns[place][0], list)]
    if not own or any(len(value) != 1 for place in arrays for value in columns[place]):
        return None
    if (written := _written(text, own)) is None:
        return None
    return written, [
        [value[0] for value in column] if place in arrays else list(column) if place in own else column[0]
        for place, column in enumerate(columns)
    ]


@lru_cache(maxsize=500)
def _written(text: str, own: tuple[int, ...]) -> str | None:
    """The statement with its `own` arguments taken from a row for each reading. OFFSET 0 has PostgreSQL run it for each
    as it would run it alone."""
    kinds: dict[int, str] = {}

    def place(found: re.Match[str]) -> str:
        at = int(found[1]) - 1
        if at not in own or not found[2]:
            return found[0]
        kinds[at] = found[2]
        return f"ARRAY[each.a{at}]" if found[3] else f"each.a{at}"

    inner = PARAMETER.sub(place, text)
    if len(kinds) < len(own):
        return None  # its type is not said
    given = ", ".join(f"${at + 1}::{kinds[at]}[]" for at in own)
    names = ", ".join(f"a{at}" for at in own)
    return (
        f"SELECT each.place, found.* FROM unnest({given}) WITH ORDINALITY AS each({names}, place)"  # noqa: S608  # ours
        f" CROSS JOIN LATERAL (SELECT * FROM ({inner}) AS one OFFSET 0) AS found"
    )
