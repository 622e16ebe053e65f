"""What the producer does in each round: a story for every move that falls due by itself [4.4, 5.3, 5.4, 6.2]."""

import asyncio
from datetime import timedelta

from server.domain.campaign import Campaign
from server.domain.lifecycles import Action, OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, NoDecision, Package
from server.domain.record import EventKind, SubjectKind
from server.services.loading import load_package
from server.services.packages import Packages
from server.services.work import Work
from tests.chaos.producing import DAY, Producer, soon
from tests.chaos.waiting import LONG, until

SIMPLE, CHILDREN = "opCollaborativeSimple", "opCollaborativeByCampaign"


async def tell_all(producer: Producer) -> None:
    """One round. What was begun in the round before is closed, as soon as those it was offered to have been told."""
    before = producer.open_packages
    producer.open_packages = []
    for story in (
        subscribing, canceling, ordering, deciding_nothing, waiting_for_availability, orders_left_undecided, plugin,
    ):
        await story(producer)
        await producer.breathe()
    producer.closing += [asyncio.create_task(close(producer, package)) for package in before]


async def close(producer: Producer, package: Package) -> None:
    """Central cancels it, or moves the dates: the registration ends at once, the package and its campaign a moment
    later. Entities that no longer see a package are not told that it has been published, so that must have happened."""
    async def move(work: Work) -> None:
        moved = await load_package(work, package.id)
        if moved.status is PackageStatus.REJECTED:
            return
        if moved.id in producer.expected.canceled:
            await Packages(work).cancel(moved.id, moved.revision, "Chaos")
            return
        moved.registration_deadline, moved.end = soon(0.2), soon(0.4)
        await work.record(SubjectKind.PACKAGE, moved, Action.EDIT)
        campaign = await work.session.get_one(Campaign, moved.campaign_id)
        campaign.end = soon(0.6)
        await work.record(SubjectKind.CAMPAIGN, campaign, Action.EDIT)

    assert await until(lambda: producer.is_told(package), LONG), f"nobody was told of {package.code}"
    await producer.do(producer.network.owner, move)


def open_now(**fields: object) -> dict[str, object]:
    """Dates of a package that is published as soon as it is approved and does not close by itself."""
    return {"start": soon(0) - DAY, "registration_deadline": soon(0) + 9 * DAY, "end": soon(0) + 10 * DAY} | fields


async def subscribing(producer: Producer) -> None:
    """An automatic package whose start comes; its audience is fanned out, and takes part when the registration ends. It
    ends so soon that who had no order would hear of it at once (N11), but all have one [6.5]."""
    expected, everybody = producer.expected, producer.network.stores
    package = await producer.submitted(
        SIMPLE, everybody, approval_mode=ApprovalMode.AUTOMATIC, start=soon(0.4), registration_deadline=soon(0) + DAY,
        end=soon(0) + 2 * DAY,
    )
    await producer.approved(package)
    expected.subscribed[package.id] = frozenset(store.id for store in everybody)
    expected.tell(package.id, EventKind.PACKAGE_SUBSCRIBED, producer.told(everybody))


async def canceling(producer: Producer) -> None:
    """An automatic package is cancelled with its many orders, in the next round [10.1]."""
    expected, stores = producer.expected, producer.stores(12)
    package = await producer.approved(await producer.submitted(
        SIMPLE, stores, approval_mode=ApprovalMode.AUTOMATIC, **open_now(),
    ))
    expected.packages[package.id] = PackageStatus.CANCELED
    expected.canceled[package.id] = frozenset(store.id for store in stores)
    expected.moves.update({(package.id, "CANCEL"): 1, (package.campaign_id, "CANCEL"): 1})
    for never in ((package.id, "END"), (package.campaign_id, "FINISH")):
        del expected.moves[never]
    for kind in (EventKind.PACKAGE_SUBSCRIBED, EventKind.PACKAGE_CANCELED):
        expected.tell(package.id, kind, producer.told(stores))


async def ordering(producer: Producer) -> None:
    """One store orders and takes part, one leaves a draft, one says nothing."""
    expected, [orders, drafts, silent] = producer.expected, producer.stores(3)
    stores = [orders, drafts, silent]
    package = await producer.approved(await producer.submitted(SIMPLE, stores, **open_now()))
    expected.tell(package.id, EventKind.PACKAGE_PUBLISHED, producer.told(stores))
    order = await producer.ordered(package, orders)
    draft = await producer.drafted(package, drafts)
    await producer.confirmed(order)
    expected.orders[draft.id] = OrderStatus.EXPIRED
    expected.moves[draft.id, "EXPIRE"] += 1
    expected.tell(package.id, EventKind.REGISTRATION_DEADLINE_REACHED, producer.told([silent]))
    for kind in (EventKind.REGISTRATION_DEADLINE_NEAR, EventKind.REGISTRATION_DEADLINE_REACHED):
        expected.may |= {(package.id, kind, person) for person in producer.told([silent, drafts])}


