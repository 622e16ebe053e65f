"""From one request for a query to a program: what its root fields ask for, and what its arguments choose."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from graphql import ListValueNode, OperationDefinitionNode, VariableNode
from sqlalchemy import Dialect

from server.direct import Steps
from server.graphql import ids
from server.graphql.fields import MappedField
from server.graphql.open_lists import COUNTED, Recording, chosen, parameters_of
from server.graphql.planner import Origin, Planner
from server.graphql.relay import READABLE
from server.graphql.resolving import Left
from server.graphql.selected import Execution, Nodes, fields_of
from server.graphql.writing import constant, writer_of
from server.reads.levels import CountLevel, PageLevel, Reading, RowLevel, TextsLevel, key_of
from server.reads.prepared import CannotPrepareError, stand_in
from server.reads.program import Compiler
from server.reads.resource import Reader
from server.reads.selection import Counts, Many
from server.reads.visibility import Caller

LARGEST_NODES = 100
BY_IDS = ("node", "nodes", "viewer")
"""The root fields that give objects by their ids."""

Ids = Sequence[tuple[str, UUID]]


@dataclass(frozen=True, slots=True, eq=False)
class Roots:
    """The root fields of an operation by response key, as its directives' variables have them."""

    nodes: Mapping[str, Nodes]
    by_ids: Mapping[str, str]
    """The names of those that give objects by ids."""

    @classmethod
    def of(cls, operation: OperationDefinitionNode, execution: Execution) -> "Roots":
        nodes = fields_of(execution, "Query", operation.selection_set)
        names = {key: same[0].name.value for key, same in nodes.items()}
        return cls(nodes, {key: name for key, name in names.items() if name in BY_IDS})


@dataclass(frozen=True, slots=True)
class Root:
    """How the JSON of one root field is read: a list, counts, objects by ids; or what it always is."""

    key: str
    level: PageLevel | CountLevel | Mapping[str, RowLevel] | str
    is_list: bool = False

    def value(self, reading: Reading, wanted: Ids) -> Steps:
        if isinstance(self.level, str):
            return self.level
        if isinstance(self.level, PageLevel | CountLevel):
            return (yield from self.level.run(None, reading))[None]
        found: dict[tuple[str, UUID], str] = {}
        for type_name, level in self.level.items():
            keys = {key_of(id, level.dialect): id for name, id in wanted if name == type_name}
            rows = yield from level.run(list(keys), reading)
            found |= {(type_name, keys[key]): row for key, row in rows.items()}
        objects = [found.get(each, "null") for each in wanted]
        return f"[{','.join(objects)}]" if self.is_list else objects[0]

    @property
    def statements(self) -> int:
        """How many it takes at least, lists below it not counted."""
        if isinstance(self.level, str):
            return 0
        if isinstance(self.level, PageLevel):
            return self.level.statements
        if isinstance(self.level, CountLevel):
            return 1
        return sum(level.statements for level in self.level.values())


@dataclass(frozen=True, slots=True)
class Program:
    """All root fields, read in one snapshot: lists `together` where that can be, the others one after the other."""

    together: TextsLevel | None
    roots: Sequence[Root]
    cost: int

    def steps(self, reading: Reading, ids: Mapping[str, Ids]) -> Steps:
        """The JSON of every root field by response key."""
        values: dict[str, str] = (yield from self.together.run(reading)) if self.together else {}
        for root in self.roots:
            values[root.key] = yield from root.value(reading, ids.get(root.key, ()))
        return values

    @property
    def single(self) -> bool:
        """Whether it takes one statement only."""
        return (self.together is not None) + sum(root.statements for root in self.roots) <= 1


@dataclass(slots=True)
class Outline:
    """What an operation asks for, apart from what its variables say: `lists` are those whose arguments have some, and
    `left` is what the ordinary executor resolves of it."""

    lists: Sequence[Many | Counts]
    left: Left | None = None
    programs: "OrderedDict[object, Program]" = field(default_factory=OrderedDict)


