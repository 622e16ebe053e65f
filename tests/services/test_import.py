"""A network and its contacts come in from CSV files: all of a file or none, every fault told, twice is once [2.1]."""

import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.network import (
    Entity,
    EntityClosure,
    GroupMember,
    Operator,
    OperatorEntity,
    OperatorGroup,
    Right,
)
from server.domain.record import History, SubjectKind
from server.domain.target import Contact
from server.errors import InvalidArgument
from server.identity.passwords import hash_password, verify
from server.services.importing import contacts as contacts_module
from server.services.importing.importer import Import, Outcome, bytes_to_read, find_files, is_empty
from server.services.tree import rebuild

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"

ENTITIES = """code,label,kind,parent,email,locale,time_zone,order_reviewers
S1,Store One,LOCAL,R1,one@example.org,sv,Europe/Stockholm,G1
R1,Region,LOCAL,HQ,,nb,Europe/Oslo,
HQ,Head office,CENTRAL,,,,,
"""
GROUPS = "code,label\nG1,Reviewers\n"
OPERATORS = f"""login,name,email,right,entities,groups,locale,password
anna,Anna Ek,anna@example.org,ADMIN,,,sv,{PASSWORD}
bo,Bo Li,bo@example.org,LOCAL,S1|R1,G1,sv,{PASSWORD}
"""
CONTACTS = """email,entity,first_name,score,opted_out,segment
Eva@Example.org,S1,Eva,7,yes,gold
ola@example.org,S1,Ola,,,
"""
NETWORK = {"groups.csv": GROUPS, "entities.csv": ENTITIES, "operators.csv": OPERATORS, "contacts.csv": CONTACTS}


@dataclass
class Result:
    outcomes: dict[str, Outcome]
    bad: list[str]


Bring = Callable[..., Awaitable[Result]]


@pytest.fixture
def bring(database: Database, tmp_path: Path) -> Bring:
    """Writes the files and imports them, in the order given."""
    async def bring(files: dict[str, str | bytes], *, skip: bool = False) -> Result:
        paths = []
        for name, content in files.items():
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        bad: list[str] = []
        work = Import(
            database, NOW, skip_bad_rows=skip, bad=lambda row: bad.append(str(row).removeprefix(f"{tmp_path}/"))
        )
        outcomes = await work.run(find_files(paths))
        return Result({outcome.kind: outcome for outcome in outcomes}, bad)
    return bring


async def rows(database: Database, statement: Any) -> list[Any]:
    async with database.reading() as session:
        return list(await session.execute(statement))


async def column(database: Database, statement: Any) -> set[Any]:
    return {row[0] for row in await rows(database, statement)}


async def closure(session: AsyncSession) -> set[Any]:
    table = EntityClosure
    return {tuple(row) for row in await session.execute(select(table.ancestor_id, table.entity_id, table.depth))}


# --- what comes in


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


# --- twice is once


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


# --- faults


async def test_every_fault_is_told_with_file_line_column_and_reason(bring: Bring, database: Database) -> None:
    result = await bring(NETWORK | {"contacts.csv": (
        "email,entity,score,birth_year,opted_out\n"
        "eva@example.org,S1,7,1970,0\n"
        "nobody,S9,many,1492,perhaps\n"
        "\n"
        "ola@example.org,S1,7\n"
    )})
    assert result.bad == [
        'contacts.csv:3: email: "nobody" is no e-mail address such as anna@example.org.',
        'contacts.csv:3: entity: There is no entity "S9", neither in the database nor in these files.',
        'contacts.csv:3: birth_year: "1492" is no whole number from 1850 to 2100.',
        'contacts.csv:3: score: "many" is no whole number from -2147483648 to 2147483647.',
        'contacts.csv:3: opted_out: "perhaps" is neither yes nor no: '
        "write 1, true, yes or y, or else 0, false, no or n.",
        "contacts.csv:5: The row has 3 cells, the header has 5.",
    ]
    assert await rows(database, select(Contact.id)) == []  # nothing of a file with faults
    assert len(await rows(database, select(Entity.id))) == 3  # all of a file without


async def test_bad_rows_are_left_out_when_asked(bring: Bring, database: Database) -> None:
    content = "email,entity\neva@example.org,S1\nnobody,S1\nola@example.org,S1\n"
    result = await bring(NETWORK | {"contacts.csv": content}, skip=True)
    assert len(result.bad) == 1 and result.outcomes["contacts"].skipped == 1
    assert await column(database, select(Contact.email)) == {"eva@example.org", "ola@example.org"}


ENTITY_HEADER = "code,label,kind,parent,time_zone,notification_group\n"
OPERATOR_HEADER = "login,name,right,entities,groups,password\n"


