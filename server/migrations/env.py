"""What Alembic runs: the revisions, on the connection that `server.migrations` opened."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Enum

from server.domain.base import Moment
from server.domain.tables import metadata
from server.jobs.tables import is_ours


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Revisions name plain column types, so that they stay as they are when the model's classes change."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    if kind == "type" and isinstance(item, JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=is_ours,
    render_item=render_item,
    render_as_batch=True,  # SQLite cannot ALTER much: tables are rebuilt there
)
with context.begin_transaction():
    context.run_migrations()