async def deciding_nothing(producer: Producer) -> None:
    """Nobody decides about a package: its reviewer is reminded and its policy decides."""
    policy = producer.luck.choice((NoDecision.APPROVE, NoDecision.REJECT))
    expected, stores = producer.expected, producer.stores(2)
    now = soon(0)
    package = await producer.submitted(
        SIMPLE, stores, at=now, approval_deadline=now + timedelta(seconds=0.9), on_no_decision=policy,
        reminders=[{"at": (now + timedelta(seconds=0.4)).isoformat()}], **open_now(),
    )
    expected.may.add((package.id, EventKind.PACKAGE_APPROVAL_REMINDER, producer.network.reviewer.id))
    if policy is NoDecision.APPROVE:
        expected.moves[package.id, "APPROVE"] += 1
        expected.tell(package.id, EventKind.PACKAGE_PUBLISHED, producer.told(stores))
        expected.tell(package.id, EventKind.REGISTRATION_DEADLINE_REACHED, producer.told(stores))
        near = EventKind.REGISTRATION_DEADLINE_NEAR
        expected.may |= {(package.id, near, person) for person in producer.told(stores)}
    else:
        expected.packages[package.id] = PackageStatus.REJECTED
        expected.moves[package.id, "REJECT"] += 1
        for never in ((package.id, "PUBLISH"), (package.id, "END"), (package.campaign_id, "FINISH")):
            del expected.moves[never]
        expected.tell(package.id, EventKind.PACKAGE_REJECTED, [producer.network.owner.id])


async def waiting_for_availability(producer: Producer) -> None:
    """An approved order waits for the campaign's availability, and gets one child campaign [9.7]."""
    expected, [store] = producer.expected, producer.stores(1)
    package = await producer.approved(await producer.submitted(
        CHILDREN, [store], **open_now(campaign_available_at=soon(1)),
    ))
    expected.tell(package.id, EventKind.PACKAGE_PUBLISHED, producer.told([store]))
    order = await producer.ordered(package, store)
    await producer.confirmed(order)
    expected.children[package.campaign_id] += 1
    expected.orders[order.id] = OrderStatus.AVAILABLE  # nobody has started its child campaign
    del expected.moves[order.id, "FINISH"]


async def orders_left_undecided(producer: Producer) -> None:
    """An order that nobody decides: the package's policy does, as it fell due an hour after the submission [5.3]."""
    policy = producer.luck.choice((NoDecision.APPROVE, NoDecision.REJECT))
    expected, [store] = producer.expected, producer.stores(1)
    package = await producer.approved(await producer.submitted(
        SIMPLE, [store], on_no_decision=policy, approval_delay_hours=1, **open_now(),
    ))
    expected.tell(package.id, EventKind.PACKAGE_PUBLISHED, producer.told([store]))
    order = await producer.ordered(package, store, at=soon(0.5) - timedelta(hours=1))
    expect_decision(producer, order, policy)
    if policy is NoDecision.REJECT:
        expected.may |= {(package.id, kind, person) for person in producer.told([store]) for kind in (
            EventKind.REGISTRATION_DEADLINE_NEAR, EventKind.REGISTRATION_DEADLINE_REACHED,
        )}


def expect_decision(producer: Producer, order: Order, policy: NoDecision) -> None:
    expected = producer.expected
    if policy is NoDecision.APPROVE:
        producer.takes_part(order)
    else:
        expected.moves[order.id, "REJECT"] += 1
        expected.orders[order.id] = OrderStatus.REJECTED
        expected.tell(order.id, EventKind.ORDER_REJECTED, producer.network.told[order.entity_id])


async def plugin(producer: Producer) -> None:
    """A type of a third party has a job of its own done when its package is out."""
    expected, [store] = producer.expected, producer.stores(1)
    package = await producer.approved(await producer.submitted("chaos", [store], **open_now()))
    expected.jobs.add(package.code)
    expected.tell(package.id, EventKind.PACKAGE_PUBLISHED, producer.told([store]))
    expected.tell(package.id, EventKind.TYPE_MESSAGE, [producer.network.owner.id])
    expected.tell(package.id, EventKind.REGISTRATION_DEADLINE_REACHED, producer.told([store]))
    near = EventKind.REGISTRATION_DEADLINE_NEAR
    expected.may |= {(package.id, near, person) for person in producer.told([store])}