class Request:
    """One request for an operation."""

    def __init__(self, execution: Execution, roots: Roots, reader: Reader) -> None:
        self.execution = execution
        self.roots = roots
        self._asking = reader
        self.ids = {key: self._ids(key, name, reader.caller) for key, name in roots.by_ids.items()}

    @cached_property
    def _reader(self) -> Reader:
        """The one that statements are built for."""
        return stand_in(self._asking)

    @property
    def types(self) -> object:
        """The types of its ids: what is selected depends on them."""
        return tuple(tuple(name for name, _ in wanted) for wanted in self.ids.values())

    def arguments(self, outline: Outline) -> tuple[object, Sequence[Sequence[Any]]]:
        """What its variables choose: the shape of every list's arguments, and the values of its conditions."""
        if not outline.lists:
            return (), ()
        planner = Planner(self.execution, self._reader)
        found = [chosen(planner, asked) for asked in outline.lists]
        return tuple(shape for shape, _ in found), [values for _, values in found]

    def program(self, dialect: Dialect, left: Left | None = None) -> Program:
        return self.compiled(dialect, left.keys if left else ())[0]

    def unknown(self, dialect: Dialect) -> Mapping[str, Nodes]:
        """The root fields that only the ordinary executor knows."""
        return {key: nodes for key, nodes in self.roots.nodes.items() if not self._knows(key, dialect)}

    def _knows(self, key: str, dialect: Dialect) -> bool:
        try:
            self.compiled(dialect, self.roots.nodes.keys() - {key})
        except CannotPrepareError:
            return False
        return True

    def compiled(self, dialect: Dialect, left: Collection[str] = ()) -> tuple[Program, Sequence[Many | Counts]]:
        """The program of all root fields but those that are left, and the lists whose arguments have variables;
        CannotPrepareError when there is something that only the ordinary executor knows."""
        planner = Recording(self.execution, self._reader)
        known = {key: nodes for key, nodes in self.roots.nodes.items() if key not in left}
        planned = {key: self._planned(planner, key, nodes) for key, nodes in known.items()}
        lists = [parameters_of(asked) for asked in planner.open]
        compiler = Compiler(self._reader, dialect, lambda origin: writer_of(origin, self.execution), lists)
        together = compiler.texts({key: asked for key, asked in planned.items() if isinstance(asked, Many)})
        done = together.templates if together else ()
        roots = [self._root(compiler, key, asked) for key, asked in planned.items() if key not in done]
        cost = sum(self._cost(key, asked) for key, asked in planned.items())
        return Program(together, roots, cost), planner.open

    def _planned(self, planner: Recording, key: str, nodes: Nodes) -> Any:
        """A list, counts, selections by type, or the JSON that it always is."""
        name = nodes[0].name.value
        if name == "__typename":
            return '"Query"'
        if key in self.ids:
            return {each: planner.selection(each, nodes) for each, _ in self.ids[key]}
        query: Any = self.execution.schema.query_type
        if (field := query.fields.get(name)) is None:
            raise CannotPrepareError
        if name in COUNTED:
            return planner.counts(field, nodes)
        definition = field.extensions["strawberry-definition"]
        if isinstance(definition, MappedField):
            return planner.many(definition.target, None, field, nodes)
        return constant(Origin(field, nodes), self.execution)

    def _root(self, compiler: Compiler, key: str, asked: Any) -> Root:
        if isinstance(asked, str):
            return Root(key, asked)
        if isinstance(asked, Many):
            return Root(key, compiler.page(asked, None))
        if isinstance(asked, Counts):
            return Root(key, compiler.counts(asked, None))
        levels = {name: compiler.rows(selection) for name, selection in asked.items()}
        return Root(key, levels, is_list=self.roots.by_ids[key] == "nodes")

    def _cost(self, key: str, asked: Any) -> int:
        if isinstance(asked, str):
            return 0
        return asked.cost if isinstance(asked, Many | Counts) else sum(asked[name].cost for name, _ in self.ids[key])

    def _ids(self, key: str, name: str, caller: Caller) -> Ids:
        """The ids that a root field is given; CannotPrepareError for what is no readable node."""
        if name == "viewer":
            return [("Operator", caller.id)]  # type: ignore[list-item]  # a visitor has an id
        [argument] = self.roots.nodes[key][0].arguments or ()
        given = _value(argument.value, self.execution.variables.coerced)
        texts = given if isinstance(given, list) else [given]
        wanted = [ids.decode(name, text) for text in texts]
        unknown = any(each not in READABLE or not READABLE[each].is_node for each, _ in wanted)
        if unknown or len(texts) > LARGEST_NODES:
            raise CannotPrepareError
        return wanted


def _value(node: Any, variables: Mapping[str, Any]) -> Any:
    """An id or a list of ids of a valid document: coercing them in general takes longer than reading one."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, ListValueNode):
        return [_value(each, variables) for each in node.values]
    return node.value


def outline_of(request: Request, dialect: Dialect, left: Left | None = None) -> Outline | None:
    """None when what is not left to it has something that only the ordinary executor knows."""
    try:
        program, lists = request.compiled(dialect, left.keys if left else ())
    except CannotPrepareError:
        return None
    outline = Outline(lists, left)
    outline.programs[request.arguments(outline)[0]] = program
    return outline
