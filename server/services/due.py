"""What time does: every move that no operator makes, in transactions of bounded size [4.4, 5.3, 5.4, 6.2]."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Select, and_, or_, select, update

from server.database import Database
from server.domain.approval import Approval, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, CampaignStatus, OrderStatus
from server.domain.order import Order
from server.domain.package import DeadlineNotice, Package
from server.domain.record import EventKind, SubjectKind
from server.errors import SamverkanError
from server.jobs.enqueue import JobKind, enqueue
from server.plugins import CampaignTypes
from server.reads.due import DueRows, ends_with_its_package
from server.reads.ids import one_of
from server.reads.visibility import SYSTEM
from server.services.at_once import by_policy, close_lists, decide_overdue, make_available
from server.services.deciding_alone import decide_alone
from server.services.ending import finish_campaigns
from server.services.loading import load_approval, load_campaign, load_package
from server.services.moves import move_campaigns, move_orders
from server.services.publishing import publish_if_due
from server.services.reminding import send_reminders
from server.services.work import Work
from server.settings import Settings

CHUNK = 250
"""Rows that one transaction moves at most."""
T = TypeVar("T")
AtOnce = Callable[[Work, Select[UUID], Sequence[UUID]], Awaitable[int]]
log = structlog.get_logger(__name__)


class Due:
    """The due moves at one moment. A repeated, late or simultaneous call is harmless: the rows say what is due, and are
    asked again once they are locked. What a crash leaves undone is still due."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings) -> None:
        self.database = database
        self.types = types
        self.settings = settings

    async def advance(self, now: datetime) -> dict[str, int]:
        """Does everything that is due at `now`, in the order in which one causes another, and counts it by name. What
        fails, or is held by somebody else, is looked for again a minute later."""
        steps = {
            "questions": self.decide_overdue, "lists": self.close_lists, "starts": self.publish, "ends": self.end,
            "drafts": self.expire_drafts, "orders": self.make_available, "campaigns": self.finish,
            "reminded": self.remind, "untold": self.tell_of_deadlines,
        }
        due, done = await self._kinds(now), {}
        for kind, step in steps.items():
            if kind in due:
                done[step.__name__] = await _try(step(now), step=step.__name__)
                due = await self._kinds(now)
        if due:
            await self._look_again(now)
        return {name: count for name, count in done.items() if count}

    async def decide_overdue(self, now: datetime) -> int:
        """What the packages' policies say about questions that nobody decided [5.3]."""
        due, subject = self._rows(now).questions(), Approval.subject
        packages = await self._each(now, due.where(subject == ApprovalSubject.PACKAGE), load_approval, _decide)
        return packages + await self._together(now, due.where(subject == ApprovalSubject.ORDER), decide_overdue)

    async def close_lists(self, now: datetime) -> int:
        """Target lists without an answer [9.15]."""
        return await self._together(now, self._rows(now).lists(), close_lists)

    async def publish(self, now: datetime) -> int:
        """Approved packages whose start is reached."""
        return await self._each(now, self._rows(now).starts(), load_package, publish_if_due)

    async def end(self, now: datetime) -> int:
        """Published packages whose end has passed."""
        return await self._each(now, self._rows(now).ends(), load_package, _end)

    async def expire_drafts(self, now: datetime) -> int:
        """Drafts that were not submitted in time."""
        due, count = self._rows(now).drafts(), 0
        async for ids in self._chunks(due):
            async with self._transaction(now) as work:
                which = one_of(Order.id, ids) & Order.id.in_(due)
                count += len(await move_orders(work, which, Action.EXPIRE))
        return count

    async def make_available(self, now: datetime) -> int:
        """Approved orders whose campaign has become available."""
        return await self._together(now, self._rows(now).orders(), make_available)

    async def finish(self, now: datetime) -> int:
        """Running campaigns whose end has passed: first the orders of each and of its children, then the children, and
        itself at last, so that one that was interrupted is still due."""
        due, count = self._rows(now).campaigns(), 0
        async for ids in self._chunks(due):
            for campaign_id in ids:
                count += await _try(self._finish(now, due, campaign_id), id=str(campaign_id))
        return count

    async def remind(self, now: datetime) -> int:
        """Reminders of open approvals [5.4]."""
        count = 0
        async for ids in self._chunks(self._rows(now).reminded()):
            async with self._transaction(now) as work:
                count += await send_reminders(work, ids)
        return count

    async def tell_of_deadlines(self, now: datetime) -> int:
        """N11: the registration deadline is near, and reached, to the entities without an order."""
        return await self._each(now, self._rows(now).untold(), load_package, _tell)

    async def _kinds(self, now: datetime) -> set[str]:
        """What is due, by the names of DueRows."""
        async with self.database.reading() as session:
            row = (await session.execute(self._rows(now).kinds())).one()
        return {kind for kind, due in row._mapping.items() if due}

    async def _look_again(self, now: datetime) -> None:
        """One alarm at the next full minute but one, however many moves wait for it."""
        at = (now + timedelta(minutes=2)).replace(second=0, microsecond=0)
        async with self.database.transaction() as session:
            enqueue(session, JobKind.ADVANCE, f"{at:%Y%m%dT%H%M}-again", at=at)

    async def _finish(self, now: datetime, due: Select[UUID], campaign_id: UUID) -> int:
        running = and_(Campaign.parent_id == campaign_id, Campaign.status == CampaignStatus.IN_PROGRESS)
        orders = select(Order.id).join(Campaign, Campaign.id == Order.campaign_id).where(
            or_(Campaign.id == campaign_id, running), Order.status == OrderStatus.AVAILABLE, ~ends_with_its_package
        )
        children = select(Campaign.id).where(running)
        for rows, key, move in ((orders, Order.id, move_orders), (children, Campaign.id, move_campaigns)):
            async for ids in self._chunks(rows):
                async with self._transaction(now) as work:
                    if await _still_due(work, due, load_campaign, campaign_id):
                        await move(work, one_of(key, ids), Action.FINISH)
        return await self._one(now, due, load_campaign, _finish, campaign_id)

    async def _each(
        self, now: datetime, due: Select[UUID], load: Callable[[Work, UUID], Awaitable[T]],
        act: Callable[[Work, T], Awaitable[object]],
    ) -> int:
        """Does `act` to every due row, each in a transaction of its own. One that fails is logged, keeps its state, and
        holds up nobody."""
        count = 0
        async for ids in self._chunks(due):
            for key in ids:
                count += await _try(self._one(now, due, load, act, key), id=str(key))
        return count

    async def _together(self, now: datetime, due: Select[UUID], act: AtOnce) -> int:
        """Does `act` to the due rows of a chunk at once; if that fails, to one after the other, so that the one which
        fails is logged, keeps its state, and holds up nobody."""
        async def move(ids: Sequence[UUID]) -> int:
            async with self._transaction(now) as work:
                return await act(work, due, ids)

        count = 0
        async for ids in self._chunks(due):
            try:
                count += await move(ids)
            except Exception as error:
                log.warning("due_moves_one_by_one", reason=str(error), rows=len(ids))
                count += sum([await _try(move([key]), id=str(key)) for key in ids])
        return count

    async def _one(
        self, now: datetime, due: Select[UUID], load: Callable[[Work, UUID], Awaitable[T]],
        act: Callable[[Work, T], Awaitable[object]], key: UUID,
    ) -> int:
        """Does `act` to the row, loaded and locked as for an operator, if it is still due then."""
        async with self._transaction(now) as work:
            if (loaded := await _still_due(work, due, load, key)) is None:
                return 0
            await act(work, loaded)
        return 1

    async def _chunks(self, due: Select[UUID]) -> AsyncIterator[Sequence[UUID]]:
        """The ids of the due rows, each chunk read after the one before was dealt with; none is met twice."""
        key, behind = due.selected_columns[0], due
        while True:
            async with self.database.reading() as session:
                ids = (await session.scalars(behind.order_by(key).limit(CHUNK))).all()
            if ids:
                yield ids
            if len(ids) < CHUNK:
                return
            behind = due.where(key > ids[-1])

    @asynccontextmanager
    async def _transaction(self, now: datetime) -> AsyncIterator[Work]:
        async with self.database.transaction(alone=True) as session:
            yield Work(session, SYSTEM, now, self.types, self.settings)

    def _rows(self, now: datetime) -> DueRows:
        return DueRows(self.types, self.settings, now)


