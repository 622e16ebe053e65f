"""Writes a revision from the difference between the newest one and the model.

    make migration MESSAGE="add the budget of packages"     a new revision
    make migration-initial                                  0001 anew; only before anything was released

Both compare on an empty SQLite database of their own and touch no other. Read what came out; move rows by hand.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from server import migrations

VERSIONS = migrations.FOLDER / "versions"


def revise(message: str) -> None:
    """Writes the next revision with the next number."""
    number = f"{int(migrations.newest() or 0) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{Path(folder) / 'revise.db'}"
        migrations.upgrade(address)
        migrations._run(
            address,
            lambda connection: command.revision(
                migrations.configuration(connection), message, autogenerate=True, rev_id=number
            ),
        )


def revise_initial() -> None:
    """Writes 0001 from the whole model in place of all revisions."""
    for revision in VERSIONS.glob("[0-9]*.py"):
        revision.unlink()
    revise("the first tables")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    revise_initial() if sys.argv[1] == "--initial" else revise(sys.argv[1])
