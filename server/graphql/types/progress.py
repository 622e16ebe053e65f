"""How far the work on the many rows of a package has come [10.1]."""

from typing import Any

from sqlalchemy import ColumnElement, select

from server.domain.later import FanOut
from server.domain.package import Package
from server.graphql.fields import column, to_one
from server.graphql.relay import readable
from server.reads.resource import Reader
from server.reads.visibility import visible_fan_outs


@readable(
    "Progress", FanOut, visible_fan_outs, "How far the work on the many rows of a package has come.",
    sorts={"STARTED_AT": ("its beginning", (FanOut.started_at,))}, default="STARTED_AT_ASC",
)
class ProgressType:
    kind = column(FanOut.kind, "What is done.")
    done = column(FanOut.done, "How many were dealt with.")
    total = column(FanOut.total, "How many there were to deal with.")
    started_at = column(FanOut.started_at, "When it began.")


def _running(_reader: Reader) -> ColumnElement[Any]:
    """What began first, if there are several."""
    return (
        select(FanOut.id).where(FanOut.package_id == Package.id, FanOut.finished_at.is_(None))
        .order_by(FanOut.id).limit(1).correlate(Package).scalar_subquery()
    )


PROGRESS = to_one(
    "Progress", _running,
    "The work on its many orders or messages that goes on in the background; null when there is none. Central only.",
    name="progress_id",
)
