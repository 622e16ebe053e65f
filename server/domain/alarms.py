"""When a thing needs the server's attention: the moments at which the due moves must be looked for
[4.4, 5.3, 5.4, 6.2, 7]."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from server.domain.approval import Approval, ApprovalStatus, ApprovalSubject, Reminder, ReminderStatus
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, PackageStatus
from server.domain.package import DeadlineNotice, NoDecision, Package

SECOND = timedelta(seconds=1)
WATCHED: Mapping[type[Any], tuple[str, ...]] = {
    Package: (
        "status", "cycle", "start", "end", "registration_deadline", "campaign_available_at", "deadline_notice",
    ),
    Approval: ("status", "deadline", "on_no_decision"),
    Reminder: ("status", "due_at"),
    Campaign: ("status", "end"),
}
"""What the moments follow from: a change of these columns is a change of the moments. Orders have none of their own:
they become available with their package's dates, or in the transaction that approves them."""


def moments_of(thing: Any, notice: timedelta) -> Iterator[datetime]:
    """When something becomes due for `thing`, as it is now, as long as nobody changes it. `notice`: how long before the
    registration deadline entities are told that it is near (N11)."""
    match thing:
        case Package():
            yield from _of_package(thing, notice)
        case Approval(status=ApprovalStatus.PENDING):
            if thing.on_no_decision is not NoDecision.NOTHING or thing.subject is ApprovalSubject.TARGET:
                yield just_after(thing.deadline)
        case Reminder(status=ReminderStatus.SCHEDULED):
            yield thing.due_at
        case Campaign(status=CampaignStatus.IN_PROGRESS) if thing.end:
            yield just_after(thing.end)


def _of_package(package: Package, notice: timedelta) -> Iterator[datetime]:
    """Its start and its end; while it may hold orders, also those of an earlier cycle [10.2], when its drafts expire,
    when its subscriptions (decision 1) and other approved orders become available, and when its entities are told."""
    deadline = package.effective_registration_deadline
    if package.status is PackageStatus.APPROVED and package.start:
        yield package.start
    if package.status is PackageStatus.PUBLISHED and package.end:
        yield just_after(package.end)
    offered = package.status in (PackageStatus.PUBLISHED, PackageStatus.ENDED)
    if not offered and package.cycle == 1:
        return
    if deadline:
        yield just_after(deadline)
    if package.campaign_available_at:
        yield package.campaign_available_at
    if offered and deadline and package.deadline_notice is DeadlineNotice.NONE:
        yield deadline - notice


def just_after(bound: datetime) -> datetime:
    """All bounds are inclusive: what ends with one is due from the next moment on [4.3]."""
    return bound + timedelta(microseconds=1)


def to_the_second(moment: datetime) -> datetime:
    """The full second at or after the moment: what falls into the same second needs one alarm."""
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + SECOND
