"""At which moments a thing needs the server's attention [4.3, 4.4, 5.3, 5.4, 6.2, 7]."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from server.domain.alarms import SECOND, just_after, moments_of, to_the_second
from server.domain.approval import (
    Approval,
    ApprovalStatus,
    ApprovalSubject,
    Reminder,
    ReminderAnchor,
    ReminderStatus,
)
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, PackageStatus
from server.domain.package import DeadlineNotice, NoDecision, Package
from tests.builders import DAY, NOW

NOTICE = timedelta(hours=48)
TICK = timedelta(microseconds=1)
START, DEADLINE, END, AVAILABLE = (NOW + days * DAY for days in (1, 10, 20, 30))
P = PackageStatus


def moments(thing: Any) -> list[datetime]:
    return sorted(moments_of(thing, NOTICE))


def a_package(status: PackageStatus, **fields: Any) -> Package:
    defaults = {
        "cycle": 1, "start": START, "registration_deadline": DEADLINE, "end": END, "campaign_available_at": AVAILABLE,
        "deadline_notice": DeadlineNotice.NONE,
    }
    return Package(status=status, **defaults | fields)


OFFERED = [DEADLINE - NOTICE, DEADLINE + TICK, AVAILABLE]


@pytest.mark.parametrize(("status", "fields", "expected"), [
    (P.BEING_EDITED, {}, []),  # nobody has ordered yet
    (P.PENDING_APPROVAL, {}, []),
    (P.APPROVED, {}, [START]),  # [4.4]
    (P.PUBLISHED, {}, sorted([*OFFERED, END + TICK])),  # [4.4, 6.2, N11]
    (P.PUBLISHED, {"deadline_notice": DeadlineNotice.NEAR}, [DEADLINE + TICK, END + TICK, AVAILABLE]),
    (P.PUBLISHED, {"registration_deadline": None, "campaign_available_at": None}, [END - NOTICE, *[END + TICK] * 2]),
    (P.ENDED, {}, OFFERED),
    (P.BEING_EDITED, {"cycle": 2}, [DEADLINE + TICK, AVAILABLE]),  # orders of the cycle before [10.2]
])
def test_of_a_package(status: PackageStatus, fields: dict[str, Any], expected: list[datetime]) -> None:
    assert moments(a_package(status, **fields)) == expected


@pytest.mark.parametrize(("subject", "policy", "status", "rings"), [
    (ApprovalSubject.ORDER, NoDecision.NOTHING, ApprovalStatus.PENDING, False),  # nothing is decided [5.3]
    (ApprovalSubject.ORDER, NoDecision.REJECT, ApprovalStatus.PENDING, True),
    (ApprovalSubject.PACKAGE, NoDecision.APPROVE, ApprovalStatus.PENDING, True),
    (ApprovalSubject.TARGET, NoDecision.NOTHING, ApprovalStatus.PENDING, True),  # silence has a meaning [9.15]
    (ApprovalSubject.ORDER, NoDecision.REJECT, ApprovalStatus.APPROVED, False),
])
def test_of_a_question(subject: ApprovalSubject, policy: NoDecision, status: ApprovalStatus, rings: bool) -> None:
    question = Approval(subject=subject, on_no_decision=policy, status=status, deadline=DEADLINE)
    assert moments(question) == [DEADLINE + TICK] * rings


@pytest.mark.parametrize(("status", "rings"), [
    (ReminderStatus.SCHEDULED, True), (ReminderStatus.SENT, False), (ReminderStatus.SKIPPED, False),
])
def test_of_a_reminder(status: ReminderStatus, rings: bool) -> None:
    assert moments(Reminder(anchor=ReminderAnchor.DATE, due_at=START, status=status)) == [START] * rings


@pytest.mark.parametrize(("status", "end", "expected"), [
    (CampaignStatus.IN_PROGRESS, END, [END + TICK]),
    (CampaignStatus.IN_PROGRESS, None, []),
    (CampaignStatus.READY, END, []),
    (CampaignStatus.FINISHED, END, []),
])
def test_of_a_campaign(status: CampaignStatus, end: datetime | None, expected: list[datetime]) -> None:
    assert moments(Campaign(status=status, end=end)) == expected


@pytest.mark.parametrize(("moment", "second"), [
    (NOW, NOW), (just_after(NOW), NOW + SECOND), (NOW + SECOND - TICK, NOW + SECOND),
])
def test_moments_are_rounded_up_to_the_second(moment: datetime, second: datetime) -> None:
    assert to_the_second(moment) == second
