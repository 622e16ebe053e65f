"""Subscribing in tests: a socket per operator, and changes that are written as services write them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from server.app import create_app
from server.changes import changed
from server.database import Database
from server.domain.base import new_id
from server.domain.lifecycles import PackageStatus
from server.domain.network import Login, Operator, Right
from server.settings import Jobs, Settings
from tests.builders import DAY, NOW, a_campaign, a_package, an_entity, an_operator, an_order, linked, offered
from tests.graphql.api import global_id
from tests.graphql.edge import Edge, Session, serving

CENTRAL, LUC = an_operator(login="carla"), an_operator(Right.LOCAL, login="luc")
PARIS, OSLO = an_entity("Paris"), an_entity("Oslo")
CAMPAIGN = a_campaign("Spring", "by_form")
PACKAGE = a_package(CAMPAIGN, CENTRAL, PackageStatus.PUBLISHED)
OTHER = a_package(CAMPAIGN, CENTRAL, PackageStatus.PUBLISHED)
HERE, AGAIN, ELSEWHERE = an_order(PACKAGE, PARIS), an_order(OTHER, PARIS), an_order(PACKAGE, OSLO)
STAGE = (
    CENTRAL, LUC, PARIS, OSLO, linked(LUC, PARIS), CAMPAIGN, PACKAGE, OTHER, offered(PACKAGE, PARIS, OSLO), HERE, AGAIN,
    ELSEWHERE,
)

@contextmanager
def served(settings: Settings) -> Iterator[Edge]:
    """The server, which leaves what happens later to others and asks for every login anew."""
    settings = settings.model_copy(update={"jobs": Jobs.WORKERS, "login_cache_seconds": 0})
    with serving(create_app(settings, lambda: NOW), settings) as edge:
        yield edge


RELOAD = "reload"
"""What a socket gives for an event that only says so."""


def logged_in(*operators: Operator) -> list[Login]:
    """Logins whose tokens are the operators' own names."""
    now = datetime.now(UTC)
    return [
        Login(id=new_id(), token_hash=hashlib.sha256(each.login.encode()).hexdigest(), operator_id=each.id,
              created_at=now, expires_at=now + DAY)
        for each in operators
    ]


class Socket:
    """`next(socket)` is what the next event is about: an id, RELOAD, or `("gone", id)`."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def payload(self) -> dict[str, Any]:
        message = self.session.receive()
        assert message["type"] == "next", message
        return dict(message["payload"])

    def event(self) -> dict[str, Any]:
        """The value of the root field."""
        payload = self.payload()
        assert "errors" not in payload, payload
        [event] = payload["data"].values()
        return dict(event)

    def __next__(self) -> Any:
        return told(self.event())


def told(event: dict[str, Any]) -> Any:
    [noun] = event.keys() - {"goneId", "reload"}
    if event["goneId"]:
        return "gone", event["goneId"]
    return event[noun]["id"] if event[noun] else RELOAD


def subscription(field: str, arguments: str = "") -> str:
    noun = {"orderChanged": "order", "packageChanged": "package", "jobProgress": "package",
            "approvalChanged": "approval", "notificationReceived": "notification"}[field]
    return f"subscription {{ {field}{arguments} {{ {noun} {{ id }} goneId reload }} }}"


@contextmanager
def following(edge: Edge, who: Operator, field: str, arguments: str = "") -> Iterator[Socket]:
    """A subscription of one operator over a socket of its own; nothing of it has been read."""
    with edge.session({"authorization": f"Bearer {who.login}"}) as session:
        session.subscribe(subscription(field, arguments))
        yield Socket(session)


async def change(database: Database, *rows: Any, **values: Any) -> None:
    """Changes these rows in one transaction that tells of it."""
    async with database.transaction() as session:
        for row in rows:
            if values:
                await session.execute(update(type(row)).where(type(row).id == row.id).values(**values))
            changed(session, type(row).__name__.upper(), row.id)


def gid(row: Any) -> str:
    return global_id(row)
