"""Documents as downloads: GET /documents/{global id}."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import structlog
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from server.domain.order import Document
from server.errors import InvalidArgument
from server.graphql import ids
from server.graphql.transport.streams import ContextFactory
from server.reads.visibility import visible_documents

log = structlog.get_logger(__name__)


def download_endpoint(context_of: ContextFactory) -> Callable[[Request], Awaitable[Response]]:
    """Streams a document that the caller may see; what is out of scope does not exist [2.3]."""

    async def endpoint(request: Request) -> Response:
        context = await context_of(request)
        if context.visitor is None:
            return PlainTextResponse("Log in first: no valid login came with this request.", 401, _CHALLENGE)
        try:
            id = ids.decode_as("Document", "id", request.path_params["id"])
        except InvalidArgument:
            return _missing()
        async with context.database.reading() as session:
            document = await session.scalar(
                select(Document).where(Document.id == id, visible_documents(context.visitor))
            )
        if document is None:
            return _missing()
        try:
            content = await context.storage.open(document.storage_key)
        except FileNotFoundError:
            log.error("document_file_missing", document=str(document.id), key=document.storage_key)
            return _missing()
        return StreamingResponse(content, headers={
            "content-type": document.content_type,
            "content-length": str(document.size),
            "content-disposition": disposition(document.name),
            "cache-control": "private, no-store",
        })

    return endpoint


def disposition(name: str) -> str:
    """Always to be saved, never shown; the real name as RFC 5987 has it, with an ASCII one for old clients."""
    plain = "".join(character if character.isascii() and character not in '"\\%' else "_" for character in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


_CHALLENGE = {"www-authenticate": "Bearer"}


def _missing() -> Response:
    return PlainTextResponse("There is no such document.", 404)
