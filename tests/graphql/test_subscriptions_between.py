"""A change that is made through one server is seen through another one, on both databases."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

from server.database import Database
from server.domain.lifecycles import PackageStatus
from server.graphql.transport.socket_messages import PROTOCOL
from tests.builders import a_campaign, a_package, an_operator, given
from tests.graphql.edge import Session
from tests.graphql.follow import Socket, gid, logged_in
from tests.graphql.test_sse import EVENTS, events
from tests.running import running

CARLA = an_operator(login="carla")
CAMPAIGN = a_campaign("Spring", "by_form")
PACKAGE = a_package(CAMPAIGN, CARLA, PackageStatus.BEING_EDITED)
BEARER = {"authorization": "Bearer carla"}
QUERY = "subscription ($of: ID!) { packageChanged(id: $of) { package { id label revision } goneId reload } }"
UPDATE = (
    "mutation ($input: UpdatePackageInput!) { updatePackage(input: $input) "
    "{ package { revision } problems { code message } } }"
)
SLOWEST = 5.0
"""Seconds, on any machine; p95 is below a tenth of one."""


def rename(server: str, label: str, revision: int) -> int:
    """The package's next revision."""
    given = {"id": gid(PACKAGE), "revision": revision, "label": label}
    answer = httpx.post(
        f"{server}/graphql", json={"query": UPDATE, "variables": {"input": given}}, headers=BEARER, timeout=120
    ).json()["data"]["updatePackage"]
    assert not answer["problems"], answer
    return int(answer["package"]["revision"])


@contextmanager
def by_socket(server: str) -> Iterator[Socket]:
    url = f"{server.replace('http', 'ws')}/graphql"
    with connect(url, subprotocols=[PROTOCOL], open_timeout=120) as client:
        session = Session(client)
        session.send(type="connection_init", payload=BEARER)
        assert session.receive() == {"type": "connection_ack"}
        session.subscribe(QUERY, of=gid(PACKAGE))
        yield Socket(session)


@contextmanager
def by_event_stream(server: str) -> Iterator[Iterator[dict[str, Any]]]:
    asked = {"query": QUERY, "variables": {"of": gid(PACKAGE)}}
    with httpx.stream("POST", f"{server}/graphql", json=asked, headers=EVENTS | BEARER, timeout=120) as response:
        yield (
            events(f"event: next\n{line}")[0][1]["data"]["packageChanged"]
            for line in response.iter_lines() if line.startswith("data")
        )


async def test_what_one_server_changes_is_heard_from_another(
    address: str, database: Database, tmp_path: Path
) -> None:
    await given(database, CARLA, CAMPAIGN, PACKAGE, logged_in(CARLA))
    with (
        running(address, tmp_path, SAMVERKAN_JOBS="workers") as one,
        running(address, tmp_path, SAMVERKAN_JOBS="workers") as other,
        by_socket(other) as socket, by_event_stream(other) as stream,
    ):
        assert [socket.event()["reload"], next(stream)["reload"]] == [True, True]
        revision = 1
        for label in ("Summer", "Autumn", "Winter"):
            revision = rename(one, label, revision)
            began = time.monotonic()
            heard = {"goneId": None, "reload": False,
                     "package": {"id": gid(PACKAGE), "label": label, "revision": revision}}
            assert [socket.event(), next(stream)] == [heard, heard]
            assert time.monotonic() - began < SLOWEST
