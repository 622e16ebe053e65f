"""Moving many orders or campaigns at once: the lifecycles' tables as set-based statements, history included."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from server.domain.campaign import Campaign
from server.domain.lifecycles import CAMPAIGN, ORDER, Action
from server.domain.order import Order
from server.domain.record import SubjectKind
from server.reads.ids import one_of
from server.services.bulk import add_history, entry
from server.services.work import Work

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Moved:
    """One row that was moved, as it was before; `campaign_id` is None for campaigns."""

    id: UUID
    code: str
    label: str
    status: str
    revision: int
    entity_id: UUID | None
    package_id: UUID | None = None
    campaign_id: UUID | None = None


async def move_orders(
    work: Work, which: ColumnElement[bool], action: Action, comment: str = "", **values: Any
) -> list[Moved]:
    """Moves every order that satisfies `which` and from whose status the lifecycle lists `action`; `values` are set
    with the status."""
    columns = (Order.package_id, Order.campaign_id)
    return await _move(work, SubjectKind.ORDER, Order, ORDER, which, action, comment, columns, values)


async def move_campaigns(
    work: Work, which: ColumnElement[bool], action: Action, comment: str = "", **values: Any
) -> list[Moved]:
    """The same for campaigns."""
    return await _move(work, SubjectKind.CAMPAIGN, Campaign, CAMPAIGN, which, action, comment, (), values)


async def _move(
    work: Work, subject: SubjectKind, kind: Any, table: Mapping[Any, Any], which: ColumnElement[bool], action: Action,
    comment: str, columns: Iterable[Any], values: Mapping[str, Any],
) -> list[Moved]:
    """Reads and locks the rows in the order of their ids, then updates them and writes their history in chunks."""
    await work.session.flush()
    origins = [status for status, listed in table if listed is action]
    rows = await work.session.execute(
        select(kind.id, kind.code, kind.label, kind.status, kind.revision, kind.entity_id, *columns)
        .where(kind.status.in_(origins), which).order_by(kind.id).with_for_update(of=kind)
    )
    moved = [Moved(**row) for row in rows.mappings()]
    for start in range(0, len(moved), CHUNK):
        await _write(work, subject, kind, table, moved[start:start + CHUNK], action, comment, values)
    for row in moved:
        work.impact.add(subject, row.code, row.label, table[row.status, action])
    return moved


async def _write(
    work: Work, subject: SubjectKind, kind: Any, table: Mapping[Any, Any], rows: Sequence[Moved], action: Action,
    comment: str, values: Mapping[str, Any],
) -> None:
    for became in {table[row.status, action] for row in rows}:
        ids = [row.id for row in rows if table[row.status, action] == became]
        await work.session.execute(
            update(kind).where(one_of(kind.id, ids))
            .values(status=became, revision=kind.revision + 1, modified_at=work.now, **values)
            .execution_options(synchronize_session="fetch")
        )
    await add_history(work, [
        entry(
            work, subject, row.id, row.code, row.entity_id, row.revision + 1, action, before={"status": row.status},
            after={"status": table[row.status, action]}, comment=comment,
        )
        for row in rows
    ])
