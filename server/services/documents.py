"""Documents on packages and orders [4.1, 4.3, 6.1]."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from server.domain.base import Json
from server.domain.file_types import Sniffer, safe_name
from server.domain.order import Document, Order
from server.domain.package import Package
from server.domain.permissions import can_change_order_documents, can_change_package_documents
from server.domain.record import SubjectKind
from server.errors import NotFound, refuse
from server.reads.visibility import visible_documents
from server.services.loading import campaign_of, load_order, load_package
from server.services.work import Work
from server.settings import Settings
from server.storage import Storage


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file whose bytes are stored and known to be acceptable; no row refers to it yet."""

    key: str
    name: str
    content_type: str
    size: int
    sha256: str


async def store(storage: Storage, settings: Settings, name: str, chunks: AsyncIterable[bytes]) -> StoredFile:
    """Stores an upload, before the transaction that refers to it; Refused when it is empty, too large, or by its bytes
    not of an accepted type."""
    sniffer, digest, size, content_type = Sniffer(), hashlib.sha256(), 0, ""

    async def watched() -> AsyncIterator[bytes]:
        nonlocal size, content_type
        async for chunk in chunks:
            size += len(chunk)
            if size > settings.max_document_bytes:
                limit = f"{settings.max_document_bytes:,} bytes"
                raise refuse("DOCUMENT_TOO_LARGE", f"The document is larger than {limit}.", "file")
            sniffer.feed(chunk)
            digest.update(chunk)
            yield chunk
        if not size:
            raise refuse("DOCUMENT_EMPTY", "The document is empty.", "file")
        content_type = sniffer.type(name) or "of an unknown type"
        if content_type not in settings.document_types:
            accepted = ", ".join(sorted(settings.document_types))
            message = f"The document is {content_type} by its content; accepted: {accepted}."
            raise refuse("DOCUMENT_TYPE", message, "file")

    key = await storage.write(watched())
    return StoredFile(key, safe_name(name, content_type), content_type, size, digest.hexdigest())


class Documents:
    """Central keeps the documents of packages; whoever may see an order keeps the order's."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def add(
        self, file: StoredFile, *, package_id: UUID | None = None, order_id: UUID | None = None
    ) -> Document:
        """Puts a stored file on a package or an order; a late one is accepted and flagged [4.3], one more than the
        campaign allows is refused [6.1]."""
        package, order = await self._owner(package_id, order_id)
        if order:
            await self._check_number(package, order)
        deadline, now = package.personalization_deadline, self.work.now
        document = Document(
            package_id=None if order else package.id, order_id=order.id if order else None, name=file.name,
            content_type=file.content_type, size=file.size, sha256=file.sha256, storage_key=file.key,
            late=bool(order and deadline and deadline < now), uploaded_at=now, uploaded_by_id=self.work.caller.id,
        )
        self.work.session.add(document)
        await self._record(package, order, "ADD_DOCUMENT", before={}, after={"documents": [document.name]})
        return document

    async def remove(self, document_id: UUID) -> Document:
        """Deletes the row; its file is for the caller to remove once the transaction has committed."""
        owner = (await self.work.session.execute(
            select(Document.package_id, Document.order_id)
            .where(Document.id == document_id, visible_documents(self.work.caller))
        )).one_or_none()
        package, order = await self._owner(*owner) if owner else (None, None)
        document = await self.work.session.get(Document, document_id)
        if package is None or document is None:
            raise NotFound("There is no such document.")
        await self.work.session.delete(document)
        await self._record(package, order, "REMOVE_DOCUMENT", before={"documents": [document.name]}, after={})
        return document

    async def _owner(self, package_id: UUID | None, order_id: UUID | None) -> tuple[Package, Order | None]:
        """What the document stands on, locked, if its documents may change."""
        if order_id and not package_id:
            package, order = await load_order(self.work, order_id)
            self._check_order(package, order)
            return package, order
        if order_id or not package_id:
            raise refuse("ONE_OWNER", "Name either the package or the order that the document is for.", "package_id")
        package = await load_package(self.work, package_id)
        self._check_package(package)
        return package, None

    def _check_package(self, package: Package) -> None:
        self.work.types.require(package.type)
        self.work.require_central("change the documents of packages")
        if not can_change_package_documents(self.work.caller.right, package.status):
            named = f"Package {package.label} ({package.code}) is {package.status}"
            raise refuse("NOT_EDITABLE", f"{named}: its documents cannot change now.", "id")

    def _check_order(self, package: Package, order: Order) -> None:
        self.work.types.require(package.type)
        if not can_change_order_documents(
            order.status, package.effective_registration_deadline, self.work.now,
            current_cycle=order.cycle == package.cycle,
        ):
            named = f"Order {order.label} ({order.code}) is {order.status}"
            raise refuse("NOT_EDITABLE", f"{named}: its documents cannot change any more.", "id")

    async def _check_number(self, package: Package, order: Order) -> None:
        most = (await campaign_of(self.work, package)).max_documents
        count = select(func.count()).select_from(Document).where(Document.order_id == order.id)
        if (await self.work.session.scalar(count) or 0) >= most:
            takes = f"at most {most} documents" if most else "no documents"
            message = f"Orders of package {package.label} ({package.code}) take {takes}."
            raise refuse("TOO_MANY_DOCUMENTS", message, "file")

    async def _record(
        self, package: Package, order: Order | None, action: str, *, before: Json, after: Json
    ) -> None:
        subject, entity_id = (SubjectKind.ORDER, order.entity_id) if order else (SubjectKind.PACKAGE, None)
        await self.work.record(
            subject, order or package, action, entity_id=entity_id, before=before, after=after
        )
