"""What stands behind HTTP, without it: reads a body, prepares its operation and runs it."""

from time import process_time
from typing import Any, cast

from server.database import Database
from server.graphql.answers import refusal
from server.graphql.context import Context
from server.graphql.documents import DocumentRefusedError
from server.graphql.errors import request_error
from server.graphql.mutation import Mutation
from server.graphql.operations import Operations
from server.graphql.schema import make_schema
from server.graphql.transport.request import BadRequestError, of_body
from server.identity.logins import Logins
from server.plugins import CampaignTypes
from server.reads.visibility import Caller
from server.settings import Settings
from tests.builders import NOW

SCHEMA = make_schema(Mutation)


class Server:
    """One server, asked as one caller; every text is new to it."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, caller: Caller) -> None:
        self._in = (database, types, settings, cast(Any, None), Logins(database, settings), NOW, caller)
        self._operations = Operations(SCHEMA)

    async def seconds(self, body: bytes) -> float:
        """What one request takes of the processor."""
        began = process_time()
        await self.answer(body)
        return process_time() - began

    async def answer(self, body: bytes) -> bytes:
        context = Context(*self._in)
        self._operations._documents._kept.clear()
        try:
            operation = await self._operations.prepared(of_body(body), context)
        except BadRequestError as refused:
            return refusal([request_error(refused.message, refused.code)]).body
        except DocumentRefusedError as refused:
            return refusal(refused.errors).body
        return (await self._operations.answer(operation, context)).body
