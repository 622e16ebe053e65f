"""`samverkan trust` registers what the build of an app has written, all of it or nothing."""

import json
import sys
from collections.abc import Callable
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.cli import main
from server.database import Database
from server.domain.access import TrustedDocument

Trust = Callable[..., tuple[int, str, str]]
ME, NAME = "query Me { viewer { name } }", "query Name { server { name } }"
BROKEN = "query Broken { viewer { nme } }"


def sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app" / "inner").mkdir(parents=True)
    return tmp_path / "app"


@pytest.fixture
def trust(address: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Trust:
    """Runs the command; its exit code and what it said."""
    def run(*arguments: Any) -> tuple[int, str, str]:
        monkeypatch.setenv("SAMVERKAN_DATABASE", address)
        monkeypatch.setattr(sys, "argv", ["samverkan", "trust", *map(str, arguments)])
        try:
            main()
        except SystemExit as leaving:
            return int(leaving.code or 0), *capfd.readouterr()
        return 0, *capfd.readouterr()
    return run


@pytest.fixture
def registered(address: str) -> Callable[[], dict[str, str]]:
    """The text of every id."""
    import asyncio

    async def read() -> dict[str, str]:
        database = Database(address)
        async with database.reading() as session:
            rows = (await session.execute(select(TrustedDocument.id, TrustedDocument.text))).all()
        await database.dispose()
        return {row.id: row.text for row in rows}
    return lambda: asyncio.run(read())


@pytest.mark.parametrize(
    ("file", "content", "ids"),
    [
        ("inner/me.graphql", ME, {sha(ME)}),
        ("me.gql", ME, {sha(ME)}),
        ("relay.json", {md5(ME.encode()).hexdigest(): ME}, {sha(ME), md5(ME.encode()).hexdigest()}),
        ("persisted-documents.json", {sha(ME): ME, f"sha256:{sha(NAME)}": NAME}, {sha(ME), sha(NAME)}),
        (
            "apollo.json",
            {"format": "apollo-persisted-query-manifest", "version": 1,
             "operations": [{"id": "one", "name": "Me", "type": "query", "body": ME}]}, {sha(ME), "one"},
        ),
    ],
)
def test_every_kind_of_file_is_understood(
    trust: Trust, registered: Any, folder: Path, file: str, content: Any, ids: set[str]
) -> None:
    (folder / file).write_text(content if isinstance(content, str) else json.dumps(content))
    code, out, _ = trust(folder)
    assert (code, set(registered())) == (0, ids), out


def test_a_second_time_registers_only_what_is_new(trust: Trust, registered: Any, folder: Path) -> None:
    (folder / "me.graphql").write_text(ME)
    trust(folder)
    (folder / "name.graphql").write_text(NAME)
    assert "1 documents registered, 1 were there already" in trust(folder)[1]
    assert registered() == {sha(ME): ME, sha(NAME): NAME}


def test_every_fault_is_told_with_file_and_operation_and_nothing_is_registered(
    trust: Trust, registered: Any, folder: Path
) -> None:
    for file, content in {
        "good.graphql": ME,
        "broken.graphql": BROKEN,
        "relay.json": json.dumps({"a": BROKEN.replace("Broken", "AlsoBroken"), "b": NAME}),
        "package.json": json.dumps({"name": "app", "version": 1}),
        "notes.json": "{",
        "fragment.graphql": "fragment F on Operator { name }",
        "dear.graphql": "query Dear { packages(first: 100) { nodes { orders(first: 100) { nodes { approvals(first: 99) "
                        "{ nodes { id } } } } } } }",
    }.items():
        (folder / file).write_text(content)
    code, _, err = trust(folder)
    assert code == 1
    for fault in (
        "broken.graphql: Broken: Cannot query field 'nme'", "relay.json: AlsoBroken: Cannot query field 'nme'",
        "package.json: is neither", "notes.json: cannot be read", "fragment.graphql: without a name: ",
        "dear.graphql: Dear: it costs", "Nothing was registered.",
    ):
        assert fault in err
    assert registered() == {}


def test_an_id_stands_for_one_document(trust: Trust, registered: Any, folder: Path) -> None:
    (folder / "one.json").write_text(json.dumps({"a": ME}))
    trust(folder)
    (folder / "one.json").write_text(json.dumps({"a": NAME, "b": ME}))
    code, _, err = trust(folder)
    assert (code, "id a stands for another document" in err) == (1, True)
    (folder / "two.json").write_text(json.dumps({"b": NAME}))
    assert "id b stands for another document in" in trust(folder)[2]
    assert registered() == {"a": ME, sha(ME): ME}


def test_documents_are_listed_and_removed_by_any_of_their_ids(trust: Trust, registered: Any, folder: Path) -> None:
    (folder / "one.json").write_text(json.dumps({"a": ME, "b": NAME}))
    trust(folder)
    out = trust("--list")[1]
    assert all(word in out for word in ("Me", "Name", sha(ME), "a"))
    assert trust("--remove", "a", "--remove", "nothing")[0] == 1
    assert trust("--remove", "a")[0] == 0
    assert registered() == {"b": NAME, sha(NAME): NAME}


def test_without_documents_the_command_says_so(trust: Trust, folder: Path) -> None:
    assert trust(folder)[::2] == (1, f"error: There is no document in {folder}.\nerror: Nothing was registered.\n")
    assert trust()[0] == 2
