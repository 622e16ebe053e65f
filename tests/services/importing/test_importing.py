"""A network and its contacts come in from CSV files: all of a file or none, every fault told, twice is once [2.1]."""

import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import select

from server.database import Database
from server.domain.network import Entity, GroupMember, Operator, OperatorEntity, OperatorGroup, Right
from server.domain.record import History, SubjectKind
from server.domain.target import Contact
from server.identity.passwords import hash_password, verify
from server.services.importing import contacts as contacts_module
from server.services.importing.importer import Import, bytes_to_read, find_files, is_empty
from server.services.tree import rebuild
from tests.services.importing.conftest import (
    CONTACTS,
    ENTITIES,
    GROUPS,
    NETWORK,
    NOW,
    OPERATORS,
    PASSWORD,
    Bring,
    closure,
    column,
    rows,
)


async def test_files_refer_to_each_other_whatever_their_order(bring: Bring, database: Database) -> None:
    result = await bring(dict(reversed(NETWORK.items())))
    assert result.bad == []
    assert {kind: outcome.created for kind, outcome in result.outcomes.items()} == {
        "groups": 1, "entities": 3, "operators": 2, "contacts": 2,
    }
    assert await column(database, select(Entity.code).where(Entity.parent_id.is_(None))) == {"HQ"}


async def test_every_column_arrives(bring: Bring, database: Database) -> None:
    await bring(NETWORK)
    async with database.reading() as session:
        store = (await session.scalars(select(Entity).where(Entity.code == "S1"))).one()
        group = await session.get_one(OperatorGroup, store.order_reviewers_id)
        bo = (await session.scalars(select(Operator).where(Operator.login == "bo"))).one()
        eva = (await session.scalars(select(Contact).where(Contact.first_name == "Eva"))).one()
        links = select(Entity.code).join(OperatorEntity).where(OperatorEntity.operator_id == bo.id)
        linked = await session.scalars(links)
        joined = await session.scalars(select(GroupMember.operator_id).where(GroupMember.group_id == group.id))
    assert (store.label, store.email, store.locale, store.time_zone) == (
        "Store One", "one@example.org", "sv", "Europe/Stockholm"
    )
    assert group.code == "G1" and set(linked) == {"S1", "R1"} and set(joined) == {bo.id}
    assert (bo.right, bo.name) == (Right.LOCAL, "Bo Li") and verify(PASSWORD, bo.password_hash)
    assert (eva.email, eva.entity_id, eva.score, eva.opted_out) == ("eva@example.org", store.id, 7, True)
    assert eva.attributes == {"segment": "gold"}


@pytest.mark.parametrize("content", [
    b"\xef\xbb\xbf" + ENTITIES.encode(),
    ENTITIES.replace(",", ";").encode(),
    b"\xef\xbb\xbf" + ENTITIES.replace(",", ";").replace("\n", "\r\n").encode(),
    ENTITIES.replace("Store One", '"Store ""One"", Växjö\nSmåland"').encode(),
], ids=["byte-order mark", "semicolons", "as Excel saves it", "quotes and line breaks in a cell"])
async def test_csv_is_read_as_people_save_it(bring: Bring, content: bytes) -> None:
    result = await bring({"groups.csv": GROUPS, "entities.csv": content})
    assert result.bad == [] and result.outcomes["entities"].created == 3


async def test_a_file_is_recognised_by_its_header_when_its_name_says_nothing(bring: Bring) -> None:
    result = await bring({"a.csv": CONTACTS, "b.csv": OPERATORS, "c.csv": ENTITIES, "d.csv": GROUPS})
    assert result.bad == [] and list(result.outcomes) == ["groups", "entities", "operators", "contacts"]


async def test_the_tree_is_whole_after_an_import(bring: Bring, database: Database) -> None:  # [2.1]
    await bring(NETWORK)
    await bring({"entities.csv": "code,label,kind,parent\nR1,Region,LOCAL,\n"})
    async with database.transaction() as session:
        kept = await closure(session)
        await rebuild(session)
        assert kept == await closure(session) and len(kept) == 4


async def test_importing_twice_changes_nothing(bring: Bring, database: Database) -> None:
    await bring(NETWORK)
    entries = await rows(database, select(History.id))
    again = await bring(NETWORK)
    assert {kind: (each.created, each.updated, each.unchanged) for kind, each in again.outcomes.items()} == {
        "groups": (0, 0, 1), "entities": (0, 0, 3), "operators": (0, 0, 2), "contacts": (0, 2, 0),
    }
    assert await column(database, select(Entity.revision)) == {1}
    assert len(await rows(database, select(History.id))) == len(entries) + 1  # contacts are written whatever they hold


