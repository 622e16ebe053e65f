"""What the database says when two people do something at the same moment, as problems that people understand."""

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import Index, Table, UniqueConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from server.domain.tables import metadata
from server.errors import Problem

STALE = Problem("STALE_REVISION", "Somebody changed it at the same moment: read it again and decide.", ("revision",))
BUSY = Problem(
    "CONFLICT", "Somebody was changing the same things at the same moment. Nothing of yours was changed: try again."
)
RULES: Mapping[str, Problem] = {
    "uq_order_standing": Problem(  # [6.3]
        "ALREADY_ORDERED", "The entity holds an order of this package already, made at the same moment: look at that.",
        ("entity_id",),
    ),
    "uq_approval_pending_order": Problem(
        "ALREADY_ASKED", "The order was submitted at the same moment already: its reviewers are asked once.", ("id",)
    ),
}
NAMES = ("code", "login")
"""Columns whose values people choose, and nobody else may have."""
BUSY_STATES = frozenset({"40001", "40P01", "55P03"})
"""Of PostgreSQL: serialization failure, deadlock, lock not available."""


def problem_of(error: BaseException) -> Problem | None:
    """The problem that a concurrent change caused; None for any other error, which is a bug."""
    match error:
        case StaleDataError():
            return STALE
        case IntegrityError():
            return _broken_rule(_constraint(str(error.orig)))
        case DBAPIError():
            state, text = getattr(error.orig, "sqlstate", ""), str(error.orig)
            return BUSY if state in BUSY_STATES or "is locked" in text else None
    return None


def _constraint(text: str) -> str:
    """The name of the unique constraint; SQLite names its columns instead."""
    if found := re.search(r'unique constraint "(\w+)"', text):
        return found[1]
    found = re.search(r"UNIQUE constraint failed: (.+)", text)
    return _by_columns().get(found[1], "") if found else ""


def _broken_rule(constraint: str) -> Problem | None:
    for name in NAMES:
        if constraint.endswith(f"_{name}"):
            return Problem("TAKEN", f"The {name} has just been taken by somebody else: choose another.", (name,))
    return RULES.get(constraint)


def _by_columns() -> dict[str, str]:
    return {columns: name for table in metadata.tables.values() for columns, name in _unique(table)}


def _unique(table: Table) -> Iterator[tuple[str, str]]:
    for rule in (*table.constraints, *table.indexes):
        if isinstance(rule, UniqueConstraint) or (isinstance(rule, Index) and rule.unique):
            yield ", ".join(f"{table.name}.{column.name}" for column in rule.columns), str(rule.name)
