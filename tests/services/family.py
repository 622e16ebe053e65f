"""A reference campaign and the child that Paris has of it."""

from typing import Any

from server.domain.campaign import Campaign
from server.domain.package import Package
from tests.builders import DAY, NOW
from tests.services.acts import create, submit
from tests.services.conftest import World


async def child(world: World, **fields: Any) -> Campaign:
    """The child campaign of Paris, made when its order became available [9.7]."""
    package = await world.published("by_campaign", **fields)
    await world.decide(world.order_reviewer, await world.ordered(package))
    return await world.read(Campaign, entity_id=world.paris.id)


async def parent(world: World) -> Campaign:
    return await world.read(Campaign, is_template=False, parent_id=None)


async def published_package(world: World, campaign: Campaign) -> Package:
    fields = {"campaign_id": campaign.id, "start": NOW, "end": NOW + 30 * DAY, "entity_ids": [world.paris.id]}
    package = await world.do(world.owner, create(**fields))
    package = await world.do(world.owner, submit(package))
    await world.decide(world.colleague, package)
    return await world.read(Package, id=package.id)
