"""`samverkan trust`: registers the documents of an app, all of them or, with every fault told, none."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.cli.databases import in_transaction
from server.cli.screen import fail, out, table
from server.domain.access import TrustedDocument
from server.graphql.documents import DocumentRefusedError, Documents
from server.graphql.limits.guard import Limits
from server.graphql.limits.trusted_files import Found, UnknownFileError, documents_of, find_files
from server.graphql.mutation import Mutation
from server.graphql.schema import make_schema
from server.graphql.subscription import Subscription
from server.settings import Settings

T = TypeVar("T")
OPERATION = re.compile(r"\b(?:query|mutation|subscription)\s+(\w+)")


def trust(settings: Settings, paths: Sequence[Path]) -> None:
    """Registers the documents of files and folders under every id that clients may send."""
    found, faults = _read(find_files(paths))
    faults += _faults(settings, found)
    if not found and not faults:
        faults.append(f"There is no document in {', '.join(map(str, paths))}.")
    if faults:
        fail(*faults, "Nothing was registered.")
    number = in_transaction(settings, lambda session: _register(session, found))
    others = len({each.sha256 for each in found}) - number
    out.print(f"{number} documents registered, {others} were there already.")


def list_trusted(settings: Settings) -> None:
    async def read(session: AsyncSession) -> Sequence[TrustedDocument]:
        return (await session.scalars(select(TrustedDocument).order_by(TrustedDocument.name, TrustedDocument.id))).all()

    rows = in_transaction(settings, read)
    table("Operations", "Id", "Registered", rows=((row.name, row.id, f"{row.registered_at:%F %R}") for row in rows))


def remove_trusted(settings: Settings, ids: Sequence[str]) -> None:
    """Removes documents by any of their ids; all of them or, when one is unknown, none."""
    async def remove(session: AsyncSession) -> set[str]:
        chosen = select(TrustedDocument.sha256).where(TrustedDocument.id.in_(ids))
        known = set(await session.scalars(select(TrustedDocument.id).where(TrustedDocument.id.in_(ids))))
        if known == set(ids):
            await session.execute(delete(TrustedDocument).where(TrustedDocument.sha256.in_(chosen)))
        return set(ids) - known

    if unknown := in_transaction(settings, remove):
        fail(*(f"There is no trusted document {id}." for id in sorted(unknown)), "Nothing was removed.")
    out.print("Removed; running servers forget them within a minute.")


def _read(files: Sequence[Path]) -> tuple[list[Found], list[str]]:
    found: list[Found] = []
    faults: list[str] = []
    for file in files:
        try:
            found += documents_of(file)
        except (UnknownFileError, OSError) as error:
            faults.append(f"{file}: {error}")
    return found, faults


def _faults(settings: Settings, found: Sequence[Found]) -> Iterator[str]:
    """What is wrong with each document, and ids that stand for several."""
    documents = Documents(make_schema(Mutation, Subscription)._schema, Limits.of(settings))
    by_id: dict[str, Found] = {}
    for each in found:
        where = f"{each.file}: {_name(each)}"
        try:
            operations = documents.of(each.text).operations
        except DocumentRefusedError as refused:
            yield from (f"{where}: {error['message']}" for error in refused.errors)
            continue
        if not operations:
            yield f"{where}: there is no operation, only fragments"
        if (cost := max((known.price.of({}) for known in operations.values()), default=0)) > settings.max_cost:
            yield f"{where}: it costs {cost:,}, more than {settings.max_cost:,}"
        for id in each.ids:
            if by_id.setdefault(id, each).text != each.text:
                yield f"{where}: its id {id} stands for another document in {by_id[id].file}"


async def _register(session: AsyncSession, found: Sequence[Found]) -> int:
    """How many documents are new."""
    known = {row.id: row.text for row in await session.scalars(select(TrustedDocument))}
    wanted = {id: each for each in found for id in each.ids}
    if taken := [id for id, each in wanted.items() if known.get(id, each.text) != each.text]:
        fail(
            *(f"{wanted[id].file}: {_name(wanted[id])}: its id {id} stands for another document: remove that first"
              for id in taken), "Nothing was registered.",
        )
    new = {id: each for id, each in wanted.items() if id not in known}
    session.add_all(
        TrustedDocument(id=id, sha256=each.sha256, name=_name(each), text=each.text, registered_at=datetime.now(UTC))
        for id, each in new.items()
    )
    return len({each.sha256 for each in new.values()})


def _name(found: Found) -> str:
    return ", ".join(OPERATION.findall(found.text)) or "without a name"