async def test_a_row_that_is_there_already_is_updated(bring: Bring, database: Database) -> None:
    await bring(NETWORK)
    await bring({"entities.csv": "code,label,kind\nS1,Renamed,LOCAL\n"})
    [(label, revision, email)] = await rows(
        database, select(Entity.label, Entity.revision, Entity.email).where(Entity.code == "S1")
    )
    assert (label, revision, email) == ("Renamed", 2, "one@example.org")  # what the file has not, stays


async def test_an_operators_entities_and_groups_are_what_the_file_says(bring: Bring, database: Database) -> None:
    await bring(NETWORK)
    await bring({"operators.csv": "login,name,right,entities,groups\nbo,Bo Li,LOCAL,HQ,\n"})
    assert await column(database, select(Entity.code).join(OperatorEntity)) == {"HQ"}
    assert await rows(database, select(GroupMember)) == []


async def test_a_password_of_ones_own_survives_an_import(bring: Bring, database: Database) -> None:
    await bring(NETWORK)
    async with database.transaction() as session:
        anna = (await session.scalars(select(Operator).where(Operator.login == "anna"))).one()
        anna.password_hash = own = hash_password("a password of my own")
    await bring(NETWORK)
    assert await column(database, select(Operator.password_hash).where(Operator.login == "anna")) == {own}


async def test_a_contact_is_one_per_email_and_entity_whatever_its_capitals(bring: Bring, database: Database) -> None:
    await bring(NETWORK)
    await bring({"contacts.csv": "email,entity,points\nEVA@EXAMPLE.ORG,S1,12\neva@example.org,R1,3\n"})
    eva = select(Contact.first_name, Contact.attributes).where(Contact.email == "eva@example.org")
    found = await rows(database, eva)
    assert sorted(map(tuple, found)) == [("", {"points": "3"}), ("Eva", {"segment": "gold", "points": "12"})]


async def test_an_import_leaves_one_history_entry_per_kind(bring: Bring, database: Database) -> None:  # [12.1]
    await bring(NETWORK)
    entries = await rows(database, select(History.subject, History.action, History.after).order_by(History.id))
    assert [(subject, action) for subject, action, _ in entries] == [
        (SubjectKind.GROUP, "IMPORT"), (SubjectKind.ENTITY, "IMPORT"), (SubjectKind.OPERATOR, "IMPORT"),
        (SubjectKind.CONTACT, "IMPORT"),
    ]
    assert entries[1].after == {"files": ["entities.csv"], "created": 3, "updated": 0, "unchanged": 0, "skipped": 0}


async def test_changed_rights_stand_in_the_history(bring: Bring, database: Database) -> None:  # [12.1]
    await bring(NETWORK)
    await bring({"operators.csv": "login,name,right\nbo,Bo Li,CENTRAL\n"})
    [*_, (before, after)] = await rows(database, select(History.before, History.after).order_by(History.id))
    assert (before["rights"], after["rights"]) == ({"bo": "LOCAL"}, {"bo": "CENTRAL"})


async def test_equal_passwords_are_hashed_once(bring: Bring, database: Database) -> None:
    await bring(NETWORK)
    assert len(await column(database, select(Operator.password_hash))) == 1


async def test_a_network_is_empty_until_something_is_imported(bring: Bring, database: Database) -> None:
    assert await is_empty(database)
    await bring(NETWORK)
    assert not await is_empty(database)


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 12, 13])
async def test_chunks_lose_nothing(
    bring: Bring, database: Database, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(contacts_module, "CHUNK", 3)
    monkeypatch.setattr(contacts_module, "CHUNKS", 2)
    lines = "".join(f"c{number}@example.org,S1\n" for number in range(count))
    await bring(NETWORK | {"contacts.csv": "email,entity\n" + lines})
    assert await column(database, select(Contact.email)) == {f"c{number}@example.org" for number in range(count)}


async def test_memory_does_not_grow_with_the_number_of_contacts(
    bring: Bring, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await bring(NETWORK)
    monkeypatch.setattr(contacts_module, "CHUNK", 500)

    async def peak(count: int) -> int:
        path = tmp_path / "contacts.csv"
        path.write_text("email,entity\n" + "".join(f"c{number}@example.org,S1\n" for number in range(count)))
        tracemalloc.start()
        await Import(database, NOW).run(find_files([path]))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    few, many = await peak(4_000), await peak(24_000)
    assert many - few < 20_000 * 30  # bytes per contact; the file itself has 22


async def test_progress_adds_up_to_what_there_is_to_read(bring: Bring, database: Database, tmp_path: Path) -> None:
    await bring(NETWORK)
    done: list[int] = []
    files = find_files([tmp_path])
    await Import(database, NOW, progress=done.append).run(files)
    assert sum(done) == bytes_to_read(files)
