"""Watches GraphQL operations: counts them, traces them, and says in the log which were slow."""

import asyncio
from collections.abc import Collection
from contextvars import Token
from time import perf_counter

import structlog

from server.observability import metrics
from server.observability.records import Record, Whose, current
from server.observability.slow import SlowLog
from server.observability.tracing import Started, Tracing, begin_operation, end_operation

log = structlog.get_logger(__name__)


class Watch:
    """Watches the operations of one server; `log_all` writes a line for every one, not only for slow ones."""

    def __init__(self, slow: SlowLog | None = None, *, log_all: bool = False) -> None:
        self._slow, self._log_all = slow, log_all

    def operation(self, kind: str, name: str, text: str, fields: Collection[str], operator: Whose) -> "Watched":
        """Around one operation; `fields` are its root fields, known in the schema."""
        return Watched(self, Record(kind, name, text, operator), fields)

    def ended(self, record: Record, fields: Collection[str]) -> None:
        seconds = perf_counter() - record.began
        metrics.operations(record.kind, metrics.outcome_of(record.outcome))(1)
        metrics.seconds(record.kind, record.executor).observe(seconds)
        for field in fields:
            metrics.root_field(record.kind, field)(1)
        number, spent = metrics.OF_OPERATIONS
        number(record.statements)
        spent(record.seconds)
        metrics.ROWS(record.rows)
        if self._log_all:
            log.info("operation", **record.described(seconds))
        if self._slow is not None and seconds >= self._slow.seconds:
            self._slow.tell(record, seconds)


class Watched:
    """`with watch.operation(…) as record:` is current for everything that runs inside."""

    __slots__ = ("_fields", "_record", "_span", "_token", "_watch")

    def __init__(self, watch: Watch, record: Record, fields: Collection[str]) -> None:
        self._watch, self._record, self._fields = watch, record, fields

    def __enter__(self) -> Record:
        self._token: Token[Record | None] = current.set(self._record)
        self._span: Started | None = None
        if Tracing.on:
            self._span = begin_operation(self._record.kind, self._record.name)
        return self._record

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        record = self._record
        if error is not None:
            record.outcome = "CANCELLED" if isinstance(error, asyncio.CancelledError) else "INTERNAL"
        record.cut_off()
        if self._span is not None:
            end_operation(self._span, record.outcome, record.counts())
        try:
            self._watch.ended(record, self._fields)
        finally:
            current.reset(self._token)
