"""However contacts and rows fall out: lists are disjoint, capped and ranked, and nobody gets lost [9.12]."""

import hashlib
from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from server.database import Database
from server.domain.lifecycles import CampaignStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.target import Contact, Ranking, SizeKind, Target
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM
from server.services.target_lists import Opened, open_target_lists
from server.services.work import Work
from server.settings import Settings
from tests.builders import (
    NOW,
    a_campaign,
    a_contact,
    a_distribution,
    a_distribution_row,
    a_package,
    an_entity,
    an_operator,
)

CITIES = ("", "Lyon", "Nice", "Paris", "Örebro", "paris")
PRIME = 2**31 - 1

contacts = st.lists(st.fixed_dictionaries({
    "city": st.sampled_from(CITIES), "score": st.integers(-3, 3), "opted_out": st.booleans(),
    "birth_year": st.none() | st.integers(1980, 1983), "id": st.uuids(version=4),
}), max_size=40, unique_by=lambda contact: contact["id"])
rows = st.dictionaries(st.sampled_from(CITIES[1:]), st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1)
rules = st.fixed_dictionaries({
    "ranking": st.sampled_from(Ranking), "sort_field": st.sampled_from(["score", "birthYear", "city"]),
    "descending": st.booleans(), "seed": st.integers(0, PRIME), "preselect": st.booleans(),
    "size_kind": st.sampled_from(SizeKind), "grouping_field": st.sampled_from(["", "birthYear"]),
})


@given(contacts=contacts, rows=rows, rules=rules)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_contacts_are_spread_as_the_breakdown_says(
    database: Database, types: CampaignTypes, settings: Settings, contacts: list[dict[str, Any]],
    rows: dict[str, tuple[int, int]], rules: dict[str, Any],
) -> None:
    home, stores = an_entity("Home"), [an_entity("Store") for _ in range(3)]
    people = [a_contact(home, **contact) for contact in contacts]
    factor = 25 if rules["size_kind"] is SizeKind.PERCENTAGE else 1  # up to 100: more is refused
    sizes = {value: (size * factor, stores[store]) for value, (size, store) in rows.items()}
    async with database.transaction() as session:
        savepoint = await session.begin_nested()
        work = Work(session, SYSTEM, NOW, types, settings)
        opened = await _open(work, [home, *stores], people, sizes, rules)
        found = await _lists(work)
        await savepoint.rollback()
    wanted = _model(people, sizes, rules)
    assert found == wanted
    listed = [contact for contacts in wanted.values() for contact, _kept, _grouping in contacts]
    matching = [person for person in people if not person.opted_out]
    assert len(listed) == len(set(listed))
    assert opened == Opened(len(wanted), len(listed), 0, len(matching) - len(listed))


async def _open(
    work: Work, entities: list[Entity], people: list[Contact], sizes: dict[str, tuple[int, Entity]],
    rules: dict[str, Any],
) -> Opened:
    distribution = a_distribution(field="city", **rules)
    campaign = a_campaign(status=CampaignStatus.IN_PROGRESS, data_distribution_id=distribution.id)
    owner = an_operator()
    package = a_package(campaign, owner)
    stored = [
        a_distribution_row(distribution, value, position=position, size=size, entity_id=entity.id)
        for position, (value, (size, entity)) in enumerate(sizes.items())
    ]
    for things in (entities, [owner, distribution], [campaign], [package], stored, people):
        work.session.add_all(things)
        await work.session.flush()
    return await open_target_lists(work, package, campaign, distribution)


async def _lists(work: Work) -> dict[Any, list[tuple[Any, bool, str]]]:
    found = defaultdict(list)
    statement = select(Order.entity_id, Target).join(Target, Target.order_id == Order.id).order_by(Target.position)
    for entity_id, target in await work.session.execute(statement):
        found[entity_id].append((target.contact_id, target.kept, target.grouping))
        assert target.position == len(found[entity_id])
    return dict(found)


def _model(people: list[Contact], sizes: dict[str, tuple[int, Entity]], rules: dict[str, Any]) -> dict[Any, Any]:
    """The same in plain Python: rank each value, cut it off, merge the values of an entity by rank."""
    lists = defaultdict(list)
    for value, (size, entity) in sizes.items():
        best = sorted((p for p in people if p.city == value and not p.opted_out), key=lambda p: _rank(p, rules))
        limit = size if rules["size_kind"] is SizeKind.FIXED else len(best) * size // 100
        lists[entity.id] += best if size == 0 else best[:limit]
    grouped = rules["grouping_field"] == "birthYear"
    return {
        entity: [
            (p.id, rules["preselect"], str(p.birth_year or "") if grouped else "")
            for p in sorted(listed, key=lambda p: _rank(p, rules))
        ]
        for entity, listed in lists.items() if listed
    }


def _rank(person: Contact, rules: dict[str, Any]) -> tuple[Any, ...]:
    keys: tuple[Any, ...] = ()
    if rules["ranking"] is not Ranking.RANDOM:
        value = {"score": person.score, "birthYear": person.birth_year, "city": person.city}[rules["sort_field"]]
        keys = (value in (None, ""), _directed(value, descending=rules["descending"]))
    if rules["ranking"] is not Ranking.SORT:
        keys += (_shuffled(person.id.hex, rules["seed"]),)
    return (*keys, person.id)


def _directed(value: Any, *, descending: bool) -> Any:
    if isinstance(value, str):
        return [-ord(letter) if descending else ord(letter) for letter in value] + [1 if descending else -1]
    return (-value if descending else value) if value is not None else 0


def _shuffled(digits: str, seed: int) -> int:
    weights = [int.from_bytes(hashlib.sha256(f"{seed} {n}".encode()).digest()[:4], "big") % PRIME for n in range(1, 7)]
    return sum(ord(digits[-n]) * weight for n, weight in enumerate(weights, 1)) % PRIME
