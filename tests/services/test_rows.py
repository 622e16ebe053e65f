"""Rows that are written past the session: as the session would write them, any number in one statement."""

from typing import Any

import pytest
from sqlalchemy import Enum
from sqlalchemy.exc import IntegrityError

from server.domain.base import new_id
from server.domain.lifecycles import OrderStatus
from server.domain.order import Order
from server.domain.record import History, SubjectKind
from server.domain.tables import metadata
from server.services.rows import ID, REVISION, insert_rows, update_rows
from tests.services.conftest import World
from tests.services.order_stories import ordering

AWKWARD: dict[str, Any] = {
    "text": "Ö'\"\\ \u2028 {}", "list": [1, 2.5, None, True], "none": None, "deep": {"a": {"b": []}},
}


def an_entry(world: World, **fields: Any) -> dict[str, Any]:
    return {"id": new_id(), "at": world.now, "subject": SubjectKind.CONTACT, "subject_id": new_id(), "action": "TEST",
            "actor_id": None, "entity_id": world.paris.id, "revision": 1, **fields}


async def test_what_is_read_is_what_was_written(world: World) -> None:
    rows = [an_entry(world, before=AWKWARD, comment="“quoted”"), an_entry(world, before={}, comment="")]
    async with world.database.transaction() as session:
        await insert_rows(session, History, rows)
    for row in rows:
        entry = await world.read(History, id=row["id"])
        assert {key: getattr(entry, key) for key in row} == row
        assert (entry.after, entry.subject_code) == ({}, ""), "what rows leave out has its default"


async def test_rows_that_are_there_stay_as_they_are(world: World) -> None:
    row = an_entry(world, comment="first")
    async with world.database.transaction() as session:
        await insert_rows(session, History, [row])
        await insert_rows(session, History, [{**row, "comment": "again"}, an_entry(world, comment="new")],
                          unless_there=True)
    assert sorted(each.comment for each in await world.all(History, action="TEST")) == ["first", "new"]


async def test_only_rows_of_their_revision_are_changed(world: World) -> None:
    package = await world.published()
    paris, lyon = [await world.do(world.owner, ordering(package, where)) for where in (world.paris, world.lyon)]
    async with world.database.transaction() as session:
        await update_rows(session, Order, ["status", "parameters", "submitted_at"], [
            {ID: each.id, REVISION: revision, "status": OrderStatus.ORDERED, "parameters": AWKWARD,
             "submitted_at": world.now}
            for each, revision in ((paris, 1), (lyon, 7))
        ])
    changed, untouched = await world.read(Order, id=paris.id), await world.read(Order, id=lyon.id)
    assert (changed.status, changed.revision, changed.parameters) == (OrderStatus.ORDERED, 2, AWKWARD)
    assert changed.submitted_at == world.now
    assert (untouched.status, untouched.revision) == (OrderStatus.DRAFT, 1)


async def test_what_the_database_refuses_is_told_as_the_session_tells_it(world: World) -> None:
    draft = await world.draft(await world.published())
    again = {column.key: getattr(draft, column.key) for column in Order.__table__.c} | {"id": new_id()}
    with pytest.raises(IntegrityError):
        async with world.database.transaction() as session:
            await insert_rows(session, Order, [again, {**again, "id": new_id()}])


def test_enums_are_stored_by_names_that_are_their_values() -> None:
    kinds = [column.type for table in metadata.tables.values() for column in table.c if isinstance(column.type, Enum)]
    assert kinds and all(each.name == each.value == str(each) for kind in kinds for each in kind.enum_class or ())
