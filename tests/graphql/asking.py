"""Asks the schema in tests, as an operator, without the HTTP edge."""

import json
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from inspect import isawaitable
from typing import Any

import structlog
from graphql import DocumentNode, ExecutionResult, execute, parse, validate

from server.database import Database
from server.domain.network import Operator
from server.graphql.answers import encoded
from server.graphql.context import Context
from server.graphql.documents import Documents
from server.graphql.fast import FastPath
from server.graphql.limits.guard import Limits
from server.graphql.schema import make_schema
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.builders import NOW, caller_of

SCHEMA = make_schema()
FAST = FastPath(SCHEMA._schema)
DOCUMENTS = Documents(SCHEMA._schema, Limits(*[10**6] * len(fields(Limits))))


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
        executed = await result if isawaitable(result) else result
        await self._compare(operator, query, variables, executed)
        return executed

    async def fast(self, operator: Operator | None, query: str, variables: dict[str, Any]) -> bytes | None:
        """The answer of the fast path; None when it leaves the operation to the executor, never because of a bug."""
        document = DOCUMENTS.of(query)
        with structlog.testing.capture_logs() as logged:
            answer = await FAST.answer(document, document.operation(None).node, variables, self.context(operator))
        assert not logged, logged
        return answer

    async def _compare(
        self, operator: Operator | None, query: str, variables: dict[str, Any], executed: ExecutionResult
    ) -> None:
        """Every query of every test is answered by the fast path too, and the same: keys in the same order."""
        answer = await self.fast(operator, query, variables)
        if answer is not None:
            assert not executed.errors
            fast, ordinary = json.loads(answer), json.loads(encoded({"data": executed.data}))
            assert fast == ordinary
            assert json.dumps(fast) == json.dumps(ordinary)  # the order of keys too

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
