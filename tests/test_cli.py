"""The command `samverkan`: what it prints, and that what goes wrong on purpose is one clear line."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from server import migrations
from server.cli import main
from server.database import Database
from server.domain.network import Entity, Operator, OperatorEntity
from server.identity.passwords import verify

NETWORK = {
    "entities.csv": "code,label,kind\nS1,Store One,LOCAL\n",
    "contacts.csv": "email,entity\neva@example.org,S1\n",
}
BAD = "email,entity\nnobody,S1\nola@example.org,S9\neva@example.org,S1\n"


@dataclass
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["samverkan", *arguments])
        try:
            main()
            code = 0
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return Said(code, *capfd.readouterr())
    return run


@pytest.fixture
def run_on(address: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the database of the test."""
    monkeypatch.setenv("SAMVERKAN_DATABASE", address)
    return run


@pytest.fixture
def network(tmp_path: Path) -> Path:
    folder = tmp_path / "network"
    folder.mkdir()
    for name, content in NETWORK.items():
        (folder / name).write_text(content)
    return folder


def test_help_names_every_command(run: Run) -> None:
    said = run("--help")
    commands = ("serve", "migrate", "import", "create-operator", "campaign-types", "channels", "print-schema", "demo")
    assert said.code == 0 and all(command in said.out for command in commands)


@pytest.mark.parametrize(("command", "words"), [
    ("serve", ("SAMVERKAN_DATABASE", "SAMVERKAN_TIME_ZONE", "--port")),
    ("import", ("--skip-bad-rows", "--if-empty", "opted_out", "order_reviewers")),
    ("create-operator", ("--right", "--entity")),
])
def test_help_of_a_command_tells_what_it_takes(run: Run, command: str, words: tuple[str, ...]) -> None:
    said = run(command, "--help").out
    assert [word for word in words if word not in said] == []


def test_migrate_tells_from_where_to_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMVERKAN_DATABASE", "sqlite:///made/new.db")
    newest = migrations.newest()
    assert run("migrate").out == f"The database sqlite:///made/new.db went from nothing to revision {newest}.\n"
    assert run("migrate").out == f"The database sqlite:///made/new.db stays at revision {newest}.\n"


def test_campaign_types_are_listed_whole(run: Run) -> None:  # [3.1]
    said = run("campaign-types").out.splitlines()
    assert said[0].split() == ["Name", "Label", "Version", "Distribution", "Contract", "Template"]
    [line] = [line for line in said if line.startswith("by_target_approval")]
    assert line.split("  ")[0] == "by_target_approval" and line.rstrip().endswith("opCollaborativeByTargetApproval")


