"""A small GraphQL client: an operator who is logged in, asks, and stops at the first problem."""

from typing import Any

import httpx

LOGIN = """
mutation Login($input: LoginInput!) {
  login(input: $input) { token operator { name right } problems { code message } }
}
"""


class DemoError(Exception):
    """The server said no; the message says to whom and to what."""


class Person:
    """One operator, logged in with a token."""

    def __init__(self, http: httpx.Client, login: str, password: str) -> None:
        self._http = http
        self._token = ""
        self.login = login
        granted = self.ask(LOGIN, input={"login": login, "password": password})
        self._token, self.name = granted["token"], granted["operator"]["name"]

    def ask(self, document: str, **variables: Any) -> Any:
        """The value of the document's first field; DemoError when there are errors or problems."""
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            response = self._http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DemoError(f"{self._http.base_url} does not answer as a samverkan server: {error}") from error
        if errors := answer.get("errors"):
            raise DemoError(f"{self.login}: {'; '.join(error['message'] for error in errors)}")
        [value] = answer["data"].values()
        if isinstance(value, dict) and value.get("problems"):
            said = "; ".join(f"{problem['code']}: {problem['message']}" for problem in value["problems"])
            raise DemoError(f"{self.login}: {said}")
        return value
