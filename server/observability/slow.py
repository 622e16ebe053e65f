"""Tells in the log which operations were slow, with their statements, and now and then with the plan of the slowest."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from time import monotonic
from typing import Any

import structlog

from server.observability import metrics
from server.observability.records import Record, Statement, ids

TOLD = 10
"""Statements that are told: the slowest ones."""
LONGEST_TEXT = 4000
PLAN_EVERY = 10.0
"""Seconds between two plans: a slow database is not made slower by questions why."""
PLAN_WITHIN = 5.0
EXPLAINED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")

Explain = Callable[[str], Awaitable[list[str]]]
log = structlog.get_logger(__name__)


class SlowLog:
    """Tells of operations that take `seconds` or more; `explain` gives the lines of a statement's plan."""

    def __init__(self, seconds: float, explain: Explain) -> None:
        self.seconds = seconds
        self._explain = explain
        self._last_plan = -PLAN_EVERY
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, record: Record, seconds: float) -> None:
        """One line, after the answer: the plan is asked for outside of the request, and never its parameters."""
        metrics.SLOW.inc()
        slowest = sorted(record.running, key=_time, reverse=True)
        told = ids() | record.described(seconds) | {"slowest": [_described(each) for each in slowest[:TOLD]]}
        plan_of = next((each.text for each in slowest if each.text.lstrip("( \n").upper().startswith(EXPLAINED)), None)
        if plan_of is None or monotonic() - self._last_plan < PLAN_EVERY:
            log.warning("slow_operation", **told)
            return
        self._last_plan = monotonic()
        task = asyncio.get_running_loop().create_task(self._tell_with_plan(told, plan_of), context=Context())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def finish(self) -> None:
        """What is still to be told, is told."""
        await asyncio.gather(*self._telling)

    async def _tell_with_plan(self, told: dict[str, Any], text: str) -> None:
        try:
            async with asyncio.timeout(PLAN_WITHIN):
                plan = await self._explain(text)
        except Exception as error:
            plan = [f"no plan: {type(error).__name__}"]
        log.warning("slow_operation", **told, plan=plan)


def _time(statement: Statement) -> float:
    return statement.seconds or 0.0


def _described(statement: Statement) -> dict[str, Any]:
    ended = {"failed": True} if statement.failed else {}
    return {"seconds": round(_time(statement), 4), "text": statement.text[:LONGEST_TEXT], **ended}
