"""OpenTelemetry spans: operation, plan, statement. Off, they cost one `if`; the standard OTEL_… variables turn them on.

Spans hold texts of statements, never their parameters, and never a document, which may hold literals.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind, Status, StatusCode

NOTHING: AbstractContextManager[None] = nullcontext()
WANTED_BY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
FLUSH_MILLISECONDS = 5_000
SERVER_FAULTS = frozenset({"INTERNAL", "TIMEOUT", "CAMPAIGN_TYPE_FAILED"})
Started = tuple[Span, Token[Context]]
log = structlog.get_logger(__name__)

remote_trace: ContextVar[Context | None] = ContextVar("remote_trace", default=None)
"""The trace that the client's request belongs to."""


class Tracing:
    """Whether there are spans, and the tracer that makes them."""

    on = False
    tracer = trace.get_tracer("samverkan")


def configure_tracing() -> None:
    """Spans go where OTEL_EXPORTER_OTLP_ENDPOINT says, or to a provider that somebody set before; otherwise nowhere."""
    if isinstance(trace.get_tracer_provider(), ProxyTracerProvider) and is_wanted(os.environ):
        _export()
    Tracing.on = Tracing.on or not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def is_wanted(variables: Mapping[str, str]) -> bool:
    if variables.get("OTEL_SDK_DISABLED", "").lower() == "true" or variables.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(variables.get(name) for name in WANTED_BY)


def _export() -> None:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("tracing_not_installed", hint="OTEL_… variables are set: pip install 'samverkan[otel]'")
        return
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    provider = TracerProvider(resource=Resource.create({} if named else {"service.name": "samverkan"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def flush_traces() -> None:
    """Sends what is still to be sent; waits for the collector, but not for long."""
    if flush := getattr(trace.get_tracer_provider(), "force_flush", None):
        flush(FLUSH_MILLISECONDS)


def continue_trace(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """The operations of this request belong to the trace that its header traceparent names (W3C)."""
    remote_trace.set(propagate.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in headers}))


def span(name: str) -> AbstractContextManager[Any]:
    """A span within the current one; nothing when tracing is off. What an exception says may hold values."""
    if not Tracing.on:
        return NOTHING
    return Tracing.tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)


def begin_operation(kind: str, name: str) -> Started:
    """The span of one GraphQL operation, current from now on. Its name is the kind: the other one is the client's."""
    attributes = {"graphql.operation.type": kind, "graphql.operation.name": name}
    made = Tracing.tracer.start_span(kind, remote_trace.get(), SpanKind.SERVER, attributes)
    return made, attach(trace.set_span_in_context(made))


def end_operation(started: Started, outcome: str, attributes: Mapping[str, str | int | float]) -> None:
    made, token = started
    made.set_attributes(attributes)
    if outcome != "OK":
        made.set_attribute("error.type", outcome)
    if outcome in SERVER_FAULTS:
        made.set_status(Status(StatusCode.ERROR))
    made.end()
    detach(token)


def statement_span(text: str, system: str) -> Span:
    """The span of one statement, which `end()` ends."""
    words = text.split(None, 1)
    attributes = {"db.system.name": system, "db.query.text": text}
    return Tracing.tracer.start_span(words[0].upper() if words else "SQL", kind=SpanKind.CLIENT, attributes=attributes)


def end_statement(made: Span, failed: bool) -> None:
    if failed:
        made.set_status(Status(StatusCode.ERROR))
    made.end()
