"""Contacts that are distributed: a by-target-approval campaign from its contacts to its open lists."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from server.domain.campaign import Campaign
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.target import Contact, DataDistribution, Target
from server.services.campaigns import Campaigns
from server.services.distributions import DataDistributions
from server.services.target_lists import Opened, open_target_lists
from server.services.work import Work
from tests.builders import a_contact, given
from tests.services.conftest import World

Row = tuple[str, int, Entity]
"""The value, the size and the entity of a row of a breakdown."""


def people(entity: Entity, number: int, **fields: Any) -> list[Contact]:
    """So many contacts of an entity, with falling scores."""
    return [a_contact(entity, **{"score": 1000 - index} | fields) for index in range(number)]


async def distribution_of(world: World, rows: Iterable[Row], **fields: Any) -> DataDistribution:
    stored = [{"value": value, "size": size, "entity_id": entity.id} for value, size, entity in rows]
    defaults = {"label": "By store", "field": "entity", "rows": stored}
    return await world.do(world.owner, lambda w: DataDistributions(w).create(defaults | fields))


async def offered(
    world: World, rows: Iterable[Row], *, campaign: Mapping[str, Any] | None = None,
    package: Mapping[str, Any] | None = None, **fields: Any,
) -> Package:
    """A published package whose campaign has a data distribution with these rows."""
    distribution = await distribution_of(world, rows, **fields)
    chosen = {"data_distribution_id": distribution.id} | dict(campaign or {})
    return await world.published("by_target_approval", campaign=chosen, **package or {})


async def start(world: World, package: Package) -> None:
    campaign = await world.read(Campaign, id=package.campaign_id)
    await world.do(world.owner, lambda w: Campaigns(w).start(campaign.id, campaign.revision))


async def spread(world: World, rows: Iterable[Row], contacts: Iterable[Contact], **options: Any) -> Package:
    """The same with the campaign started: its lists are open."""
    await given(world.database, contacts)
    package = await offered(world, rows, **options)
    await start(world, package)
    return package


def opening(package: Package) -> Callable[[Work], Awaitable[Opened]]:
    """The act of opening the lists, for tests of what comes of it."""
    async def act(work: Work) -> Opened:
        campaign = await work.session.get_one(Campaign, package.campaign_id)
        distribution = await work.session.get_one(DataDistribution, campaign.data_distribution_id)
        return await open_target_lists(work, await work.session.get_one(Package, package.id), campaign, distribution)

    return act


async def order_of(world: World, entity: Entity) -> Order:
    return await world.read(Order, entity_id=entity.id)


async def listed(world: World, entity: Entity, *, kept: bool | None = None) -> list[str]:
    """The e-mail addresses on the entity's list, by position."""
    async with world.database.reading() as session:
        statement = (
            select(Contact.email).join(Target, Target.contact_id == Contact.id)
            .join(Order, Order.id == Target.order_id).where(Order.entity_id == entity.id).order_by(Target.position)
        )
        return list(await session.scalars(statement if kept is None else statement.where(Target.kept == kept)))


async def targets(world: World) -> Sequence[Target]:
    """Everything that stands on lists, by position."""
    async with world.database.reading() as session:
        return (await session.scalars(select(Target).order_by(Target.position))).all()


def emails(contacts: Iterable[Contact]) -> list[str]:
    return [contact.email for contact in contacts]
