"""What time does: every move that no operator makes, each object in a transaction of its own [4.4, 5.3, 5.4, 6.2]."""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, CampaignStatus, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import DeadlineNotice, NoDecision, Package
from server.domain.record import EventKind, SubjectKind
from server.errors import SamverkanError
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM
from server.services.approvals import Approvals, Decision
from server.services.availability import make_available_if_due
from server.services.ending import finish_campaigns
from server.services.loading import load_approval, load_campaign, load_order, load_package
from server.services.moves import move_orders
from server.services.publishing import publish_if_due
from server.services.reminding import send_reminders
from server.services.targets import close_unanswered
from server.services.work import Work
from server.settings import Settings

last_moment = func.coalesce(Package.registration_deadline, Package.end)
"""The effective registration deadline [4.3]."""
T = TypeVar("T")
log = structlog.get_logger(__name__)


class Due:
    """The due moves at one moment. A repeated, missed or simultaneous call is harmless: the rows say what is due."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings) -> None:
        self.database = database
        self.types = types
        self.settings = settings

    async def advance(self, now: datetime) -> dict[str, int]:
        """Does everything that is due at `now`, in the order in which one causes another, and counts it by name."""
        steps = (
            self.decide_overdue, self.publish, self.end, self.expire_drafts, self.make_available, self.finish,
            self.remind, self.tell_of_deadlines,
        )
        return {step.__name__: count for step in steps if (count := await _try(step(now), step=step.__name__))}

    async def decide_overdue(self, now: datetime) -> int:
        """Approvals past their deadline whose policy says more than waiting, and target lists without an answer."""
        policy = Approval.on_no_decision != NoDecision.NOTHING
        due = (
            select(Approval.id).join(Package, Package.id == Approval.package_id)
            .where(Approval.status == ApprovalStatus.PENDING, Approval.deadline < now, self._installed())
            .where(or_(policy, Approval.subject == ApprovalSubject.TARGET)).order_by(Approval.deadline)
        )
        return await self._each(now, due, load_approval, _decide)

    async def publish(self, now: datetime) -> int:
        """Approved packages whose start is reached."""
        due = (
            select(Package.id).where(Package.status == PackageStatus.APPROVED, Package.start <= now, self._installed())
            .order_by(Package.start)
        )
        return await self._each(now, due, load_package, publish_if_due)

    async def end(self, now: datetime) -> int:
        """Published packages whose end has passed; the end itself still belongs to them [4.3]."""
        due = select(Package.id).where(Package.status == PackageStatus.PUBLISHED, Package.end < now)
        return await self._each(now, due.order_by(Package.end), load_package, _end)

    async def expire_drafts(self, now: datetime) -> int:
        """Drafts whose effective registration deadline has passed; target lists have a deadline of their own."""
        async with self.database.transaction(alone=True) as session:
            passed = Order.package_id.in_(select(Package.id).where(last_moment < now))
            due = and_(passed, Order.targeted_contacts.is_(None), ~_asked())
            return len(await move_orders(self._work(session, now), due, Action.EXPIRE))

    async def make_available(self, now: datetime) -> int:
        """Approved orders whose campaign has become available, and whose entity has answered about its contacts."""
        waits = func.coalesce(
            Package.campaign_available_at, case((Order.subscribed, last_moment)), Order.approved_at
        )
        due = (
            select(Order.id).join(Package, Package.id == Order.package_id)
            .where(Order.status == OrderStatus.APPROVED, waits <= now, ~_asked(), self._installed())
        )
        return await self._each(now, due.order_by(Order.id), load_order, _make_available)

    async def finish(self, now: datetime) -> int:
        """Running campaigns whose end has passed, and the available orders of finished ones."""
        due = select(Campaign.id).where(Campaign.status == CampaignStatus.IN_PROGRESS, Campaign.end < now)
        count = await self._each(now, due.order_by(Campaign.id), load_campaign, _finish)
        async with self.database.transaction(alone=True) as session:
            finished = select(Campaign.id).where(Campaign.status == CampaignStatus.FINISHED)
            return count + len(await move_orders(
                self._work(session, now), Order.campaign_id.in_(finished), Action.FINISH
            ))

    async def remind(self, now: datetime) -> int:
        """Reminders of open approvals [5.4]."""
        async with self.database.transaction(alone=True) as session:
            return await send_reminders(self._work(session, now))

    async def tell_of_deadlines(self, now: datetime) -> int:
        """N11: the registration deadline is near, and reached, to the entities without an order."""
        soon = now + timedelta(hours=self.settings.registration_notice_hours)
        ordered = [kind.name for kind in self.types if kind.rules.orderable]
        due = (
            select(Package.id)
            .where(Package.status.in_((PackageStatus.PUBLISHED, PackageStatus.ENDED)), Package.type.in_(ordered))
            .where(or_(
                and_(Package.deadline_notice == DeadlineNotice.NONE, last_moment <= soon),
                and_(Package.deadline_notice == DeadlineNotice.NEAR, last_moment < now),
            ))
        )
        return await self._each(now, due.order_by(Package.id), load_package, _tell)

    async def _each(
        self, now: datetime, due: Select[UUID], load: Callable[[Work, UUID], Awaitable[T]],
        act: Callable[[Work, T], Awaitable[object]],
    ) -> int:
        """Does `act` to every due row, loaded and locked as for an operator, if it is still due then. One that fails is
        logged, keeps its state for the next time, and holds up nobody."""
        async def move(key: UUID) -> int:
            async with self.database.transaction(alone=True) as session:
                work = self._work(session, now)
                loaded = await load(work, key)
                if await session.scalar(due.where(due.selected_columns[0] == key)) is None:
                    return 0
                await act(work, loaded)
            return 1

        async with self.database.reading() as session:
            ids = (await session.scalars(due)).all()
        return sum([await _try(move(key), id=str(key)) for key in ids])

    def _installed(self) -> ColumnElement[bool]:
        """What was made with a type that is gone waits for it [3.2]."""
        return Package.type.in_([kind.name for kind in self.types])

    def _work(self, session: AsyncSession, now: datetime) -> Work:
        return Work(session, SYSTEM, now, self.types, self.settings)


async def _decide(work: Work, loaded: tuple[Package, Order | None, Approval]) -> None:
    package, order, approval = loaded
    if approval.subject is ApprovalSubject.TARGET:
        await close_unanswered(work, approval)
        return
    decision = Decision.APPROVE if approval.on_no_decision is NoDecision.APPROVE else Decision.REJECT
    await Approvals(work).decide(
        approval.id, (order or package).revision, decision,
        "Nobody decided by the deadline; the package's policy did.",
    )


async def _end(work: Work, package: Package) -> None:
    package.apply(Action.END)
    await work.record(SubjectKind.PACKAGE, package, Action.END)


async def _make_available(work: Work, loaded: tuple[Package, Order]) -> None:
    await make_available_if_due(work, *loaded)


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


def _asked() -> ColumnElement[bool]:
    return exists().where(Approval.order_id == Order.id, Approval.status == ApprovalStatus.PENDING)


async def _try(move: Coroutine[Any, Any, int], **what: str) -> int:
    """What the move did; nothing when it fails, for whatever reason, which is logged."""
    try:
        return await move
    except SamverkanError as error:
        log.error("due_move_failed", reason=str(error), **what)
    except Exception as error:
        log.error("due_move_failed", exc_info=error, **what)
    return 0
