"""What inputs share: only given fields reach the services, ids decoded, lists of inputs unfolded."""

import hashlib
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET

from server.errors import refuse
from server.graphql import ids
from server.services.loading import camel

INPUT: Any = strawberry.argument(description="What is to be done, and to what.")
NOT_FIELDS = frozenset({"id", "revision", "idempotency_key", "dry_run"})
LONGEST_KEY = 200


def an_id(of: str, description: str, **default: Any) -> Any:
    """An input field that holds the global id, or a list of them, of the type `of`."""
    return strawberry.field(description=description, metadata={"of": of}, **default)


def optional(description: str) -> Any:
    """An input field that is left as it is when it is not given."""
    return strawberry.field(default=UNSET, description=description)


def optional_id(of: str, description: str) -> Any:
    return an_id(of, description, default=UNSET)


class Part:
    """An input, or a part of one, as plain values."""

    def fields(self, *without: str) -> dict[str, Any]:
        """The given fields by their Python names, without those that every input has."""
        definition: Any = type(self).__strawberry_definition__  # type: ignore[attr-defined]
        skipped = NOT_FIELDS.union(without)
        return {
            field.python_name: self._value(field) for field in definition.fields
            if field.python_name not in skipped and getattr(self, field.python_name) is not UNSET
        }

    def decoded(self, name: str) -> Any:
        """The value of one field, ids decoded."""
        definition: Any = type(self).__strawberry_definition__  # type: ignore[attr-defined]
        return next(self._value(field) for field in definition.fields if field.python_name == name)

    def _value(self, field: Any) -> Any:
        value = getattr(self, field.python_name)
        if of := field.metadata.get("of"):
            where = camel(field.python_name)
            if isinstance(value, list):
                return [ids.decode_as(of, f"{where}.{place}", each) for place, each in enumerate(value)]
            return None if value in (None, UNSET) else ids.decode_as(of, where, value)
        if isinstance(value, list):
            return [each.fields() if isinstance(each, Part) else each for each in value]
        return value.fields() if isinstance(value, Part) else value


@strawberry.input
class Input(Part):
    """What every mutation accepts."""

    idempotency_key: str | None = strawberry.field(
        default=UNSET,
        description="A key of your own, up to 200 characters: the same mutation sent again with it returns the first "
        "result instead of being done twice.",
    )

    def key(self) -> str:
        key = self.idempotency_key or ""
        if len(key) > LONGEST_KEY:
            raise refuse("TOO_LONG", f"An idempotency key has at most {LONGEST_KEY} characters.", "idempotency_key")
        return key

    def fingerprint(self) -> str:
        """What tells this input from others under the same key. A password is left out: it must not be stored in any
        hash but a slow one."""
        told = {name: value for name, value in vars(self).items() if name not in ("idempotency_key", "password")}
        return hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()


@strawberry.input
class Revised(Input):
    """A change of an object in the revision that was read."""

    revision: int = strawberry.field(description="The revision that you read; the change is refused when it is stale.")

    def read(self) -> tuple[UUID, int]:
        """The object's id and the revision that was read."""
        return self.decoded("id"), self.revision


@strawberry.input
class Rehearsable(Revised):
    """A dangerous change that can be tried first."""

    dry_run: bool = strawberry.field(
        default=False, description="Answer with what would change, by the same code, and change nothing."
    )


@strawberry.input(description="A reviewer: either an operator or a group.")
class ReviewerInput(Part):
    operator_id: strawberry.ID | None = optional_id("Operator", "The operator.")
    group_id: strawberry.ID | None = optional_id("OperatorGroup", "The group; each of its members may decide.")
