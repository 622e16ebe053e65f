"""A small network at work: a head office, a region with two stores, one store elsewhere, and people in every role."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select

from server.campaign_type import CampaignType
from server.changes import Subject, told_by
from server.database import Database
from server.domain.approval import Approval, ApprovalStatus
from server.domain.later import Change
from server.domain.network import Entity, EntityKind, Operator, OperatorGroup, Right
from server.domain.order import Order
from server.domain.package import Package
from server.domain.record import Event, EventKind, History
from server.errors import Problem, Refused, SamverkanError
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM, Caller
from server.services.approvals import Approvals, Decision
from server.services.campaigns import Campaigns
from server.services.due import Due
from server.services.orders import Orders
from server.services.packages import Packages
from server.services.templates import ensure_templates
from server.services.work import Impact, Work
from server.settings import Settings
from tests.builders import DAY, NOW, a_group, an_entity, an_operator, caller_of, given, linked, members
from tests.services.networks import Begin

T = TypeVar("T")
STORES = 7
TEMPLATES = {
    "every_hook": "everyHook",
    "simple": "opCollaborativeSimple", "by_form": "opCollaborativeByForm",
    "by_campaign": "opCollaborativeByCampaign", "by_target_approval": "opCollaborativeByTargetApproval",
}
FORM = [
    {"name": "headline", "label": "Headline", "kind": "TEXT", "required": True, "max_length": 40},
    {"name": "discount", "label": "Discount", "kind": "INTEGER", "minimum": 0, "maximum": 50, "default": 10},
]


class Undone(Exception):
    """Takes back what only was to be tried; its text says what came of it."""


@dataclass
class World:
    """The network, and a hand for every act: `await world.do(world.owner, lambda work: Orders(work).submit(...))`."""

    database: Database
    types: CampaignTypes
    settings: Settings
    head: Entity
    north: Entity
    paris: Entity
    lyon: Entity
    oslo: Entity
    admin: Operator
    owner: Operator
    colleague: Operator
    regional: Operator
    paris_manager: Operator
    oslo_manager: Operator
    order_reviewer: Operator
    order_reviewers: OperatorGroup
    now: datetime = NOW

    async def do(self, who: Operator, act: Callable[[Work], Awaitable[T]], *, at: datetime | None = None) -> T:
        """Runs one act in one transaction, as the edge does."""
        async with self.database.transaction() as session:
            return await act(Work(session, caller_of(who), at or self.now, self.types, self.settings))

    async def refused(
        self, who: Operator, act: Callable[[Work], Awaitable[Any]], *, at: datetime | None = None
    ) -> tuple[Problem, ...]:
        """The problems that the act is refused with."""
        with pytest.raises(Refused) as refusal:
            await self.do(who, act, at=at)
        return refusal.value.problems

    async def outcome(
        self, who: Operator, act: Callable[[Work], Awaitable[Any]], *, at: datetime | None = None
    ) -> str:
        """What the act would come to, as the status that it leads to, the code of the first problem, or the error's
        name; nothing is changed."""
        try:
            async with self.database.transaction() as session:
                done = await act(Work(session, caller_of(who), at or self.now, self.types, self.settings))
                await session.flush()
                raise Undone(str(getattr(done, "status", "done")))
        except Undone as undone:
            return str(undone)
        except Refused as refused:
            return refused.problems[0].code
        except SamverkanError as error:
            return type(error).__name__

    async def rehearsed(self, who: Operator, act: Callable[[Work], Awaitable[Any]]) -> Impact:
        """What a dry run of the act answers with [10.3]."""
        impact = Impact()
        with pytest.raises(Undone):
            async with self.database.transaction() as session:
                await act(Work(session, caller_of(who), self.now, self.types, self.settings, impact))
                await session.flush()
                raise Undone
        return impact

    async def with_type(self, kind: type[CampaignType], name: str = "every_hook") -> "World":
        """The same world with one more campaign type installed."""
        types = CampaignTypes([*self.types, *CampaignTypes.of({name: kind})])
        async with self.database.transaction() as session:
            await ensure_templates(session, types, NOW)
        return replace(self, types=types)

    def without_types(self) -> "World":
        """The same world after every campaign type was uninstalled."""
        return replace(self, types=CampaignTypes([]))

    async def advance(self, now: datetime) -> dict[str, int]:
        """Time passes."""
        return await Due(self.database, self.types, self.settings).advance(now)

    async def read(self, kind: type[T], /, **where: Any) -> T:
        """The one row of that kind."""
        [row] = await self.all(kind, **where)
        return row

    async def all(self, kind: type[T], /, **where: Any) -> list[T]:
        async with self.database.reading() as session:
            statement = select(kind).filter_by(**where).order_by(kind.id)  # type: ignore[attr-defined]
            return list(await session.scalars(statement))

    async def rows(self, kind: type[T]) -> list[T]:
        """All rows of a kind that has no id of its own."""
        async with self.database.reading() as session:
            return list(await session.scalars(select(kind)))

    async def events(self) -> list[EventKind]:
        return [event.kind for event in await self.all(Event)]

    async def campaign(self, type: str = "simple", **fields: Any) -> Any:
        template, given = TEMPLATES.get(type, type), {"label": "Spring"} | fields
        return await self.do(self.owner, lambda w: Campaigns(w).create(template, given))

    async def package(self, type: str = "simple", *, campaign: dict[str, Any] | None = None, **fields: Any) -> Package:
        """A complete package being edited, offered to Paris and Lyon, open from yesterday for thirty days."""
        if type in ("by_form", "by_campaign"):
            campaign = {"form": FORM} | (campaign or {})
        reference = await self.campaign(type, **campaign or {})
        defaults: dict[str, Any] = {
            "campaign_id": reference.id, "label": "Spring package", "start": NOW - DAY, "end": NOW + 30 * DAY,
        }
        if type != "by_target_approval":
            defaults |= {"registration_deadline": NOW + 10 * DAY, "entity_ids": [self.paris.id, self.lyon.id]}
        return await self.do(self.owner, lambda w: Packages(w).create(defaults | fields))

    async def submitted(self, type: str = "simple", **fields: Any) -> Package:
        package = await self.package(type, **fields)
        return await self.do(self.owner, lambda w: Packages(w).submit(package.id, package.revision))

    async def published(self, type: str = "simple", **fields: Any) -> Package:
        package = await self.submitted(type, **fields)
        await self.decide(self.colleague, package)
        return await self.read(Package, id=package.id)

    async def decide(
        self, who: Operator, subject: Package | Order, decision: Decision = Decision.APPROVE, comment: str = "",
        *, at: datetime | None = None,
    ) -> Approval:
        """Decides the open question about a package or an order."""
        where = {"package_id": subject.id, "order_id": None} if isinstance(subject, Package) else {
            "order_id": subject.id
        }
        approval = await self.read(Approval, status=ApprovalStatus.PENDING, **where)
        return await self.do(
            who, lambda w: Approvals(w).decide(approval.id, subject.revision, decision, comment), at=at
        )

    async def ordered(self, package: Package, entity: Entity | None = None, **fields: Any) -> Order:
        """A submitted order of Paris."""
        draft = await self.draft(package, entity, **fields)
        return await self.do(self.paris_manager, lambda w: Orders(w).submit(draft.id, draft.revision))

    async def friend_of_paris(self) -> Operator:
        """Somebody else who works for Paris."""
        friend = an_operator(Right.LOCAL)
        await given(self.database, friend, linked(friend, self.paris))
        return friend

    async def draft(self, package: Package, entity: Entity | None = None, **fields: Any) -> Order:
        if package.type in ("by_form", "by_campaign"):
            fields.setdefault("parameters", {"headline": "Spring in town"})
        place = entity or self.paris
        return await self.do(self.paris_manager, lambda w: Orders(w).create(package.id, place.id, fields))


@pytest.fixture
async def world(database: Database, types: CampaignTypes, settings: Settings) -> AsyncIterator[World]:
    head = an_entity("Head office", kind=EntityKind.CENTRAL, code="HQ")
    north = an_entity("North", parent=head, code="NORTH")
    order_reviewers = a_group("Order reviewers")
    paris = an_entity("Paris", parent=north, code="PARIS", order_reviewers_id=order_reviewers.id)
    lyon = an_entity("Lyon", parent=north, code="LYON")
    oslo = an_entity("Oslo", parent=head, code="OSLO")
    admin, owner, colleague = an_operator(Right.ADMIN), an_operator(), an_operator()
    locals_ = [an_operator(Right.LOCAL) for _ in range(4)]
    regional, paris_manager, oslo_manager, order_reviewer = locals_
    await given(
        database, head, north, paris, lyon, oslo, order_reviewers, admin, owner, colleague, locals_,
        linked(owner, head), linked(colleague, head), linked(regional, north), linked(paris_manager, paris),
        linked(oslo_manager, oslo), linked(order_reviewer, north), members(order_reviewers, order_reviewer),
    )
    async with database.transaction() as session:
        await ensure_templates(session, types, NOW)
    yield World(
        database, types, settings, head, north, paris, lyon, oslo, admin, owner, colleague, regional, paris_manager,
        oslo_manager, order_reviewer, order_reviewers,
    )
    assert not await recorded_but_not_told(database)


async def recorded_but_not_told(database: Database) -> set[tuple[str, UUID]]:
    """What has a history entry and can be followed, but its followers were not told; SQLite has a log of it."""
    if not database.is_sqlite:
        return set()
    async with database.reading() as session:
        history = await session.execute(select(History.subject, History.subject_id).where(History.revision > 0))
        recorded = {(subject.value, id) for subject, id in history if subject in set(Subject)}
        messages = (await session.scalars(select(Change.message))).all()
    told = [each for message in messages for each in told_by(message)]
    everything = {subject for subject, ids in told if ids is None}
    some = {(subject, id) for subject, ids in told for id in ids or ()}
    return {(subject, id) for subject, id in recorded - some if subject not in everything}


@pytest.fixture
async def stores(world: World) -> list[Entity]:
    made = [an_entity(f"Store {number}") for number in range(STORES)]
    await given(world.database, made)
    return made


@pytest.fixture
def small(world: World) -> World:
    """The same world, where more than three entities are many."""
    return replace(world, settings=world.settings.model_copy(update={"fan_out_from": 3}))


@pytest.fixture
async def other(world: World, address: str) -> AsyncIterator[World]:
    """The same world through another process's door: on SQLite a second writer on the same file."""
    database = Database(address)
    yield replace(world, database=database)
    await database.dispose()


@pytest.fixture
def begin(database: Database, settings: Settings) -> Begin:
    """Opens a transaction for a caller, by default the server itself."""
    @asynccontextmanager
    async def begin(caller: Caller = SYSTEM) -> AsyncIterator[Work]:
        async with database.transaction() as session:
            yield Work(session, caller, NOW, CampaignTypes([]), settings)
    return begin
