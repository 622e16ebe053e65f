"""What is done for several operations at once: each of them tells it, nobody counts it twice, and spans are linked."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from server.observability.joint import Asker, for_all
from server.observability.operations import Watch
from server.observability.records import begin_statement
from server.observability.tracing import Tracing


def asked(name: str) -> Asker:
    with Watch().operation("mutation", name, "", (), lambda: None):
        return Asker.now()


def do(*askers: Asker) -> None:
    with for_all(askers):
        begin_statement("UPDATE everything", "sqlite").end(3)


def test_its_statements_are_told_with_every_operation_and_are_nobodys_own() -> None:
    askers = [asked("One"), asked("Other")]
    do(*askers)
    for asker in askers:
        assert asker.record is not None
        assert [each.text for each in asker.record.running] == ["UPDATE everything"]
        assert (asker.record.counts()["shared_statements"], asker.record.statements, asker.record.rows) == (1, 0, 0)


def test_its_span_is_linked_with_those_of_the_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(Tracing, "on", True)
    monkeypatch.setattr(Tracing, "tracer", provider.get_tracer("tests"))
    do(asked("One"), asked("Other"))
    one, other, statement, joint = exporter.get_finished_spans()
    assert {link.context.span_id for link in joint.links} == {one.context.span_id, other.context.span_id}
    assert statement.name == "UPDATE" and statement.parent and statement.parent.span_id == joint.context.span_id


def test_what_nobody_asks_for_any_more_is_done_all_the_same() -> None:
    do(Asker(None, None))
