"""Answers to events without the executor: a program reads the object, once for all who may share what it has read."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import structlog
from graphql import GraphQLSchema, OperationDefinitionNode, get_named_type, get_variable_values

from server.graphql.context import Context
from server.graphql.documents import Document
from server.graphql.fields import TYPES
from server.graphql.following import Happened, NothingToTell, outcome
from server.graphql.limits.guard import fragments_of
from server.graphql.payloads import Payload, Payloads
from server.graphql.selected import Execution, fields_of
from server.reads.assembly import SurpriseError

log = structlog.get_logger(__name__)

SHARED_SECONDS = 1.0
"""How long what was read for one subscription is given to others of the same caller, unless the object changes."""

Found = Mapping[str, str] | None
"""The object's JSON by response key, empty if it is not there for the caller; None when the executor has to read it."""


@dataclass(slots=True)
class _Read:
    number: int
    """How many messages had come in when it began: it knows what they told."""
    found: "asyncio.Future[Found]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Tellers:
    """Those who answer the events of one server's subscriptions, and what they share."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.payloads = Payloads()
        self._reads: dict[object, _Read] = {}

    async def read(self, key: object, number: int, now: int, read: Callable[[], Awaitable[Found]]) -> Found:
        """What was read for this key when message `number` had come in already, or what is read now."""
        known = self._reads.get(key)
        if known is not None and known.number >= number:
            return known.found.result() if known.found.done() else await asyncio.shield(known.found)
        begun = self._reads[key] = _Read(now)
        asyncio.get_running_loop().call_later(SHARED_SECONDS, self._forget, key, begun)
        try:
            begun.found.set_result(await read())
        finally:
            if not begun.found.done():
                begun.found.set_result(None)  # who waits for it goes its own way
        return begun.found.result()

    def _forget(self, key: object, read: _Read) -> None:
        if self._reads.get(key) is read:
            del self._reads[key]


class Teller:
    """Answers the events of one subscription."""

    def __init__(
        self, tellers: Tellers, document: Document, operation: OperationDefinitionNode, variables: dict[str, Any], *,
        worth_compiling: bool,
    ) -> None:
        schema, self._tellers, self._worth_compiling = tellers.schema, tellers, worth_compiling
        coerced: Any = get_variable_values(schema, operation.variable_definitions or (), variables)
        self._execution = Execution(schema, fragments_of(document.ast), coerced)
        [(self._key, self._nodes)] = fields_of(self._execution, "Subscription", operation.selection_set).items()
        type_: Any = schema.subscription_type
        self._type = get_named_type(type_.fields[self._nodes[0].name.value].type)
        name = operation.name.value if operation.name else ""
        self._same = document.text, name, json.dumps(variables, sort_keys=True)

    async def answer(self, happened: Happened, context: Context) -> bytes | None:
        """The JSON of the answer to an event; None when the executor has to answer it. NothingToTell as that says."""
        try:
            return await self._answer(happened, context)
        except NothingToTell:
            raise
        except SurpriseError:
            return None
        except Exception as error:
            log.warning("event_not_compiled", error=type(error).__name__)
            return None

    async def _answer(self, happened: Happened, context: Context) -> bytes | None:
        payload = self._tellers.payloads.under(self._execution, self._type, self._nodes)
        if payload is None:
            return None
        id = happened.id_to_read
        found = {} if id is None else await self._found(payload, happened, id, context)
        if found is None:
            return None
        told = outcome(happened, TYPES[self._type.name], found, seen=bool(found))
        return orjson.dumps({"data": {self._key: orjson.Fragment(payload.json(told))}})

    async def _found(self, payload: Payload, happened: Happened, id: UUID, context: Context) -> Found:
        if not (self._worth_compiling and payload.selected.nodes):
            self._worth_compiling = True  # from the second event on
            return None

        async def read() -> Found:
            reader = payload.selected.reader(self._execution, context)
            objects = await reader.after([id]) if reader else None
            return None if objects is None else {key: rows[id] for key, rows in objects.items() if id in rows}

        if happened.change.reload:
            return await read()
        key = self._same, context.caller, id
        return await self._tellers.read(key, happened.change.number, context.hub.heard, read)
