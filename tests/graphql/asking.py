"""Asks the schema in tests, as an operator, without the HTTP edge."""

from datetime import datetime
from functools import lru_cache
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, execute, parse, validate

from server.database import Database
from server.domain.network import Operator
from server.graphql.context import Context
from server.graphql.schema import make_schema
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.builders import NOW, caller_of

SCHEMA = make_schema()


@lru_cache
def parsed(query: str) -> DocumentNode:
    document = parse(query)
    assert not (faults := validate(SCHEMA._schema, document)), faults
    return document


class Asker:
    """Runs documents against one database; every run has a context of its own."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, now: datetime = NOW) -> None:
        self.database, self.types, self.settings, self.now = database, types, settings, now

    def context(self, operator: Operator | None) -> Context:
        return Context(
            database=self.database, types=self.types, settings=self.settings, storage=None, logins=None,  # type: ignore[arg-type]
            now=self.now, visitor=operator and caller_of(operator),
        )

    async def run(self, operator: Operator | None, query: str, **variables: Any) -> ExecutionResult:
        result = execute(
            SCHEMA._schema, parsed(query), variable_values=variables, context_value=self.context(operator),
            executor_class=SCHEMA.execution_context_class,
        )
        return await result if isawaitable(result) else result

    async def __call__(self, operator: Operator, query: str, **variables: Any) -> Any:
        """The data; fails when there is any error."""
        result = await self.run(operator, query, **variables)
        assert not result.errors, result.errors
        return result.data

    async def refused(self, operator: Operator | None, query: str, **variables: Any) -> list[tuple[str, Any]]:
        """The codes and paths of the errors."""
        result = await self.run(operator, query, **variables)
        return [(getattr(each.original_error, "code", type(each.original_error).__name__), each.path)
                for each in result.errors or []]