def test_channels_are_listed_with_where_their_messages_go(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:  # [7]
    monkeypatch.setenv("SAMVERKAN_SMTP_HOST", "mail.example.org")
    monkeypatch.setenv("SAMVERKAN_SMTP_PASSWORD", "s3cret")
    said = run("channels").out
    assert "mail.example.org:587, starttls" in said and "s3cret" not in said


def test_the_schema_is_printed(run: Run) -> None:
    assert "type Query {" in run("print-schema").out


# --- import


def test_an_import_counts_what_it_did(run_on: Run, network: Path) -> None:
    said = run_on("import", str(network))
    assert (said.code, said.err) == (0, "")
    assert [line.split() for line in said.out.splitlines()] == [
        ["Created", "Updated", "Unchanged", "Skipped"],
        ["Entities", "1", "0", "0", "0"],
        ["Contacts", "1", "0", "0", "0"],
    ]


def test_a_network_is_not_imported_over_another_when_it_must_be_empty(run_on: Run, network: Path) -> None:
    run_on("import", "--if-empty", str(network))
    assert run_on("import", "--if-empty", str(network)).out == "There is a network already: nothing was imported.\n"


def test_every_bad_row_is_reported_and_the_exit_code_says_so(run_on: Run, network: Path) -> None:
    (network / "contacts.csv").write_text(BAD)
    said = run_on("import", "network")
    assert said.code == 1
    assert said.err.splitlines() == [
        'network/contacts.csv:2: email: "nobody" is no e-mail address such as anna@example.org.',
        'network/contacts.csv:3: entity: There is no entity "S9", neither in the database nor in these files.',
        "error: network/contacts.csv: 2 faults, nothing of this file was imported.",
        "error: Correct the rows, or leave them out with --skip-bad-rows.",
    ]


def test_bad_rows_are_skipped_when_asked(run_on: Run, network: Path) -> None:
    (network / "contacts.csv").write_text(BAD)
    said = run_on("import", "--skip-bad-rows", "network")
    assert said.code == 0 and said.out.splitlines()[-1].split() == ["Contacts", "1", "0", "0", "2"]


# --- operators


def test_an_operator_is_created_with_the_password_from_standard_input(
    run_on: Run, network: Path, address: str
) -> None:
    run_on("import", str(network))
    created = subprocess.run(
        [sys.executable, "-m", "server", "create-operator", "eva", "--name", "Eva Ek", "--entity", "S1"],
        input="a password for eva\n", capture_output=True, text=True, check=False,
    )
    assert (created.stdout, created.stderr) == ("Operator Eva Ek (eva) can log in now.\n", "")
    password_hash, right, code = asyncio.run(the_operator(address))
    assert verify("a password for eva", password_hash) and (right, code) == ("LOCAL", "S1")


async def the_operator(address: str) -> Any:
    database = Database(address)
    async with database.reading() as session:
        statement = (
            select(Operator.password_hash, Operator.right, Entity.code)
            .select_from(OperatorEntity)
            .join(Operator)
            .join(Entity)
        )
        [row] = await session.execute(statement)
    await database.dispose()
    return row


def test_all_that_is_wrong_with_an_operator_is_said_a_line_each(
    run_on: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    said = run_on("create-operator", "eva", "--name", " ")
    assert said.code == 1 and said.err.splitlines() == [
        'error: " " does not do: give a text of 1 to 200 characters.',
        "error: A password has 12 to 200 characters; this one has 5.",
        "error: A local operator acts for one entity or more: name at least one.",
    ]


def test_nobody_is_created_without_a_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run("create-operator", "eva", "--name", "Eva").err == "error: No password was given: nothing was created.\n"


# --- what goes wrong is one line


@pytest.mark.parametrize(("arguments", "settings", "line"), [
    (("import", "nowhere.csv"), {}, "nowhere.csv cannot be read: No such file or directory."),
    (("migrate",), {"PORT": "99999"}, "Wrong settings: SAMVERKAN_PORT: Input should be less than or equal to 65535"),
    (("migrate",), {"DATABASE": "mysql://host/name"}, "SAMVERKAN_DATABASE must look like sqlite:///PATH"),
    (("migrate",), {"DATABASE": "postgresql://user:secret@127.0.0.1:1/name"},
     "The database postgresql://user:***@127.0.0.1:1/name cannot be used: [Errno 111] Connect call failed"),
    (("migrate",), {"DATABASE": "sqlite:///text.db"}, "The database sqlite:///text.db cannot be used: file is not a"),
    (("serve",), {"DATABASE": "sqlite:///new.db"},
     "The database sqlite:///new.db has no tables yet: run `samverkan migrate` first."),
    (("import", "text.db"), {"DATABASE": "sqlite:///new.db"}, "The database sqlite:///new.db has no tables yet"),
    (("demo", "--url", "http://127.0.0.1:1"), {}, "http://127.0.0.1:1 does not answer as a samverkan server"),
])
def test_what_goes_wrong_on_purpose_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], settings: dict[str, str],
    line: str,
) -> None:
    (tmp_path / "text.db").write_text("this is no database, however long it is: " * 100)
    for name, value in settings.items():
        monkeypatch.setenv(f"SAMVERKAN_{name}", value)
    said = run(*arguments)
    assert said.code == 1 and said.err.startswith(f"error: {line}") and said.err.count("\n") == 1


def test_an_unknown_option_is_explained(run: Run) -> None:
    said = run("migrate", "--fast")
    assert said.code == 2 and "No such option: --fast" in said.err


async def test_a_database_of_another_version_is_named(run_on: Run, address: str) -> None:
    database = Database(address)
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.dispose()
    said = run_on("migrate")
    assert said.code == 1 and "made by another version of samverkan" in said.err and said.err.count("\n") == 1


# --- serve


@pytest.mark.usefixtures("run_on")
def test_serve_says_what_to_open_answers_and_stops() -> None:
    command = [sys.executable, "-m", "server", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        said = next(line for line in server.stdout if " serves on " in line)  # after what its channels say
        address = said.split(" serves on ")[1].partition(",")[0]
        links = [server.stdout.readline().split() for _ in range(2)]
        answer = httpx.get(f"{address}/healthz")
        server.send_signal(signal.SIGINT)
    assert links == [["GraphQL", f"{address}/graphql"], ["GraphiQL", f"{address}/graphiql"]]
    assert answer.status_code == 200 and "server" not in answer.headers and server.returncode == 0


def test_a_taken_port_is_one_line(run: Run) -> None:
    run("migrate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("serve", "--port", str(port))
    assert said.code == 1 and said.err == (
        f"error: Cannot listen on 127.0.0.1:{port}: Address already in use. Stop what listens there, or choose another "
        "port with --port.\n"
    )


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    piped = subprocess.run(
        f'"{sys.executable}" -m server print-schema | head -1', shell=True, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert piped.stderr == "" and len(piped.stdout.splitlines()) == 1
