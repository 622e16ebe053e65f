"""Answers: the JSON of what ran, of what was refused, and of what ended in a bug."""

import json
from dataclasses import dataclass, replace
from typing import Any

import orjson
from graphql import ExecutionResult

from server.graphql.errors import Formatted, Headers, bug, document_errors, field_errors
from server.observability.records import end_with


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of a response; `executed` tells whether anything ran, or the variables were refused. `status` is what
    HTTP says where the media type and `executed` do not tell, `headers` go with it."""

    body: bytes
    executed: bool = True
    status: int | None = None
    headers: Headers = ()


def answer_of(result: ExecutionResult) -> Answer:
    if result.data is None and result.errors and all(error.path is None for error in result.errors):
        errors = ended_with(document_errors(result.errors, "BAD_USER_INPUT"))  # the variables do not fit
        return Answer(encoded({"errors": errors}), executed=False)
    errors_of = {"errors": ended_with(field_errors(result.errors))} if result.errors else {}
    return Answer(encoded({"data": result.data, **errors_of}))


def with_cost(answer: Answer, cost: int, limit: int) -> Answer:
    """The answer, which also says what its operation cost."""
    extensions = encoded({"extensions": {"cost": {"requested": cost, "limit": limit}}})
    return replace(answer, body=answer.body[:-1] + b"," + extensions[1:])


def refusal(errors: list[Formatted], status: int | None = None, headers: Headers = ()) -> Answer:
    """The answer to what was not run at all."""
    return Answer(encoded({"errors": ended_with(errors)}), executed=False, status=status, headers=headers)


def ended_with(errors: list[Formatted]) -> list[Formatted]:
    """The errors, of which the first one says in metrics and logs how the operation ended."""
    end_with(errors[0]["extensions"]["code"])
    return errors


def masked(error: Exception) -> Answer:
    """The answer to what ended in a bug outside of any field."""
    message, extensions = bug(error)
    return refusal([{"message": message, "extensions": extensions}], 500)


def encoded(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(body).encode()
