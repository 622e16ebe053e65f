"""Which pages may ask: our own, those of listed origins with bearer tokens, no other."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection

from server.graphql.transport.request import BadRequestError
from server.identity.credentials import over_tls

REQUEST_HEADERS = (
    "apollo-require-preflight", "authorization", "cache-control", "graphql-preflight", "if-none-match", "traceparent",
    "tracestate", "x-request-id", "x-samverkan-request",
)
RESPONSE_HEADERS = ("content-disposition", "etag", "retry-after", "x-request-id")


def cors(origins: Collection[str]) -> list[Middleware]:
    """Lets pages of these origins read answers. Cookies stay at home: foreign pages bring bearer tokens."""
    return [Middleware(
        CORSMiddleware, allow_origins=sorted(origins), allow_methods=("GET", "POST"), allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
    )] if origins else []


def is_own(connection: HTTPConnection) -> bool:
    """Whether it comes from one of our own pages, or from no page at all: only then do its cookies count."""
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    if origin is None:
        return True
    scheme, host, *_ = urlsplit(origin)
    same_host = host.lower() == connection.headers.get("host", "").lower()
    return same_host and (scheme == "https" or not over_tls(connection))


def check_origin(connection: HTTPConnection, allowed: Collection[str]) -> None:
    """Refuses what a page of another site may have sent. Only requests without a bearer token can be its doing: a
    browser adds cookies by itself, but never a token."""
    if "authorization" in connection.headers or is_own(connection):
        return
    if connection.headers.get("origin") not in allowed or "cookie" in connection.headers:
        raise BadRequestError(403, "The request comes from a page of another site.", "FOREIGN_ORIGIN")
