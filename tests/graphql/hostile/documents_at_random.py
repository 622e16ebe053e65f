"""Requests made at random over the schema: mostly well-formed, then spoilt here and there."""

import json
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
)

from server.graphql.mutation import Mutation
from server.graphql.schema import make_schema

SCHEMA = make_schema(Mutation)._schema
TEXTS = ["", "x", "é\U0001f600", "\\", '"', "\u202e", "2026-11-23", "UGFja2FnZTow", "PUBLISHED", "%", "{", "1" * 40]
NUMBERS = [0, 1, 5, 100, 101, -1, 2**31, 2**63, 10**40, 0.5, -1e308]
PIECES = [
    "{", "}", "(", ")", "[", "]", "!", ":", "$", "@", "...", "|", "&", '"', '"""', "\\", "#", ",", "\ufeff", "\0", "é",
    "on", "fragment", "query", "mutation", "subscription", "null", "true", "-", "1e999", "0x1", "__typename",
    "@skip(if: $v0)", "...F", "__schema", "\ud800", "\r", "'",
]


class Word(str):
    """The value of an enum, which stands in a document without quotes."""


class Made:
    """One request in the making."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.variables: dict[str, Any] = {}
        self.declared: list[str] = []
        self.fragments: list[str] = []

    def request(self) -> dict[str, Any]:
        chance = self.chance
        kind = chance.choices(["query", "mutation", "subscription"], [12, 4, 1])[0]
        root = {"query": SCHEMA.query_type, "mutation": SCHEMA.mutation_type}.get(kind, SCHEMA.subscription_type)
        selection = self.selection(root or SCHEMA.query_type, chance.randint(1, 6))
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        text = " ".join([f"{kind} Q{declared} {selection}", *self.fragments])
        if chance.random() < 0.3:
            text = self.spoilt(text)
        name = chance.choices([None, "Q", "R"], [8, 8, 1])[0]
        return {"query": text, "variables": self.variables, "operationName": name}

    def selection(self, type_: Any, depth: int) -> str:
        chance = self.chance
        if is_abstract_type(type_):
            kinds = chance.sample(SCHEMA.get_possible_types(type_), 1)
            inner = " ".join(f"... on {kind.name} {self.selection(kind, depth - 1)}" for kind in kinds)
            return f"{{ __typename {inner} }}"
        fields = [each for each in type_.fields.items() if depth > 0 or is_leaf_type(get_named_type(each[1].type))]
        chosen = chance.sample(fields, min(len(fields), chance.randint(1, 4)))
        parts = [self.field(name, field, depth) for name, field in chosen] or ["__typename"]
        if chance.random() < 0.1:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_.name} {{ {' '.join(parts)} }}")
            parts = [f"...{name}", f"...{name} @include(if: true)"]
        return f"{{ {' '.join(parts)} }}"

    def field(self, name: str, field: GraphQLField, depth: int) -> str:
        usual = "first" in field.args and self.chance.random() < 0.9
        given = ["first: 2"] if usual else []
        given += [
            f"{each}: {self.value(argument.type)}" for each, argument in field.args.items()
            if isinstance(argument.type, GraphQLNonNull)
            or (self.chance.random() < 0.3 and not (usual and each in ("first", "last")))
        ]
        alias = f"a{self.chance.randint(0, 3)}: " if self.chance.random() < 0.2 else ""
        named = get_named_type(field.type)
        below = "" if is_leaf_type(named) else f" {self.selection(named, depth - 1)}"
        arguments = f"({', '.join(given)})" if given else ""
        return f"{alias}{name}{arguments}{below}"

    def value(self, type_: Any) -> str:
        """A literal, or a variable of the type."""
        value = self.plain(type_, 3)
        if self.chance.random() < 0.4:
            name = f"v{len(self.declared)}"
            self.declared.append(f"${name}: {type_}")
            self.variables[name] = value
            return f"${name}"
        return literal(value)

    def plain(self, type_: Any, depth: int) -> Any:
        chance, type_ = self.chance, get_nullable_type(type_)
        if chance.random() < 0.02:
            return chance.choice([None, [], {}, True, chance.choice(TEXTS), chance.choice(NUMBERS)])
        if isinstance(type_, GraphQLList):
            return [self.plain(type_.of_type, depth - 1) for _ in range(chance.randint(0, 3))]
        if isinstance(type_, GraphQLEnumType):
            return Word(chance.choice(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            return {
                name: self.plain(field.type, depth - 1) for name, field in type_.fields.items()
                if isinstance(field.type, GraphQLNonNull) or (depth > 0 and chance.random() < 0.3)
            }
        kinds = {"Int": NUMBERS, "WholeNumber": NUMBERS, "Float": NUMBERS, "Boolean": [True, False]}
        return chance.choice(kinds.get(type_.name, TEXTS))

    def spoilt(self, text: str) -> str:
        chance = self.chance
        for _ in range(chance.randint(1, 4)):
            start = chance.randint(0, len(text))
            end = min(start + chance.randint(0, 20), len(text))
            text = text[:start] + chance.choice(["", chance.choice(PIECES), text[start:end] * 2]) + text[end:]
        return text


def literal(value: Any) -> str:
    """The value as it stands in a document."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {literal(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return value if isinstance(value, Word) else json.dumps(value, ensure_ascii=False)
