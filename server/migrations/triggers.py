"""Triggers that keep the history as it was written, whoever asks the database [12.1].

They stand beside the revisions, so that making a revision anew from the model does not lose them.
"""

from alembic import op

ACTIONS = ("UPDATE", "DELETE")
REFUSAL = "the history cannot be changed"


def protect_history() -> None:
    """Refuses every UPDATE, DELETE and (on PostgreSQL) TRUNCATE of `history`. A revision that rebuilds the table on
    SQLite drops the triggers there: call this again at its end."""
    if op.get_bind().dialect.name == "sqlite":
        for action in ACTIONS:
            op.execute(
                f"CREATE TRIGGER IF NOT EXISTS history_refuses_{action.lower()} BEFORE {action} ON history "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION history_refuses() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE OR REPLACE TRIGGER history_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON history "
        "FOR EACH STATEMENT EXECUTE FUNCTION history_refuses()"
    )