async def _still_due(
    work: Work, due: Select[UUID], load: Callable[[Work, UUID], Awaitable[T]], key: UUID
) -> T | None:
    """The row, locked, unless somebody was faster."""
    loaded = await load(work, key)
    return loaded if await work.session.scalar(due.where(due.selected_columns[0] == key)) else None


async def _decide(work: Work, loaded: tuple[Package, Order | None, Approval]) -> None:
    package, _order, approval = loaded
    await decide_alone(work, by_policy(work, approval, package))


async def _end(work: Work, package: Package) -> None:
    package.apply(Action.END)
    await work.record(SubjectKind.PACKAGE, package, Action.END)


async def _finish(work: Work, campaign: Campaign) -> None:
    await finish_campaigns(work, Campaign.id == campaign.id)


async def _tell(work: Work, package: Package) -> None:
    """What has been told is no change of the package: its revision stays."""
    deadline = package.effective_registration_deadline
    reached = deadline is not None and deadline < work.now
    notice = DeadlineNotice.REACHED if reached else DeadlineNotice.NEAR
    await work.session.execute(update(Package).where(Package.id == package.id).values(deadline_notice=notice))
    work.emit(
        EventKind.REGISTRATION_DEADLINE_REACHED if reached else EventKind.REGISTRATION_DEADLINE_NEAR,
        package_id=package.id,
    )


async def _try(move: Coroutine[Any, Any, int], **what: str) -> int:
    """What the move did; nothing when it fails, for whatever reason, which is logged."""
    try:
        return await move
    except SamverkanError as error:
        log.error("due_move_failed", reason=str(error), **what)
    except Exception as error:
        log.error("due_move_failed", exc_info=error, **what)
    return 0
