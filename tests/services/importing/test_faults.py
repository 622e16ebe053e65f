"""What is wrong with files is told, all of it, and keeps the file or the row out [2.1]."""

from pathlib import Path

import pytest
from sqlalchemy import select

from server.database import Database
from server.domain.network import Entity, Operator
from server.domain.record import History
from server.domain.target import Contact
from server.errors import InvalidArgument
from server.services.importing.importer import find_files
from tests.services.importing.conftest import NETWORK, Bring, column, rows


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
