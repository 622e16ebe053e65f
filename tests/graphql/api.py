"""The API as its clients use it: over HTTP, with a login, one mutation at a time."""

from typing import Any

import httpx

from server.domain.network import Operator
from server.graphql import ids
from server.identity.logins import Logins
from tests.builders import NOW

CODES = "problems { code message path }"


def global_id(thing: Any) -> str:
    """The id that a client holds of a row."""
    return ids.encode(type(thing).__name__, thing.id)


class Api:
    """`await api(anna, "submitPackage", "package { status }", id=…, revision=1)` gives the payload."""

    def __init__(self, client: httpx.AsyncClient, logins: Logins, password: str) -> None:
        self.client, self._logins, self._password = client, logins, password
        self._tokens: dict[str, str] = {}

    async def ask(self, operator: Operator, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer."""
        if operator.login not in self._tokens:
            granted = await self._logins.log_in(operator.login, self._password, "", NOW)
            self._tokens[operator.login] = granted.token
        headers = {"authorization": f"Bearer {self._tokens[operator.login]}"}
        response = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return dict(response.json())

    async def mutate(self, operator: Operator, mutation: str, selection: str, **input: Any) -> dict[str, Any]:
        """The whole answer of one mutation."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        kind = {"SubmitOrderInput": "OrderInput", "ConfirmTargetsInput": "OrderInput", "DeleteOrderInput": "OrderInput",
                "SubmitPackageInput": "PackageInput", "CancelPackageInput": "CommentedPackageInput",
                "WithdrawPackageInput": "CommentedPackageInput"}.get(kind, kind)
        query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} {CODES} }} }}"
        return await self.ask(operator, query, input=input)

    async def __call__(self, operator: Operator, mutation: str, selection: str, **input: Any) -> dict[str, Any]:
        answer = await self.mutate(operator, mutation, selection, **input)
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"][mutation])

    async def error(self, operator: Operator, mutation: str, selection: str, **input: Any) -> str:
        """The code of the only top-level error."""
        [error] = (await self.mutate(operator, mutation, selection, **input))["errors"]
        return str(error["extensions"]["code"])
