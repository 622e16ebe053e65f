"""The network that the chaos happens in: stores with people of their own, and an area manager for every ten."""

from dataclasses import dataclass
from uuid import UUID

from server.database import Database
from server.domain.network import Entity, EntityKind, Operator, OperatorGroup, Right
from server.plugins import CampaignTypes
from server.services.templates import ensure_templates
from tests.builders import NOW, a_group, an_entity, an_operator, given, linked, members

STORES = 30


@dataclass(frozen=True)
class Network:
    """`told[entity]`: who hears what its entity is told."""

    owner: Operator
    reviewer: Operator
    substitute: Operator
    orderer_of: dict[UUID, Operator]
    order_reviewers: list[Operator]
    stores: list[Entity]
    told: dict[UUID, frozenset[UUID]]


async def make_network(database: Database, types: CampaignTypes) -> Network:
    """An operator who is in several groups is among those told, and gets one message all the same [7]."""
    head = an_entity("Head office", kind=EntityKind.CENTRAL)
    region = an_entity("Region", parent=head)
    owner, reviewer, substitute = (a_person(Right.CENTRAL) for _ in range(3))
    deciders = [a_person(Right.LOCAL) for _ in range(2)]
    decide = a_group("Order reviewers")
    await given(database, head, region, owner, reviewer, substitute, deciders, decide, members(decide, *deciders),
                [linked(each, region) for each in deciders])
    network = Network(owner, reviewer, substitute, {}, deciders, [], {})
    for area in range(STORES // 10):
        await _make_area(database, network, region, decide, a_person(Right.LOCAL, name=f"Area {area}"))
    async with database.transaction() as session:
        await ensure_templates(session, types, NOW)
    return network


async def _make_area(
    database: Database, network: Network, region: Entity, decide: OperatorGroup, manager: Operator
) -> None:
    rows: list[object] = [manager]
    for number in range(10):
        person, group = a_person(Right.LOCAL), a_group(f"Store {number}")
        store = an_entity(f"Store {number}", parent=region, notification_group_id=group.id,
                          order_reviewers_id=decide.id)
        rows += [person, group, store, members(group, person, manager), linked(person, store), linked(manager, store)]
        network.stores.append(store)
        network.orderer_of[store.id] = person
        network.told[store.id] = frozenset({person.id, manager.id})
    await given(database, *rows)  # type: ignore[arg-type]


def a_person(right: Right, **fields: str) -> Operator:
    """Somebody with an address."""
    person = an_operator(right, **fields)
    person.email = f"{person.login}@stores.example"
    return person
