"""Revision 0007: SQLite stores moments as answers show them."""

import sqlalchemy as sa
from alembic import op

from server.migrations.triggers import protect_history

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    connection.execute(sa.text("DROP TRIGGER IF EXISTS history_refuses_update"))
    inspector = sa.inspect(connection)
    for name in inspector.get_table_names():
        found = inspector.get_columns(name)
        moments = [sa.column(each["name"], sa.String) for each in found if isinstance(each["type"], sa.DateTime)]
        if moments:
            connection.execute(sa.table(name, *moments).update().values({each.name: _shown(each) for each in moments}))
    protect_history()


def _shown(stored: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """'2026-11-01 12:00:00.500000' as '2026-11-01T12:00:00.5+00:00'."""
    return sa.func.rtrim(sa.func.rtrim(sa.func.replace(stored, " ", "T"), "0"), ".") + "+00:00"
