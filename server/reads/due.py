"""What is due at a moment: the rows that the due moves deal with, each kind found by an index."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, union_all

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject, Reminder, ReminderStatus
from server.domain.campaign import Campaign
from server.domain.later import FanOut, FanOutKind
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import DeadlineNotice, NoDecision, Package
from server.plugins import CampaignTypes
from server.settings import Settings

last_moment = func.coalesce(Package.registration_deadline, Package.end)
"""The effective registration deadline [4.3]."""
asked = exists().where(Approval.order_id == Order.id, Approval.status == ApprovalStatus.PENDING)
"""Whether an order waits for an answer."""


def constant(column: Any, value: Any) -> ColumnElement[Any]:
    """The value in the statement's text: a partial index serves no parameter."""
    return literal(value, column.type, literal_execute=True)


closing = or_(
    Approval.on_no_decision != constant(Approval.on_no_decision, NoDecision.NOTHING),
    Approval.subject == constant(Approval.subject, ApprovalSubject.TARGET),
)
"""Whether something happens to a question at its deadline; in the words of its index."""

ends_with_its_package = exists().where(
    Package.id == Order.package_id, Package.status == PackageStatus.CANCELED
).correlate(Order)
"""Whether an order that lives on is about to be cancelled with its package: nothing else happens to it any more."""

DRAFT = and_(Order.status == constant(Order.status, OrderStatus.DRAFT), Order.targeted_contacts.is_(None), ~asked)
WAITING = and_(Order.status == constant(Order.status, OrderStatus.APPROVED), ~asked)


@dataclass(frozen=True)
class DueRows:
    """Ids of what is due at `now`. What was made with a type that is gone waits for it [3.2]."""

    types: CampaignTypes
    settings: Settings
    now: datetime

    def questions(self) -> Select[UUID]:
        """Approvals past their deadline whose policy says more than waiting [5.3]."""
        return self._questions().where(Approval.subject != ApprovalSubject.TARGET)

    def lists(self) -> Select[UUID]:
        """Questions about target lists that nobody answered in time [9.15]."""
        return self._questions().where(Approval.subject == ApprovalSubject.TARGET)

    def starts(self) -> Select[UUID]:
        """Approved packages whose start is reached."""
        return select(Package.id).where(
            Package.status == PackageStatus.APPROVED, Package.start <= self.now, self._installed()
        )

    def ends(self) -> Select[UUID]:
        """Published packages whose end has passed; the end itself still belongs to them [4.3]."""
        return select(Package.id).where(Package.status == PackageStatus.PUBLISHED, Package.end < self.now)

    def drafts(self) -> Select[UUID]:
        """Drafts whose effective registration deadline has passed; target lists have a deadline of their own."""
        return _orders_of(self._drafts(), DRAFT)

    def orders(self) -> Select[UUID]:
        """Approved orders whose campaign has become available, and whose entity has answered about its contacts. With
        no availability date subscriptions wait for the registration deadline, others for nothing (decision 1)."""
        return select(Order.id).where(Order.id.in_(union_all(
            _orders_of(self._reached(), WAITING), _orders_of(self._undated(), WAITING & ~Order.subscribed)
        )))

    def campaigns(self) -> Select[UUID]:
        """Running campaigns whose end has passed."""
        return select(Campaign.id).where(Campaign.status == CampaignStatus.IN_PROGRESS, Campaign.end < self.now)

    def reminded(self) -> Select[UUID]:
        """Approvals with reminders to send or to skip [5.4]."""
        return select(Reminder.approval_id).where(
            Reminder.status == ReminderStatus.SCHEDULED, Reminder.due_at <= self.now
        ).distinct()

    def untold(self) -> Select[UUID]:
        """Packages whose entities have not heard that the registration deadline is near, or reached (N11). An audience
        that is being subscribed will have its orders in a moment."""
        soon = self.now + timedelta(hours=self.settings.registration_notice_hours)
        subscribing = exists().where(
            FanOut.package_id == Package.id, FanOut.kind == FanOutKind.SUBSCRIBE, FanOut.finished_at.is_(None)
        )
        return select(Package.id).where(
            ~subscribing,
            Package.status.in_((PackageStatus.PUBLISHED, PackageStatus.ENDED)),
            Package.type.in_([kind.name for kind in self.types if kind.rules.orderable]),
            or_(
                and_(Package.deadline_notice == DeadlineNotice.NONE, last_moment <= soon),
                and_(Package.deadline_notice == DeadlineNotice.NEAR, last_moment < self.now),
            ),
        )

    def kinds(self) -> Select[Any]:
        """Which kinds are due, in one statement: a column for each, of the method's name."""
        return select(
            *(getattr(self, kind)().exists().label(kind) for kind in (
                "questions", "lists", "starts", "ends", "campaigns", "reminded", "untold",
            )),
            self._drafts().exists().label("drafts"),
            or_(self._reached().exists(), self._undated().exists()).label("orders"),
        )

    def _drafts(self) -> Select[UUID]:
        return _packages_with(DRAFT, last_moment < self.now)

    def _reached(self) -> Select[UUID]:
        reached = func.coalesce(Package.campaign_available_at, last_moment, self.now) <= self.now
        return _packages_with(WAITING, reached, self._installed())

    def _undated(self) -> Select[UUID]:
        undated = Package.campaign_available_at.is_(None)
        return _packages_with(WAITING & ~Order.subscribed, undated, self._installed())

    def _questions(self) -> Select[UUID]:
        goes_on = Package.status != PackageStatus.CANCELED
        installed = exists().where(Package.id == Approval.package_id, self._installed(), goes_on)
        return select(Approval.id).where(
            Approval.status == constant(Approval.status, ApprovalStatus.PENDING), closing,
            Approval.deadline < self.now, installed,
        )

    def _installed(self) -> ColumnElement[bool]:
        return Package.type.in_([kind.name for kind in self.types])


def _packages_with(orders: ColumnElement[bool], *packages: ColumnElement[bool]) -> Select[UUID]:
    """Packages that hold such orders. Each is asked for one, since hardly any has one, and no planner can know that:
    OFFSET keeps PostgreSQL's from reading the orders of all packages, and ORDER BY has it use the index."""
    one = select(Order.id).where(Order.package_id == Package.id, orders).correlate(Package)
    one = one.order_by(Order.status, Order.id).limit(1).offset(0)
    return select(Package.id).where(Package.status != PackageStatus.CANCELED, *packages, one.exists())


def _orders_of(packages: Select[UUID], orders: ColumnElement[bool]) -> Select[UUID]:
    return select(Order.id).where(Order.package_id.in_(packages), orders)
