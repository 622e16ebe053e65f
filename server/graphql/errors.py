"""Errors as clients see them: deliberate ones with their words and code, bugs masked with an id [2.3]."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from graphql import GraphQLError

from server.errors import SamverkanError, TooManyAttempts

log = structlog.get_logger(__name__)

LONGEST = 1_000
"""Characters of a message; some repeat what was sent."""

Formatted = dict[str, Any]
Headers = Sequence[tuple[str, str]]


def request_error(message: str, code: str) -> Formatted:
    """Why a request was not executed at all."""
    return {"message": message, "extensions": {"code": code}}


def document_errors(errors: Iterable[GraphQLError], code: str) -> list[Formatted]:
    """What graphql-core found wrong before anything ran, in its words."""
    return [_formatted(error, error.message, {"code": code}) for error in errors]


def field_errors(errors: Iterable[GraphQLError]) -> list[Formatted]:
    """What went wrong while fields were resolved."""
    return [_field_error(error) for error in errors]


def bug(error: BaseException, **where: Any) -> tuple[str, Formatted]:
    """Logs an unexpected error; the masked message and extensions that name the log entry."""
    reference = secrets.token_hex(6)
    log.error("internal_error", exc_info=error, reference=reference, **where)
    return f"Internal error ({reference})", {"code": "INTERNAL", "id": reference}


def _field_error(error: GraphQLError) -> Formatted:
    match error.original_error:
        case SamverkanError() as deliberate:
            return _formatted(error, str(deliberate), _extensions(deliberate))
        case None | GraphQLError():
            return _formatted(error, error.message, {"code": "BAD_USER_INPUT"} | (error.extensions or {}))
        case unexpected:
            return _formatted(error, *bug(unexpected, path=error.path))


def _extensions(error: SamverkanError) -> Formatted:
    wait = {"seconds": error.seconds} if isinstance(error, TooManyAttempts) else {}
    return {"code": error.code, **wait}


def _formatted(error: GraphQLError, message: str, extensions: Formatted) -> Formatted:
    formatted: Formatted = {"message": message if len(message) <= LONGEST else message[:LONGEST] + "…"}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        formatted["path"] = list(error.path)
    return formatted | {"extensions": extensions}
