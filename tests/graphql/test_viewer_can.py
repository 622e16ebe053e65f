"""What `viewerCan…` promises is what the service does: every status, every right [2.4]."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from server.database import Database
from server.domain.approval import ApprovalStatus, ApprovalSubject
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, OrderStatus, PackageStatus
from server.domain.network import Operator
from server.domain.package import ApprovalMode
from server.errors import NotAllowed, NotFound, Refused
from server.services.approvals import Approvals
from server.services.approvals import Decision as Answer
from server.services.campaigns import Campaigns
from server.services.orders import Orders
from server.services.packages import Packages
from server.services.work import Work
from tests.builders import (
    NOW,
    a_campaign,
    a_package,
    an_approval,
    an_operator,
    an_order,
    caller_of,
    offered,
    reviewers,
)
from tests.graphql.asking import Asker
from tests.graphql.stage import ADMIN, CENTRAL, LOCAL, PARIS

Call = Callable[[Work], Awaitable[Any]]
OTHER = an_operator(name="Cecil")
VIEWERS = [CENTRAL, OTHER, ADMIN, LOCAL]
PAST, FUTURE = NOW - timedelta(seconds=1), NOW + timedelta(days=1)


class UndoneError(Exception):
    """Rolls back what was only tried."""


async def works(ask: Asker, database: Database, viewer: Operator, call: Call) -> bool:
    """Whether the service does it; nothing stays of it."""
    try:
        async with database.transaction() as session:
            await call(Work(session, caller_of(viewer), NOW, ask.types, ask.settings))
            raise UndoneError
    except UndoneError:
        return True
    except (NotAllowed, NotFound, Refused):
        return False


async def promised(ask: Asker, viewer: Operator, lists: str, fields: str) -> dict[str, bool]:
    """The fields of the one object in a list; all false when the viewer does not see it."""
    nodes = (await ask(viewer, f"{{ {lists}(first: 1) {{ nodes {{ {fields} }} }} }}"))[lists]["nodes"]
    return dict(nodes[0]) if nodes else dict.fromkeys(fields.split(), False)


@pytest.mark.parametrize("status", CampaignStatus)
async def test_campaigns(ask: Asker, database: Database, given: Any, status: CampaignStatus) -> None:
    parent, other = a_campaign(status=status), a_campaign(label="Other")
    child = a_campaign("Paris", status=status, parent_id=parent.id, entity_id=PARIS.id)
    package = a_package(parent, CENTRAL)
    order = an_order(package, PARIS, OrderStatus.AVAILABLE, campaign_id=child.id)
    await given(OTHER, parent, other, child, package, offered(package, PARIS), order)
    for viewer in VIEWERS:
        for campaign in (parent, child):
            promise = await ask(viewer, f'{{ campaigns(first: 1, filter: {{text: "{campaign.code}"}}) '
                                        "{ nodes { viewerCanEdit } } }")
            done = await works(ask, database, viewer, partial(update_nothing, campaign))
            assert promise["campaigns"]["nodes"] == [{"viewerCanEdit": done}]


async def update_nothing(campaign: Campaign, work: Work) -> None:
    await Campaigns(work).update(campaign.id, 1, {})


@pytest.mark.parametrize("status", PackageStatus)
async def test_packages(ask: Asker, database: Database, given: Any, status: PackageStatus) -> None:
    campaign = a_campaign()
    package = a_package(campaign, CENTRAL, status)
    await given(OTHER, campaign, package, offered(package, PARIS))
    for viewer in VIEWERS:
        can = await promised(ask, viewer, "packages", "viewerCanEdit viewerCanCancel viewerCanOrder")
        trials: dict[str, Call] = {
            "viewerCanEdit": lambda work: Packages(work).update(package.id, 1, {"owner_id": OTHER.id}),
            "viewerCanCancel": lambda work: Packages(work).cancel(package.id, 1, "No budget."),
            "viewerCanOrder": lambda work: Orders(work).create(package.id, PARIS.id, {}),
        }
        done = {name: await works(ask, database, viewer, call) for name, call in trials.items()}
        assert can == done, viewer.name


@pytest.mark.parametrize("deadline", [PAST, NOW, FUTURE], ids=["closed", "last moment", "open"])
@pytest.mark.parametrize("mode", ApprovalMode)
async def test_orders(ask: Asker, database: Database, given: Any, mode: ApprovalMode, deadline: Any) -> None:
    campaign = a_campaign()
    packages = {
        status: a_package(campaign, CENTRAL, approval_mode=mode, registration_deadline=deadline)
        for status in OrderStatus
    }
    orders = {status: an_order(package, PARIS, status, submitted_at=NOW) for status, package in packages.items()}
    await given(OTHER, campaign, *packages.values(), [offered(package, PARIS) for package in packages.values()],
                *orders.values(), an_approval(orders[OrderStatus.ORDERED]))
    for viewer in VIEWERS:
        nodes = (await ask(viewer, "{ orders(first: 9) { nodes { status viewerCanEdit viewerCanCancel } } }"))["orders"]
        for node in nodes["nodes"]:
            order = orders[OrderStatus(node["status"])]
            trials: list[Call] = [
                lambda work, order=order: Orders(work).update(order.id, 1, {"label": "New name"}),  # type: ignore[misc]
                lambda work, order=order: Orders(work).cancel(order.id, 1, "No budget."),  # type: ignore[misc]
            ]
            done = [await works(ask, database, viewer, call) for call in trials]
            assert [node["viewerCanEdit"], node["viewerCanCancel"]] == done, (viewer.name, order.status)


@pytest.mark.parametrize("asked", [(), (OTHER,), (CENTRAL, OTHER), (LOCAL,)], ids=["nobody", "other", "both", "local"])
@pytest.mark.parametrize("subject", [ApprovalSubject.PACKAGE, ApprovalSubject.ORDER])
@pytest.mark.parametrize("status", [ApprovalStatus.PENDING, ApprovalStatus.WITHDRAWN])
async def test_approvals(
    ask: Asker, database: Database, given: Any, subject: ApprovalSubject, asked: tuple[Operator, ...],
    status: ApprovalStatus,
) -> None:
    campaign = a_campaign()
    of_order = subject is ApprovalSubject.ORDER
    package = a_package(campaign, CENTRAL, PackageStatus.PUBLISHED if of_order else PackageStatus.PENDING_APPROVAL)
    order = an_order(package, PARIS)
    approval = an_approval(order if of_order else package, status=status)
    await given(OTHER, campaign, package, offered(package, PARIS), order, approval, reviewers(approval, *asked))
    for viewer in VIEWERS:
        lists = "orders" if of_order else "packages"
        [can] = (await promised(ask, viewer, lists, "viewerCanApprove")).values()

        async def reject(work: Work) -> None:
            await Approvals(work).decide(approval.id, 1, Answer.REJECT, "Not now.")

        assert can is await works(ask, database, viewer, reject), viewer.name
