"""From an HTTP request to a GraphQL request: nothing that is not well-formed gets further."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request

DEEPEST = 50
"""Levels of nesting that variables may have."""


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
    """What a client asks for; `files` are to be closed when it is done."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    files: list[UploadFile] = field(default_factory=list)


def check_origin(request: Request) -> None:
    """Refuses what a page of another site may have sent. Only requests without a bearer token can be its doing: a
    browser adds cookies by itself, but never a token."""
    if "authorization" in request.headers:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is None and origin is not None:
        own = urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
        site = "same-origin" if own else "cross-site"
    if site not in (None, "same-origin", "none"):
        raise BadRequestError(403, "The request comes from a page of another site.", "FOREIGN_ORIGIN")


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
    if not isinstance(query, str) or not query.strip():
        raise BadRequestError(400, "The member query must be the text of a GraphQL document.")
    for member, kind, what in (("variables", dict, "an object"), ("operationName", str, "a text"),
                               ("extensions", dict, "an object")):
        if not isinstance(given.get(member), kind | None):
            raise BadRequestError(400, f"The member {member} must be {what} or null.")
    _check_values(variables)
    return GraphQLRequest(query, variables or {}, name)


def json_of(text: bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(400, f"{what} is not valid JSON in UTF-8: {error}.") from None


def _check_values(variables: Any) -> None:
    """No nesting that later recursions cannot bear, and no U+0000, which PostgreSQL cannot store."""
    level, depth = [variables], 0
    while level:
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


async def limited(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body, unless it is or says that it is larger than `limit` bytes."""
    refusal = BadRequestError(413, f"The request is larger than {limit:,} bytes.")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise refusal
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise refusal
        yield chunk
