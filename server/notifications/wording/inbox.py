"""The texts of an inbox, made when they are read: as far as their reader may still see what they are about [2.3, 7]."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.approval import Approval
from server.domain.network import Entity
from server.domain.notification import Notification
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import EventKind
from server.notifications.wording.rendering import Renderer
from server.reads.ids import one_of
from server.reads.resource import Reader
from server.reads.visibility import (
    Caller,
    visible_approvals,
    visible_entities,
    visible_notifications,
    visible_orders,
    visible_packages,
)

FAREWELLS = (EventKind.PACKAGE_CANCELED, EventKind.ORDER_CANCELED)
"""They say no more of a package than its name, and that it is not to be seen any more."""


async def texts(session: AsyncSession, reader: Reader, ids: Sequence[UUID]) -> Mapping[UUID, object]:
    """The plain texts in the reader's language, in as many statements for a page as for one."""
    rows = (await session.scalars(
        select(Notification).where(
            one_of(Notification.id, ids), visible_notifications(reader.caller), _seen(reader.caller)
        )
    )).all()
    made = await Renderer(reader.types, reader.settings).messages(session, rows)
    return {id: message.text for id, message in made.items()}


def _seen(caller: Caller) -> ColumnElement[bool]:
    """Nothing that a text tells of is out of scope now: a text has what things are now, not what they were."""
    links = (
        (Notification.entity_id, Entity.id, visible_entities), (Notification.order_id, Order.id, visible_orders),
        (Notification.approval_id, Approval.id, visible_approvals),
    )
    package = Notification.package_id.in_(select(Package.id).where(visible_packages(caller)))
    return and_(
        *(or_(link.is_(None), link.in_(select(key).where(visible(caller)))) for link, key, visible in links),
        or_(Notification.package_id.is_(None), package, Notification.kind.in_(FAREWELLS)),
    )
