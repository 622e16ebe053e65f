"""Documents made from the schema itself, so that tests over "every field" stay complete when fields are added."""

from collections.abc import Iterator
from typing import Any

from graphql import GraphQLEnumType, GraphQLField, GraphQLScalarType, get_named_type, is_abstract_type

from server.graphql.relay import READABLE
from tests.graphql.asking import SCHEMA

CORE = SCHEMA._schema
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"


def root_lists() -> Iterator[tuple[str, str]]:
    """Every root connection with the name of what it lists."""
    for name, field in CORE.query_type.fields.items():
        if (listed := get_named_type(field.type).name).endswith("Connection"):
            yield name, listed.removesuffix("Connection")


def everything(name: str, listed: str, depth: int = 2) -> str:
    """One root list with every field of its objects, every link and every list below them, so many levels deep."""
    whole = ", filter: {waitingForMe: false}" if name == "approvals" else ""
    return f"{{ {name}(first: 100{whole}) {{ {PAGE} edges {{ cursor }} nodes {{ {_fields(listed, depth)} }} }} }}"


def _fields(type_name: str, depth: int) -> str:
    type_: Any = CORE.type_map[type_name]
    chosen = (_field(name, field, depth) for name, field in type_.fields.items())
    return " ".join(["__typename", *filter(None, chosen)])


def _field(name: str, field: GraphQLField, depth: int) -> str:
    type_ = get_named_type(field.type)
    if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
        return name
    if type_.name.endswith("Connection"):
        if depth < 2:
            return ""
        below = _fields(type_.name.removesuffix("Connection"), depth - 1)
        return f"{name}(first: 20) {{ {PAGE} edges {{ cursor }} nodes {{ {below} }} }}"
    if is_abstract_type(type_):
        kinds = (each.name for each in CORE.get_possible_types(type_))
        return f"{name} {{ __typename {' '.join(f'... on {kind} {{ {_aliased(kind)} }}' for kind in kinds)} }}"
    if type_.name in READABLE:
        return f"{name} {{ {_fields(type_.name, depth - 1)} }}" if depth else ""
    return f"{name} {{ {_fields(type_.name, depth)} }}"


def _aliased(kind: str) -> str:
    """Types of one abstract field may not use a response key for different things."""
    fields: Any = CORE.type_map[kind].fields
    leaves = [name for name, field in fields.items()
              if isinstance(get_named_type(field.type), GraphQLScalarType | GraphQLEnumType)]
    return " ".join(f"{kind}_{name}: {name}" for name in leaves)
