"""Nobody is told of what they cannot see, whatever happens in whatever network [2.2, 2.3]."""

from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.database import Database
from server.domain.base import new_id
from server.domain.network import Operator, Right
from server.domain.notification import Notification
from server.domain.record import Event, EventKind
from server.notifications.delivering import Deliveries
from server.notifications.wording.rendering import Renderer
from server.notifications.wording.telling import FAREWELLS
from server.plugins import CampaignTypes
from server.settings import Settings
from tests import builders
from tests.builders import NOW, an_operator, linked
from tests.fuzzing import fuzzed
from tests.graphql.test_scope import SECRET, secrets_of
from tests.graphql.world import World, grow
from tests.notifications.test_delivering import all_of

K = EventKind
OF_ORDERS = frozenset(K) - {kind for kind in K if kind.startswith(("PACKAGE", "REGISTRATION"))} - {K.ENTITY_ADDED}


def happenings(world: World, chance: Random) -> Iterator[Event]:
    """Events of every kind about every package and order, by anybody."""
    people, groups = world.rows["Operator"], world.rows["OperatorGroup"]
    for kind in K:
        for subject in world.rows["Order" if kind in OF_ORDERS else "Package"]:
            payload = {
                "entities": [each.code for each in world.rows["Entity"]], "comment": "Why", "text": "That",
                "receivers": chance.choice(["ENTITY", "OWNER", "REVIEWERS"]), "contacts": 3,
                "before": [[str(chance.choice(people).id), None]], "after": [[None, str(chance.choice(groups).id)]],
            }
            about = {"package_id": subject.id}
            if kind in OF_ORDERS:
                question = next(each for each in world.rows["Approval"] if each.order_id == subject.id)
                about = {"package_id": subject.package_id, "order_id": subject.id, "entity_id": subject.entity_id,
                         "campaign_id": subject.campaign_id, "approval_id": question.id}
            elif kind is K.ENTITY_ADDED:
                about["entity_id"] = chance.choice(world.rows["Entity"]).id
            yield Event(id=new_id(), kind=kind, at=NOW, actor_id=chance.choice(people).id, payload=payload, **about)


def shut_out(world: World) -> Operator:
    """A member of every group who works for a store of which nothing is told."""
    outsider, store = an_operator(Right.LOCAL), builders.an_entity()
    world.add("Operator", outsider)
    world.works_for.add((outsider.id, store.id))
    world.new += [store, *linked(outsider, store)]
    world.new += [row for group in world.rows["OperatorGroup"] for row in builders.members(group, outsider)]
    return outsider


@fuzzed(3)
@given(st.randoms(use_true_random=False))
async def test_nobody_is_told_of_what_they_cannot_see(
    database: Database, types: CampaignTypes, settings: Settings, chance: Random
) -> None:
    world = World()
    grow(world, chance)
    outsider = shut_out(world)
    before = {told.id for told in world.rows["Notification"]}
    await builders.given(database, world.taken(), list(happenings(world, chance)))
    await Deliveries(database).deliver(NOW)
    told = [each for each in await all_of(database, Notification) if each.id not in before]
    async with database.reading() as session:
        texts = await Renderer(types, settings).messages(session, told)
    operators = {each.id: each for each in world.rows["Operator"]}
    for each in told:
        receiver: Any = operators.get(each.operator_id)
        if receiver is None or receiver.right is not Right.LOCAL:
            continue  # of an example before, or central
        assert receiver is not outsider
        assert each.entity_id in world.scope(receiver), each.kind
        text = each.subject + texts[each.id].text + texts[each.id].html
        package = next(row for row in world.rows["Package"] if row.id == each.package_id)
        farewell = {package.label, package.code} if each.kind in FAREWELLS else set()
        leaked = set(SECRET.findall(text)) & secrets_of(world, receiver) - farewell
        assert not leaked, (each.kind, leaked)
