"""A mail server that does not work holds up nobody's order, and gets the mail when it works again [7]."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from server.database import Database
from server.demo.main_job import MainJob, People
from server.domain.notification import Dispatch, DispatchStatus
from server.jobs.enqueue import JobKind, enqueue
from tests.chaos.post_office import accepted_by, mail_to
from tests.chaos.waiting import pending, until
from tests.running import running
from tests.smtp_sink import smtp_sink
from tests.test_demo import network

__all__ = ["network"]
TIMEOUT = 30.0
"""Seconds that one attempt to send takes, if the server says nothing."""
QUICK = TIMEOUT / 2
"""Seconds for the six requests of an order, on a machine that has other things to do."""


@contextmanager
def silent() -> Iterator[int]:
    """Connections are made, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listening:
        yield listening.getsockname()[1]


@contextmanager
def refusing() -> Iterator[int]:
    """A port that is taken, where nobody listens."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("broken", [silent, refusing])
async def test_a_bad_mail_server_holds_up_no_order_and_gets_the_mail_when_it_is_back(
    broken: Callable[[], AbstractContextManager[int]], database: Database, address: str, tmp_path: Path
) -> None:
    broken_still = ExitStack()
    port = broken_still.enter_context(broken())
    variables = mail_to(port) | {"SAMVERKAN_SMTP_TIMEOUT_SECONDS": str(TIMEOUT)}
    with (
        broken_still, running(address, tmp_path, **variables) as url, httpx.Client(base_url=url, timeout=60) as http,
    ):
        job = MainJob(http, str, People())
        package = job.published("opCollaborativeSimple", "Spring sale")
        assert await until(lambda: is_waiting(database)), "there is no mail"
        began = time.monotonic()
        job.ordered(package, comment="Count us in")
        assert time.monotonic() - began < QUICK
        broken_still.close()
        async with smtp_sink(port=port) as sink:
            assert await until(lambda: all_sent_by_now(database), every=1), "mail is left"
    async with database.reading() as session:
        assert set(await session.scalars(select(Dispatch.id))) == accepted_by(sink).keys()


async def is_waiting(database: Database) -> bool:
    async with database.reading() as session:
        return bool(await session.scalar(select(Dispatch.id).where(Dispatch.status == DispatchStatus.PENDING).limit(1)))


async def all_sent_by_now(database: Database) -> bool:
    """Whether nothing is left; what waits for the next attempt is tried as if that time had come."""
    async with database.transaction() as session:
        await session.execute(
            update(Dispatch).where(Dispatch.status == DispatchStatus.PENDING).values(due_at=datetime.now(UTC))
        )
        enqueue(session, JobKind.SEND)
    return not (await pending(database)).keys() & {"events", "messages"}
