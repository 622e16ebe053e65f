"""Counts the statements that SQLAlchemy runs."""

from typing import Any

from sqlalchemy import Engine, event

from server.observability.records import begin_statement


def watch(engine: Engine) -> None:
    """Every statement on the engine is counted for the operation that it belongs to."""
    system = engine.dialect.name

    @event.listens_for(engine, "before_cursor_execute")
    def before(_connection: Any, _cursor: Any, text: str, _values: Any, context: Any, _many: bool) -> None:
        running = begin_statement(text, system)
        if context is not None:
            context.samverkan_statement = running

    @event.listens_for(engine, "after_cursor_execute")
    def after(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool) -> None:
        if context is not None:
            context.samverkan_statement.end()
