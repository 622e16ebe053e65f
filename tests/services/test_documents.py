"""Documents on packages and orders: who may bring them, how many, how large, of which types, how late [4.3, 6.1]."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from server.database import Database
from server.domain.campaign import Campaign
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Operator, Right
from server.domain.order import Document, Order
from server.domain.package import Package
from server.domain.record import History
from server.errors import NotAllowed, NotFound, Refused
from server.plugins import CampaignTypes
from server.services.documents import Documents, StoredFile, store
from server.services.work import Work
from server.settings import Settings
from server.storage import FolderStorage
from tests.builders import (
    DAY,
    NOW,
    a_campaign,
    a_package,
    an_entity,
    an_operator,
    an_order,
    caller_of,
    given,
    linked,
    offered,
)

FILE = StoredFile("key", "leaflet.pdf", "application/pdf", 3, "0" * 64)


@dataclass
class World:
    """A package with an order of Paris; Lyon has the same offer and is out of scope for Paris."""

    database: Database
    types: CampaignTypes
    settings: Settings
    central: Operator
    paris: Operator
    campaign: Campaign
    package: Package
    order: Order
    foreign: Order

    async def add(self, who: Operator, owner: Package | Order) -> Document:
        async with self.database.transaction() as session:
            work = Work(session, caller_of(who), NOW, self.types, self.settings)
            return await Documents(work).add(FILE, **{_owner(owner): owner.id})

    async def remove(self, who: Operator, document: Document) -> Document:
        async with self.database.transaction() as session:
            work = Work(session, caller_of(who), NOW, self.types, self.settings)
            return await Documents(work).remove(document.id)

    async def count(self) -> int:
        async with self.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(Document)) or 0


def _owner(owner: Package | Order) -> str:
    return "package_id" if isinstance(owner, Package) else "order_id"


async def a_world(database: Database, types: CampaignTypes, settings: Settings, **fields: Any) -> World:
    """`fields` go to the package, except `order_status` and `max_documents`."""
    status = fields.pop("order_status", OrderStatus.DRAFT)
    paris, lyon = an_entity("Paris"), an_entity("Lyon")
    central, local = an_operator(Right.CENTRAL), an_operator(Right.LOCAL)
    campaign = a_campaign(max_documents=fields.pop("max_documents", 5))
    package = a_package(campaign, central, **fields)
    order, foreign = an_order(package, paris, status), an_order(package, lyon, status)
    await given(
        database, paris, lyon, central, local, linked(local, paris), campaign, package, offered(package, paris, lyon),
        order, foreign,
    )
    return World(database, types, settings, central, local, campaign, package, order, foreign)


@pytest.fixture
async def world(database: Database, types: CampaignTypes, settings: Settings) -> World:
    return await a_world(database, types, settings)


async def refusal(attempt: Any) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(Refused) as refused:
        await attempt
    [problem] = refused.value.problems
    return problem.code, problem.path


async def test_an_entity_brings_a_document_to_its_order(world: World) -> None:  # [6.1]
    document = await world.add(world.paris, world.order)
    assert (document.order_id, document.package_id, document.late) == (world.order.id, None, False)


async def test_central_brings_documents_to_any_order_and_package(world: World) -> None:
    await world.add(world.central, world.order)
    await world.add(world.central, world.package)
    assert await world.count() == 2


async def test_the_order_of_another_entity_does_not_exist(world: World) -> None:  # [2.3]
    with pytest.raises(NotFound):
        await world.add(world.paris, world.foreign)


async def test_only_central_changes_the_documents_of_a_package(world: World) -> None:
    with pytest.raises(NotAllowed):
        await world.add(world.paris, world.package)


async def test_an_invisible_package_does_not_exist(
    database: Database, types: CampaignTypes, settings: Settings
) -> None:  # [2.3]
    world = await a_world(database, types, settings, status=PackageStatus.BEING_EDITED)
    with pytest.raises(NotFound):
        await world.add(world.paris, world.package)


async def test_a_document_after_the_personalization_deadline_is_late(
    database: Database, types: CampaignTypes, settings: Settings
) -> None:  # [4.3] the deadline itself is in time
    for deadline, late in ((NOW, False), (NOW - DAY, True)):
        world = await a_world(database, types, settings, personalization_deadline=deadline)
        assert (await world.add(world.paris, world.order)).late is late


@pytest.mark.parametrize("most", [0, 1])
async def test_an_order_takes_no_more_documents_than_its_campaign_says(
    database: Database, types: CampaignTypes, settings: Settings, most: int
) -> None:  # [6.1]
    world = await a_world(database, types, settings, max_documents=most)
    for _ in range(most):
        await world.add(world.paris, world.order)
    assert await refusal(world.add(world.paris, world.order)) == ("TOO_MANY_DOCUMENTS", ("file",))


async def test_documents_brought_at_once_do_not_pass_the_limit(
    database: Database, types: CampaignTypes, settings: Settings
) -> None:  # [6.1]
    world = await a_world(database, types, settings, max_documents=2)
    await asyncio.gather(*(world.add(world.paris, world.order) for _ in range(5)), return_exceptions=True)
    assert await world.count() == 2


@pytest.mark.parametrize(
    ("status", "accepted"),
    [(status, status in {"DRAFT", "ORDERED", "APPROVED", "AVAILABLE", "REJECTED"}) for status in OrderStatus],
)
async def test_documents_of_an_order_change_while_it_is_live(
    database: Database, types: CampaignTypes, settings: Settings, status: OrderStatus, accepted: bool
) -> None:  # [4.3] late documents come after approval; a rejected order may be corrected [6.2]
    world = await a_world(database, types, settings, order_status=status)
    if accepted:
        await world.add(world.paris, world.order)
    else:
        assert await refusal(world.add(world.paris, world.order)) == ("NOT_EDITABLE", ("id",))


@pytest.mark.parametrize(
    ("status", "accepted"),
    [(status, status in {"BEING_EDITED", "REJECTED", "APPROVED", "PUBLISHED"}) for status in PackageStatus],
)
async def test_documents_of_a_package_change_until_it_ends_but_not_under_approval(
    database: Database, types: CampaignTypes, settings: Settings, status: PackageStatus, accepted: bool
) -> None:  # [4.7]
    world = await a_world(database, types, settings, status=status)
    if accepted:
        await world.add(world.central, world.package)
    else:
        assert await refusal(world.add(world.central, world.package)) == ("NOT_EDITABLE", ("id",))


@pytest.mark.parametrize("names", [(), ("package_id", "order_id")])
async def test_a_document_has_one_owner(world: World, names: tuple[str, ...]) -> None:
    ids = {"package_id": world.package.id, "order_id": world.order.id}
    async with world.database.transaction() as session:
        work = Work(session, caller_of(world.central), NOW, world.types, world.settings)
        adding = Documents(work).add(FILE, **{name: ids[name] for name in names})
        assert await refusal(adding) == ("ONE_OWNER", ("package_id",))


async def test_a_removed_document_is_gone(world: World) -> None:
    document = await world.add(world.paris, world.order)
    await world.remove(world.paris, document)
    with pytest.raises(NotFound):
        await world.remove(world.paris, document)
    assert await world.count() == 0


async def test_a_document_out_of_scope_cannot_be_removed(world: World) -> None:  # [2.3]
    with pytest.raises(NotFound):
        await world.remove(world.paris, await world.add(world.central, world.foreign))


async def test_a_local_operator_sees_but_does_not_remove_a_document_of_a_package(world: World) -> None:
    with pytest.raises(NotAllowed):
        await world.remove(world.paris, await world.add(world.central, world.package))


async def test_documents_are_in_the_history_and_count_as_a_change(world: World) -> None:  # [5.7, 12.1]
    document = await world.add(world.paris, world.order)
    await world.remove(world.central, document)
    async with world.database.reading() as session:
        entries = (await session.execute(
            select(History.action, History.actor_id, History.before, History.after, History.revision)
            .where(History.subject_id == world.order.id).order_by(History.id)
        )).all()
    assert entries == [
        ("ADD_DOCUMENT", world.paris.id, {}, {"documents": ["leaflet.pdf"]}, 2),
        ("REMOVE_DOCUMENT", world.central.id, {"documents": ["leaflet.pdf"]}, {}, 3),
    ]


async def test_data_of_a_type_that_is_not_installed_refuses_documents(
    database: Database, settings: Settings, types: CampaignTypes
) -> None:  # [3.2]
    world = await a_world(database, types, settings, type="gone")
    assert (await refusal(world.add(world.paris, world.order)))[0] == "TYPE_NOT_INSTALLED"


async def upload(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def files(folder: Path) -> Iterable[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


SMALL = Settings(max_document_bytes=20)


async def test_an_accepted_upload_is_stored_with_its_size_type_and_fingerprint(tmp_path: Path) -> None:
    file = await store(FolderStorage(tmp_path), SMALL, "../a.pdf", upload(b"%PDF-", b"1.7"))
    assert (file.name, file.content_type, file.size, file.sha256[:8]) == ("a.pdf", "application/pdf", 8, "86edbaa2")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ((b"%PDF-" + b"x" * 15, b"x"), "DOCUMENT_TOO_LARGE"),
        ((), "DOCUMENT_EMPTY"),
        ((b"MZ\x90\x00",), "DOCUMENT_TYPE"),
    ],
)
async def test_an_unacceptable_upload_is_refused_and_leaves_no_file(
    tmp_path: Path, content: tuple[bytes, ...], code: str
) -> None:
    storing = store(FolderStorage(tmp_path), SMALL, "a.pdf", upload(*content))
    assert await refusal(storing) == (code, ("file",))
    assert files(tmp_path) == []


async def test_an_installation_chooses_the_types_it_accepts(tmp_path: Path) -> None:
    settings = Settings(document_types=frozenset({"application/pdf"}))
    storing = store(FolderStorage(tmp_path), settings, "a.png", upload(b"\x89PNG\r\n\x1a\n"))
    assert (await refusal(storing))[0] == "DOCUMENT_TYPE"


