"""What is done for several operations at once, as each of them remembers it: its statements are counted once, as those
of no operation, and told with every one of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace import Link, Span

from server.observability import metrics
from server.observability.records import MOST_STATEMENTS, Record, current
from server.observability.tracing import NOTHING, Tracing


@dataclass(frozen=True, slots=True)
class Asker:
    """An operation that waits for what is done."""

    record: Record | None
    span: Span | None

    @classmethod
    def now(cls) -> "Asker":
        return cls(current.get(), trace.get_current_span() if Tracing.on else None)


@contextmanager
def for_all(askers: Sequence[Asker]) -> Iterator[None]:
    """What runs inside has a span of its own, linked with those of the operations."""
    token = current.set(joint := Record("joint", "", "", lambda: None))
    links = [Link(asker.span.get_span_context()) for asker in askers if asker.span]
    try:
        with Tracing.tracer.start_as_current_span(
            "joint", links=links, record_exception=False, set_status_on_exception=False
        ) if Tracing.on else NOTHING:
            yield
    finally:
        current.reset(token)
        number, seconds = metrics.OF_OTHERS
        number(joint.statements)
        seconds(joint.seconds)
        for record in {asker.record for asker in askers if asker.record}:
            record.shared += joint.statements
            record.running += joint.running[:MOST_STATEMENTS - len(record.running)]
