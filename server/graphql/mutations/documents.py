"""Mutations of documents: the file is stored first, then a transaction refers to it [4.1, 6.1]."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, cast
from uuid import UUID

import strawberry
from starlette.datastructures import UploadFile
from strawberry.file_uploads import Upload

from server.domain.order import Document
from server.graphql.fields import resolver, result
from server.graphql.mutations.inputs import INPUT, Input, an_id, optional_id
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import attempt, once
from server.graphql.reading import Info, fetch
from server.services.documents import Documents, StoredFile, store
from server.services.work import Work
from server.storage import CHUNK


@strawberry.input(description="A document for a package or for an order: name one of them.")
class UploadDocumentInput(Input):
    package_id: strawberry.ID | None = optional_id("Package", "The package that it belongs to.")
    order_id: strawberry.ID | None = optional_id("Order", "The order that it belongs to.")
    file: Upload = strawberry.field(
        description="The file, sent by the GraphQL multipart request specification; its type is read from its bytes."
    )


@strawberry.input(description="A document to be removed.")
class RemoveDocumentInput(Input):
    id: strawberry.ID = an_id("Document", "The document.")


@strawberry.type(description="The new document, or why there is none.")
class UploadDocumentPayload:
    document: Any = result("Document", "The document; null when the mutation was refused.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type(description="A document that is gone, or why it stays.")
class RemoveDocumentPayload:
    removed_id: strawberry.ID | None = strawberry.field(default=None, description="The id that the document had.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class DocumentMutations:
    @resolver("Puts a document on a package or an order. One after the personalization deadline is accepted as late.")
    async def upload_document(
        self, info: Info, input: Annotated[UploadDocumentInput, INPUT]
    ) -> UploadDocumentPayload:
        return await attempt(UploadDocumentPayload, lambda: _upload(info, input))

    @resolver("Removes a document from its package or order.")
    async def remove_document(
        self, info: Info, input: Annotated[RemoveDocumentInput, INPUT]
    ) -> RemoveDocumentPayload:
        return await attempt(RemoveDocumentPayload, lambda: _remove(info, input))


async def _upload(info: Info, input: UploadDocumentInput) -> UploadDocumentPayload:
    context = info.context
    upload = cast(UploadFile, input.file)
    file = await store(context.storage, context.settings, upload.filename or "", _chunks(upload))
    same = replace(input, file=Upload(file.sha256.encode()))  # what an idempotency key is compared by
    kept = False
    try:
        async with context.database.transaction() as session:
            work = context.work(session)
            document_id = await once(work, info.field_name, same, lambda: _add(work, input, file))
            document = await fetch(info, session, "document", "Document", document_id) if document_id else None
            added = await session.get(Document, document_id)
            kept = added is not None and added.storage_key == file.key
    except Exception:
        kept = False  # while it waits for its commit, a cancelled request may have a row already: that keeps its file
        raise
    finally:
        if not kept:
            await context.storage.remove(file.key)
    return UploadDocumentPayload(document=document)


async def _add(work: Work, input: UploadDocumentInput, file: StoredFile) -> Document:
    owner: dict[str, UUID | None] = {name: input.decoded(name) for name in ("package_id", "order_id")}
    return await Documents(work).add(file, **owner)


async def _chunks(upload: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await upload.read(CHUNK):
        yield chunk


async def _remove(info: Info, input: RemoveDocumentInput) -> RemoveDocumentPayload:
    """The file goes once the row is gone for good."""
    removed: list[Document] = []

    async def act() -> Document:
        removed.append(await Documents(work).remove(input.decoded("id")))
        return removed[0]

    async with info.context.database.transaction() as session:
        work = info.context.work(session)
        await once(work, info.field_name, input, act)
    for document in removed:
        await info.context.storage.remove(document.storage_key)
    return RemoveDocumentPayload(removed_id=input.id)
