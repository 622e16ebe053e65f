"""Acts on a list of contacts: Paris removes from its five, and confirms."""

from datetime import timedelta
from typing import Any

from server.domain.approval import Approval, ApprovalSubject
from server.domain.network import Operator
from server.domain.order import Order
from server.domain.target import Contact
from server.services.targets import Targets
from tests.builders import DAY, NOW
from tests.services.conftest import World
from tests.services.lists import order_of, people, spread

MANUAL, AUTOMATIC = {"approval_mode": "MANUAL"}, {"approval_mode": "AUTOMATIC"}
DEADLINE = NOW + 3 * DAY
AFTER = DEADLINE + timedelta(seconds=1)
WHOLE_LIST: dict[str, Any] = {"and": []}


async def paris_list(world: World, mode: dict[str, str] = MANUAL, **options: Any) -> tuple[Order, list[Contact]]:
    """Paris has a list of five, Oslo one of two."""
    paris = people(world.paris, 5)
    rows = [("PARIS", 0, world.paris), ("OSLO", 0, world.oslo)]
    await spread(world, rows, paris + people(world.oslo, 2), package=mode, **options)
    return await order_of(world, world.paris), paris


async def remove(
    world: World, order: Order, contacts: list[Contact] | None = None, *, who: Operator | None = None, reason: str = "",
    keep: bool = False, filter: dict[str, Any] | None = None, at: Any = None,
) -> int:
    ids = None if contacts is None else [contact.id for contact in contacts]
    return await world.do(
        who or world.paris_manager, lambda w: Targets(w).decide(order.id, keep, ids, filter, reason), at=at
    )


async def confirm(world: World, order: Order, *, who: Operator | None = None, at: Any = None) -> Order:
    """Confirms the list in the revision that stands."""
    current = await world.read(Order, id=order.id)
    return await world.do(
        who or world.paris_manager, lambda w: Targets(w).confirm(order.id, current.revision), at=at
    )


async def question(world: World, order: Order, **where: Any) -> Approval:
    return await world.read(Approval, order_id=order.id, subject=ApprovalSubject.TARGET, **where)
