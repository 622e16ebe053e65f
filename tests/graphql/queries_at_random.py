"""Queries made at random over the schema and over what a world holds: valid, with variables, mostly with results."""

from collections.abc import Mapping, Sequence
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

from tests.graphql.hostile.documents_at_random import Word, literal

WORDS = ["a", "secret", "%", "_", "é", "x1", ""]


class Query:
    """One query in the making: its text, and two sets of values for its variables."""

    def __init__(
        self, chance: Random, schema: Any, ids: Sequence[str], cursors: Mapping[tuple[str, str], Sequence[str]]
    ) -> None:
        self.chance, self.schema, self.ids, self.cursors = chance, schema, ids, cursors
        self.declared: list[str] = []
        self.variables: list[dict[str, Any]] = [{}, {}]
        self.fragments: list[str] = []
        self.aliases = 0

    def text(self) -> str:
        body = self.selection(self.schema.query_type, self.chance.randint(2, 5))
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        return " ".join([f"query{declared} {body}", *self.fragments])

    def selection(self, type_: Any, depth: int) -> str:
        if is_abstract_type(type_):
            kinds = self.schema.get_possible_types(type_)
            chosen = self.chance.sample(kinds, min(len(kinds), self.chance.randint(1, 3)))
            inner = " ".join(f"... on {kind.name}{self.directive()} {self.fields(kind, depth, kind.name)}"
                             for kind in chosen)
            return f"{{ __typename {inner} }}"
        return self.fields(type_, depth)

    def fields(self, type_: Any, depth: int, prefix: str = "") -> str:
        """A selection set; `prefix` makes its response keys those of one type, as fields that merge must agree."""
        known = [each for each in type_.fields.items()
                 if not each[0].startswith("__") and (depth > 0 or is_leaf_type(get_named_type(each[1].type)))]
        chosen = self.chance.sample(known, min(len(known), self.chance.randint(1, 5)))
        parts = [self.field(type_, name, field, depth, prefix) for name, field in chosen] or ["__typename"]
        if self.chance.random() < 0.2:
            parts.insert(self.chance.randint(0, len(parts)), "__typename")
        match self.chance.random():
            case few if few < 0.1:
                name = f"F{len(self.fragments)}"
                self.fragments.append(f"fragment {name} on {type_.name} {{ {' '.join(parts)} }}")
                parts = [f"...{name}", f"...{name}{self.directive()}"]
            case few if few < 0.2:
                cut = len(parts) // 2
                parts = [*parts[:cut], f"... on {type_.name}{self.directive()} {{ {' '.join(parts[cut:])} }}"]
        return f"{{ {' '.join(parts)} }}"

    def field(self, type_: Any, name: str, field: GraphQLField, depth: int, prefix: str) -> str:
        named = get_named_type(field.type)
        paged = "orderBy" in field.args
        given = self.page(named, field) if paged else []
        given += [f"{each}: {self.value(argument.type)}" for each, argument in field.args.items()
                  if not (paged and each in ("first", "last", "after", "before", "orderBy"))
                  and (isinstance(argument.type, GraphQLNonNull) or self.chance.random() < 0.3)]
        self.aliases += 1
        alias = f"k{self.aliases}: " if given or prefix or self.chance.random() < 0.1 else ""
        below = "" if is_leaf_type(named) else f" {self.selection(named, depth - 1)}"
        return f"{alias}{name}{f'({chr(44).join(given)})' if given else ''}{self.directive()}{below}"

    def page(self, connection: Any, field: GraphQLField) -> list[str]:
        orders: Any = get_named_type(field.args["orderBy"].type)
        order = self.chance.choice(list(orders.values))
        size = self.chance.choice(["first", "last"])
        given = [f"orderBy: {order}", f"{size}: {self.either('Int', lambda: self.chance.randint(0, 5))}"]
        known = self.cursors.get((connection.name.removesuffix("Connection"), order))
        if known:
            given += [f"{where}: {self.either('String', lambda: self.chance.choice(known))}"
                      for where in ("after", "before") if self.chance.random() < 0.25]
        return given

    def directive(self) -> str:
        if self.chance.random() > 0.08:
            return ""
        word = self.chance.choice(["skip", "include"])
        return f" @{word}(if: {self.either('Boolean!', lambda: self.chance.random() < 0.5)})"

    def either(self, kind: str, make: Any) -> str:
        """A literal, or a variable that has another value each time."""
        if self.chance.random() < 0.5:
            return literal(make())
        name = f"v{len(self.declared)}"
        self.declared.append(f"${name}: {kind}")
        for variables in self.variables:
            variables[name] = make()
        return f"${name}"

    def value(self, type_: Any) -> str:
        return self.either(str(type_), lambda: self.plain(type_, 2))

    def plain(self, type_: Any, depth: int) -> Any:
        type_ = get_nullable_type(type_)
        if isinstance(type_, GraphQLList):
            return [self.plain(type_.of_type, depth - 1) for _ in range(self.chance.randint(0, 3))]
        if isinstance(type_, GraphQLEnumType):
            return Word(self.chance.choice(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            known = list(type_.fields.items())
            fields = self.chance.sample(known, min(len(known), self.chance.randint(0, 2)))
            return {name: self.plain(field.type, depth - 1) for name, field in fields}
        match type_.name:
            case "ID":
                return self.chance.choice(self.ids)
            case "Boolean":
                return self.chance.random() < 0.5
            case "Int" | "WholeNumber":
                return self.chance.randint(0, 3)
            case "DateTime":
                return f"20{self.chance.randint(20, 35)}-0{self.chance.randint(1, 9)}-01T00:00:00Z"
            case "JSON":
                return {"field": "email", "operator": "NE", "value": self.chance.choice(WORDS)}
        return self.chance.choice(WORDS)