@pytest.mark.parametrize(("file", "content", "faults"), [
    ("entities.csv", ENTITY_HEADER + "A B,,SHOP,,Mars/Base,G9\n", [
        'entities.csv:2: kind: "SHOP" is not one of CENTRAL, LOCAL.',
        'entities.csv:2: code: "A B" is no code: 1 to 60 characters without spaces, commas, semicolons and |.',
        'entities.csv:2: label: "" does not do: give a text of 1 to 200 characters.',
        'entities.csv:2: time_zone: "Mars/Base" is no time zone: give an IANA name such as Europe/Stockholm.',
        'entities.csv:2: notification_group: There is no group "G9", neither in the database nor in these files.',
    ]),
    ("entities.csv", ENTITY_HEADER + "A,A,LOCAL,B,,\nB,B,LOCAL,A,,\n", [
        "entities.csv:2: parent: The tree has no cycles; here A is under B is under A.",
        "entities.csv:3: parent: The tree has no cycles; here B is under A is under B.",
    ]),
    ("entities.csv", ENTITY_HEADER + "R1,Region,LOCAL,S1,,\n", [
        "entities.csv:2: parent: The tree has no cycles; here R1 is under S1 is under R1.",
    ]),
    ("entities.csv", ENTITY_HEADER + "S1,Store,CENTRAL,,,\n", [
        "entities.csv:2: kind: S1 stays LOCAL: choose another code for another entity.",
    ]),
    ("entities.csv", ENTITY_HEADER + "T1,Team,CENTRAL,S1,,\n", [
        "entities.csv:2: parent: A central entity cannot stand under a local one: choose a central parent, or none.",
    ]),
    ("entities.csv", ENTITY_HEADER + "A,A,LOCAL,,,\nA,B,LOCAL,,,\n", [
        'entities.csv:3: code: "A" stands in entities.csv:2 already; each code comes once.',
    ]),
    ("operators.csv", OPERATOR_HEADER + "cia,Cia,LOCAL,,,\n", [
        "operators.csv:2: entities: A local operator acts for one entity or more: name at least one.",
    ]),
    ("operators.csv", OPERATOR_HEADER + "cia,Cia,BOSS,S9,G9,short\n", [
        'operators.csv:2: right: "BOSS" is not one of CENTRAL, LOCAL, ADMIN.',
        'operators.csv:2: entities: There is no entity "S9", neither in the database nor in these files.',
        'operators.csv:2: groups: There is no group "G9", neither in the database nor in these files.',
        "operators.csv:2: password: A password has 12 to 200 characters; this one has 5.",
    ]),
    ("operators.csv", OPERATOR_HEADER + "anna,Anna,CENTRAL,,,\n", [
        "operators.csv:2: right: The last active administrator stays one: name another one first.",
    ]),
    ("contacts.csv", "email,entity\na@example.org,S1\nb@example.org,S1\nA@example.org,S1\na@example.org,R1\n", [
        "contacts.csv:4: email: a@example.org stands in line 2 already, for the same entity; each contact comes once.",
    ]),
    ("groups.csv", b"code,label\nG2,Sm\xe5land\n", [
        "groups.csv:2: The row is not in UTF-8: save the file as CSV UTF-8.",
    ]),
    ("groups.csv", "code,label\nG2,a\0b\n", ["groups.csv:2: The row holds a NUL character: remove it."]),
    ("groups.csv", 'code,label\nG2,"never closed\nG3,x\n', [
        "groups.csv:2: The row cannot be read: unexpected end of data.",
    ]),
    ("groups.csv", "code,lable,Code\n", [
        "groups.csv:1: label: The column is missing; a file of groups needs code, label.",
        "groups.csv:1: lable: The column is unknown; groups have code, label.",
        "groups.csv:1: Code: The column stands there twice.",
    ]),
    ("groups.csv", "", [
        "groups.csv:1: code: The column is missing; a file of groups needs code, label.",
        "groups.csv:1: label: The column is missing; a file of groups needs code, label.",
    ]),
    ("contacts.csv", "email,entity,favourite colour\n", [
        "contacts.csv:1: favourite colour: An attribute's name has letters, digits and _ only; a letter comes first.",
    ]),
    ("notes.csv", "when,what\n", [
        "notes.csv:1: What is it? Let the file's name start with groups, entities, operators, contacts.",
    ]),
])
async def test_what_is_wrong_is_said_and_not_imported(
    bring: Bring, database: Database, tmp_path: Path, file: str, content: str | bytes, faults: list[str]
) -> None:
    await bring(NETWORK)
    before = await rows(database, select(History.id))
    result = await bring({file: content})
    assert [fault.replace(f"{tmp_path}/", "") for fault in result.bad] == faults
    assert await rows(database, select(History.id)) == before


async def test_what_hangs_on_a_row_left_out_is_left_out_too(bring: Bring, database: Database) -> None:
    entities = "code,label,kind,parent\nR1,,LOCAL,\nS1,Store,LOCAL,R1\nS2,Store,LOCAL,\n"
    operators = "login,name,right,entities\nbo,Bo,LOCAL,S1\ncia,Cia,LOCAL,S2\n"
    result = await bring({"entities.csv": entities, "operators.csv": operators}, skip=True)
    assert [fault.split(" ")[0] + fault.split(" ")[1] for fault in result.bad] == [
        "entities.csv:2:label:", "entities.csv:3:parent:", "operators.csv:2:entities:",
    ]
    assert await column(database, select(Entity.code)) == {"S2"}
    assert await column(database, select(Operator.login)) == {"cia"}


async def test_of_repeated_contacts_the_first_stays(bring: Bring, database: Database) -> None:
    content = "email,entity,first_name\na@example.org,S1,First\na@example.org,S1,Second\n"
    result = await bring(NETWORK | {"contacts.csv": content}, skip=True)
    assert result.outcomes["contacts"].skipped == 1
    assert await column(database, select(Contact.first_name)) == {"First"}


async def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"nowhere\.csv cannot be read: No such file"):
        find_files([tmp_path / "nowhere.csv"])
    with pytest.raises(InvalidArgument, match=r"holds no file that ends in \.csv"):
        find_files([tmp_path])


# --- history, passwords, size


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
