"""Whom a token belongs to is remembered for a moment, and forgotten at once where it may have changed (decision 12)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from server.app import create_app
from server.database import Database
from server.domain.network import Login, Operator, Right
from server.graphql.mutation import ABOUT_LOGINS
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.settings import Settings
from tests.builders import NOW, an_operator, given
from tests.graphql.api import global_id

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
GRAPHQL = Path(__file__).parents[2] / "server" / "graphql"


class Stage:
    """Anna, whose token is known to the server already, and an administrator."""

    def __init__(self, client: httpx.AsyncClient, anna: Operator) -> None:
        self._client, self.anna = client, anna
        self.token = self.admin = ""

    async def ask(self, token: str, query: str, **variables: Any) -> Any:
        headers = {"authorization": f"Bearer {token}"}
        body = {"query": query, "variables": variables}
        return (await self._client.post("/graphql", json=body, headers=headers)).json()

    async def knows_anna(self) -> bool:
        return "errors" not in await self.ask(self.token, "{ viewer { login } }")


@pytest.fixture
async def stage(settings: Settings, database: Database) -> AsyncIterator[Stage]:
    anna, ada = (an_operator(right, login=login, password_hash=HASH)
                 for right, login in ((Right.CENTRAL, "anna"), (Right.ADMIN, "ada")))
    await given(database, anna, ada)
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        made, logins = Stage(client, anna), Logins(database, settings)
        made.token, made.admin = [(await logins.log_in(name, PASSWORD, "", NOW)).token for name in ("anna", "ada")]
        assert await made.knows_anna()
        yield made


async def test_who_logs_out_is_not_known_any_more(stage: Stage) -> None:
    await stage.ask(stage.token, "mutation { logout { problems { code } } }")
    assert not await stage.knows_anna()


async def test_who_is_shut_out_is_not_known_any_more(stage: Stage) -> None:
    text = "mutation ($i: UpdateOperatorInput!) { updateOperator(input: $i) { problems { code } } }"
    anna = {"id": global_id(stage.anna), "revision": 1, "active": False}
    assert (await stage.ask(stage.admin, text, i=anna))["data"] == {"updateOperator": {"problems": []}}
    assert not await stage.knows_anna()


@pytest.mark.parametrize(("mutation", "known"), [
    ('submitOrder(input: {id: "Order:0", revision: 1}) { __typename }', True),
    ('createGroup(input: {code: "G", label: "G"}) { __typename }', False),
], ids=["an order", "the network"])
async def test_only_what_is_about_people_has_them_looked_up_again(
    stage: Stage, database: Database, mutation: str, known: bool
) -> None:
    async with database.transaction() as session:
        await session.execute(delete(Login).where(Login.operator_id == stage.anna.id))  # as by another server
    await stage.ask(stage.admin, f"mutation {{ {mutation} }}")
    assert await stage.knows_anna() is known


def test_every_mutation_that_can_end_a_login_is_one_of_those() -> None:
    touching = re.compile(r"\bOperators\(|revoke_logins\(|change_password\(|log_out\(|log_in\(|\(Login\b")
    found = {str(path.relative_to(GRAPHQL)) for path in GRAPHQL.rglob("*.py") if touching.search(path.read_text())}
    assert found == {"login.py", "mutations/network.py"}  # whose mutations are all of ABOUT_LOGINS
    assert sorted(ABOUT_LOGINS) == [
        "changePassword", "createEntity", "createGroup", "createOperator", "login", "logout", "updateEntity",
        "updateGroup", "updateOperator",
    ]
