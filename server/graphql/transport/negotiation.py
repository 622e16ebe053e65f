"""What a client wants its answer to look like."""

from collections.abc import Sequence
from functools import lru_cache

from server.graphql.transport.request import BadRequestError

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"


@lru_cache(100)
def accepted(accept: tuple[str, ...]) -> str:
    """The media type to answer in; without a preference the one that makes statuses mean something."""
    if not accept:
        return RESPONSE
    best, chosen = 0.0, ""
    for entry in ",".join(accept).lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        quality = next((_quality(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
        offered = RESPONSE if name in ("*/*", "application/*") else name
        if offered in (RESPONSE, JSON, EVENTS) and quality > best:
            best, chosen = quality, offered
    if not chosen:
        raise BadRequestError(406, f"This endpoint answers in {RESPONSE}, {JSON} or {EVENTS}; people want /graphiql.")
    return chosen


def takes_events(accept: Sequence[str]) -> bool:
    """Whether events are fine too, preferred or not."""
    return EVENTS in ",".join(accept).lower()


def takes_gzip(accept_encoding: str) -> bool:
    for entry in accept_encoding.lower().split(","):
        name, _, quality = entry.replace(" ", "").partition(";q=")
        if name == "gzip":
            return not quality or _quality(quality) > 0
    return False


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
