"""What is remembered of an operation while it runs: who, what, and the statements that it took.

Context variables carry it, so that nothing is passed along and nothing leaks between operations that run at once.
"""

from collections.abc import Callable
from contextvars import ContextVar
from hashlib import sha256
from time import perf_counter
from typing import Any
from uuid import UUID

from opentelemetry.trace import Span

from server.observability import metrics
from server.observability.tracing import Tracing, end_statement, statement_span

MOST_STATEMENTS = 200
"""An operation remembers the texts of its first ones, and counts the others."""

Whose = Callable[[], UUID | None]
"""The id of the operator who asks: a login changes it while it runs."""

request_id: ContextVar[str] = ContextVar("request_id", default="")


class Record:
    """One operation. `seconds` and `statements` count what ended; `running` holds the texts, ended or not. `shared`:
    statements that were run for this one and others at once (joint.py)."""

    __slots__ = (
        "_asked_by", "_operator", "began", "cost", "executor", "kind", "name", "outcome", "rows", "running",
        "seconds", "shared", "statements", "text",
    )

    def __init__(self, kind: str, name: str, text: str, operator: Whose) -> None:
        self.kind, self.name, self.text = kind, name[:80], text
        self._operator, self._asked_by = operator, operator()
        self.cost: int | None = None
        self.executor = "ordinary"
        self.outcome = "OK"
        self.rows = self.statements = self.shared = 0
        self.seconds = 0.0
        self.running: list[Statement] = []
        self.began = perf_counter()

    @property
    def operator_id(self) -> UUID | None:
        """Who asked; after a login, who logged in."""
        return self._asked_by or self._operator()

    def cut_off(self) -> None:
        """Ends what has not ended by itself."""
        for statement in self.running:
            if statement.seconds is None:
                statement.end(failed=True)

    def counts(self) -> dict[str, Any]:
        """What it came to, for its span and its line in the log."""
        known = {"cost": self.cost} if self.cost is not None else {}
        if self.shared:
            known["shared_statements"] = self.shared
        return {
            "outcome": self.outcome, "executor": self.executor, **known, "statements": self.statements,
            "statement_seconds": round(self.seconds, 4), "rows": self.rows,
            "document": sha256(self.text.encode(errors="surrogatepass")).hexdigest(),
        }

    def described(self, seconds: float) -> dict[str, Any]:
        """The fields of its line in the log, beside the ids."""
        return {"kind": self.kind, "seconds": round(seconds, 4), **self.counts()}


current: ContextVar[Record | None] = ContextVar("current_operation", default=None)


class Statement:
    """One statement from its begin on; `seconds` is None until it has ended."""

    __slots__ = ("_record", "_span", "began", "failed", "seconds", "text")

    def __init__(self, text: str, record: Record | None, span: Span | None) -> None:
        self.text, self._record, self._span = text, record, span
        self.seconds: float | None = None
        self.failed = False
        self.began = perf_counter()

    def __enter__(self) -> "Statement":
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if self.seconds is None:
            self.end(failed=error is not None)

    def end(self, rows: int = 0, *, failed: bool = False) -> None:
        self.seconds, self.failed = perf_counter() - self.began, failed
        if self._span is not None:
            end_statement(self._span, failed)
        if (record := self._record) is None:
            number, seconds = metrics.OF_OTHERS
            number(1)
            seconds(self.seconds)
            return
        record.statements += 1
        record.seconds += self.seconds
        record.rows += rows


def begin_statement(text: str, system: str) -> Statement:
    """A statement that is about to run: `with` it around the call, and `end(rows)` when its rows are there. Without
    `with`, one that raises or is cut off ends as failed with its operation."""
    record = current.get()
    statement = Statement(text, record, statement_span(text, system) if Tracing.on else None)
    if record is not None and len(record.running) < MOST_STATEMENTS:
        record.running.append(statement)
    return statement


def ids() -> dict[str, str]:
    """What every line in the log says about where it comes from."""
    found = {"request_id": request_id.get()}
    if record := current.get():
        found |= {"operator_id": str(record.operator_id or ""), "operation": record.name}
    return {name: value for name, value in found.items() if value}


def end_with(code: str) -> None:
    """The current operation ends with this error; without one, a request was refused before it became one."""
    if record := current.get():
        record.outcome = code
    else:
        metrics.operations("refused", metrics.outcome_of(code))(1)


def fast_path() -> None:
    """The current operation is answered by the compiled path."""
    if record := current.get():
        record.executor = "fast"


def read_rows(number: int) -> None:
    """Counts rows for the current operation, where the statement's end does not know them."""
    if record := current.get():
        record.rows += number
