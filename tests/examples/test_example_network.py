"""The example network is whole, comes in without a fault, and its contacts are made again by their generator."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from server.database import Database
from server.domain.network import Entity, EntityKind, GroupMember, Operator, OperatorEntity, OperatorGroup, Right
from server.domain.target import Contact
from server.identity.passwords import verify
from server.services.importing.importer import Import, find_files

FOLDER = Path(__file__).parents[2] / "examples" / "network"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
async def network(database: Database) -> Database:
    """The database with the example network in it."""
    bad: list[str] = []
    await Import(database, NOW, bad=lambda row: bad.append(str(row))).run(find_files([FOLDER]))
    assert bad == []
    return database


async def test_a_head_office_regions_and_over_sixty_stores_with_languages_and_times(network: Database) -> None:
    async with network.reading() as session:
        entities = list(await session.scalars(select(Entity)))
    children = Counter(entity.parent_id for entity in entities)
    stores = [entity for entity in entities if entity.kind is EntityKind.LOCAL and entity.id not in children]
    assert len(stores) > 60 and {"sv", "nb", "da", "fi", "en"} <= {store.locale for store in stores}
    assert len({store.time_zone for store in stores}) >= 4
    assert all(each.notification_group_id and each.order_reviewers_id and each.campaign_reviewers_id for each in stores)


async def test_every_role_is_played_and_every_store_has_somebody(network: Database) -> None:
    async with network.reading() as session:
        operators = list(await session.scalars(select(Operator)))
        staffed = set(await session.scalars(select(OperatorEntity.entity_id)))
        entities = set(await session.scalars(select(Entity.id)))
    assert {operator.right for operator in operators} == set(Right)
    assert staffed == entities
    assert all(verify("fjallklover-demo", each) for each in {operator.password_hash for operator in operators})


async def test_every_group_has_members_and_every_region_decides_its_stores_orders(network: Database) -> None:
    async with network.reading() as session:
        groups = set(await session.scalars(select(OperatorGroup.id)))
        filled = set(await session.scalars(select(GroupMember.group_id)))
        deciders = await session.execute(
            select(Operator.login, func.count(Entity.id))
            .select_from(Entity)
            .join(GroupMember, GroupMember.group_id == Entity.order_reviewers_id)
            .join(Operator)
            .where(Operator.login.like("region.%"))
            .group_by(Operator.login)
        )
    assert groups == filled
    assert dict(list(deciders)) == {"region.north": 14, "region.east": 19, "region.west": 18, "region.south": 18}


async def test_every_store_has_contacts_with_attributes(network: Database) -> None:
    async with network.reading() as session:
        contacts = list(await session.scalars(select(Contact)))
        parents = set(await session.scalars(select(Entity.parent_id)))
        leaves = set(await session.scalars(select(Entity.id))) - parents
    per_store = Counter(contact.entity_id for contact in contacts)
    assert len(contacts) == 1500 and all(set(each.attributes) == {"segment", "last_purchase"} for each in contacts)
    assert len(leaves - set(per_store)) == 1  # the marketing department


def generated(count: int, seed: int) -> str:
    command = [sys.executable, str(FOLDER / "generate_contacts.py"), str(count), "--seed", str(seed)]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def test_the_contacts_are_what_the_generator_writes() -> None:
    assert generated(1500, 1) == (FOLDER / "contacts.csv").read_text(encoding="utf-8")


def test_another_seed_gives_other_contacts_and_the_same_seed_the_same() -> None:
    assert generated(50, 2) == generated(50, 2) != generated(50, 1)


def test_the_readme_names_operators_that_exist() -> None:
    operators, readme = [(FOLDER / name).read_text(encoding="utf-8") for name in ("operators.csv", "README.md")]
    logins = {line.split(",")[0] for line in operators.splitlines()}
    told = [line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")]
    assert len(told) > 6 and set(told) <= logins
