"""Many ids as one bound value, so that a statement's text does not change with their number."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BindParameter, Boolean, ColumnElement, Dialect, String, TypeDecorator, Uuid, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Ids(TypeDecorator[Any]):
    """An array on PostgreSQL, a JSON list of what the columns hold on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(Uuid()) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else json.dumps([each.hex for each in value])


class OneOf(FunctionElement[bool]):
    """OneOf(column, ids): whether the column is one of the ids."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """A condition as it stands: SQLAlchemy would add "= 1" on SQLite, which no index can serve."""
        return self


@compiles(OneOf, "sqlite")
def _on_sqlite(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = element.clauses
    return compiler.process(column.in_(select(func.json_each(ids).table_valued("value").c.value)), **options)


@compiles(OneOf, "postgresql")
def _on_postgresql(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY({ids})"


def bound(ids: Iterable[Any]) -> BindParameter[Any]:
    """Ids as one value of a statement."""
    return BindParameter(None, list(ids), _Ids(), unique=True)


def ids_named(name: str) -> BindParameter[Any]:
    """Ids as one value that a statement is given under a name when it runs."""
    return BindParameter(name, type_=_Ids(), required=True)


def one_of(column: Any, ids: Iterable[UUID]) -> ColumnElement[bool]:
    return OneOf(column, bound(ids))
