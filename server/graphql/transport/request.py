"""From an HTTP request to a GraphQL request: nothing that is not well-formed gets further."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import orjson
from starlette.datastructures import UploadFile

DEEPEST = 50
"""Levels of nesting that variables may have."""
MOST_VALUES = 10_000
"""Values that variables may have, those inside of others and names counted."""
LONGEST_ID = 200
MEMBERS = (
    ("variables", (dict, NoneType), "an object"), ("operationName", (str, NoneType), "a text"),
    ("extensions", (dict, NoneType), "an object"),
)


class BadRequestError(Exception):
    """The request is not a well-formed GraphQL request over HTTP."""

    def __init__(self, status: int, message: str, code: str = "BAD_REQUEST", allow: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = [("allow", allow)] if allow else []


@dataclass(slots=True)
class GraphQLRequest:
    """What a client asks for, by text or by the id of a trusted document; `files` are to be closed when it is done."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    files: list[UploadFile] = field(default_factory=list)
    document_id: str = ""
    wants_cost: bool = False


def of_query_string(parameters: Mapping[str, str]) -> GraphQLRequest:
    given: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = json_of(given[name].encode(), f"The parameter {name}")
        else:
            given[name] = None
    return of_object(given)


def of_body(body: bytes) -> GraphQLRequest:
    """The request in a JSON body."""
    return of_object(json_of(body, "The body"))


def of_object(given: Any) -> GraphQLRequest:
    if not isinstance(given, dict):
        found = "a list; batches are not supported" if isinstance(given, list) else "something else"
        raise BadRequestError(400, f"The body must be a JSON object with a query, but is {found}.")
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    extensions = given.get("extensions") or {}
    for member, kind, what in MEMBERS:
        if not isinstance(given.get(member), kind):
            raise BadRequestError(400, f"The member {member} must be {what} or null.")
    if variables:
        _check_values(variables)
    id = _document_id(given, extensions)
    if id and query is None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise BadRequestError(400, "The member query must be the text of a GraphQL document.")
    return GraphQLRequest(query, variables or {}, name, [], id, extensions.get("cost") is True)


def _document_id(given: Mapping[str, Any], extensions: Mapping[str, Any]) -> str:
    """The id of a trusted document, as graphql-over-HTTP, Relay or Apollo send it; empty without one."""
    apollo = extensions.get("persistedQuery")
    named = [given[name] for name in ("documentId", "doc_id", "id") if name in given]
    found = [apollo.get("sha256Hash"), *named] if isinstance(apollo, dict) else named
    id = next((each for each in found if each is not None), "")
    if not isinstance(id, str) or len(id) > LONGEST_ID:
        raise BadRequestError(400, f"A document id must be a text of up to {LONGEST_ID} characters.")
    return id.removeprefix("sha256:")


def json_of(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(400, f"{what} is not valid JSON in UTF-8: {error}.") from None


def _check_values(variables: Any) -> None:
    """Not too many, no nesting that later recursions cannot bear, and no U+0000, which PostgreSQL cannot store."""
    level, depth, count = [variables], 0, 0
    while level:
        count += len(level)
        if count > MOST_VALUES:
            raise BadRequestError(400, f"The variables have more than {MOST_VALUES:,} values.")
        if depth > DEEPEST:
            raise BadRequestError(400, f"The variables are nested deeper than {DEEPEST} levels.")
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and "\0" in value:
                raise BadRequestError(400, "The variables contain the character U+0000, which no text can hold.")
        level, depth = inner, depth + 1
