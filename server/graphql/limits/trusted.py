"""Trusted documents: the text of a request, or the one that its document id stands for.

Only `samverkan trust` registers documents. A hash that comes with its text (automatic persisted queries) registers
nothing: whoever can send a text could have anything trusted.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select

from server.database import Database
from server.domain.access import TrustedDocument
from server.graphql.documents import DocumentRefusedError
from server.graphql.errors import request_error
from server.graphql.transport.request import GraphQLRequest
from server.settings import TrustedDocuments

KEPT = 2_000
KEPT_FOR = timedelta(minutes=1)
"""How long a server goes on accepting a document that has been removed."""


class Trusted:
    """The registered documents, as `mode` says."""

    def __init__(self, database: Database | None, mode: TrustedDocuments) -> None:
        self._database = database
        self._mode = mode
        self._kept: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    async def text(self, asked: GraphQLRequest, now: datetime) -> str:
        """The text to run; DocumentRefusedError when it is not trusted, not known, or not what its hash says."""
        if not asked.query:
            return await self._registered(asked.document_id, now)
        if self._mode is TrustedDocuments.ONLY:
            raise _refused("Only trusted documents are run here: send the id of one.", "DOCUMENT_NOT_TRUSTED")
        if len(asked.document_id) == 64 and asked.document_id != sha256(asked.query.encode()).hexdigest():
            raise _refused("The text is not the one that the hash belongs to.", "PERSISTED_QUERY_HASH_MISMATCH")
        return asked.query

    async def _registered(self, id: str, now: datetime) -> str:
        if self._mode is TrustedDocuments.OFF or self._database is None:
            raise _refused("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")
        text, until = self._kept.get(id, ("", now))
        if now < until:
            return text
        async with self._database.reading() as session:
            found = await session.scalar(select(TrustedDocument.text).where(TrustedDocument.id == id))
        if found is None:
            self._kept.pop(id, None)
            raise _refused("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
        self._kept[id] = found, now + KEPT_FOR
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found


def _refused(message: str, code: str) -> DocumentRefusedError:
    """Apollo's clients know these codes, and its messages where they look like code."""
    return DocumentRefusedError([request_error(message, code)])
