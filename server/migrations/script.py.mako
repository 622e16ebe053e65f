"""Revision ${up_revision}: ${message}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
% if down_revision is None:

from server.migrations import triggers
% endif

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
% if down_revision is None:
    triggers.protect_history()
% endif
