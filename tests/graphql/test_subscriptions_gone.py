"""What followers of lists hear when something is deleted, leaves their scope, or is read in another window [2.3]."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from server.database import Database
from server.domain.lifecycles import OrderStatus
from server.domain.network import Right
from server.domain.package import Package
from server.plugins import CampaignTypes
from server.services.audience import Audience
from server.services.groups import Groups
from server.services.importing.importer import Import, find_files
from server.services.inbox import Inbox
from server.services.operators import Operators
from server.services.orders import Orders
from server.services.packages import Packages
from server.services.tree import move
from server.services.work import Work
from server.settings import Settings
from tests.builders import (
    NOW,
    a_group,
    a_notification,
    a_package,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    caller_of,
    given,
    linked,
    members,
    reviewers,
)
from tests.graphql.edge import Edge
from tests.graphql.follow import (
    CAMPAIGN,
    CENTRAL,
    HERE,
    LUC,
    OSLO,
    OTHER,
    PACKAGE,
    PARIS,
    RELOAD,
    STAGE,
    change,
    following,
    gid,
    logged_in,
    served,
)

ADMIN, NILS = an_operator(Right.ADMIN, login="ada"), an_operator(Right.LOCAL, login="nils")
MALMO = an_entity("Malmö")
Act = Callable[[Work], Awaitable[Any]]
Do = Callable[..., Awaitable[Any]]


@pytest.fixture
async def edge(settings: Settings, database: Database) -> Any:
    await given(database, STAGE, ADMIN, NILS, MALMO, linked(NILS, MALMO), logged_in(CENTRAL, LUC, NILS))
    with served(settings) as edge:
        yield edge


@pytest.fixture
def do(database: Database, types: CampaignTypes, settings: Settings) -> Do:
    async def doing(who: Any, act: Act) -> Any:
        async with database.transaction() as session:
            return await act(Work(session, caller_of(who), NOW, types, settings))

    return doing


async def test_who_saw_a_draft_hears_that_it_was_deleted(edge: Edge, database: Database, do: Do) -> None:
    package = a_package(CAMPAIGN, CENTRAL)
    mine, theirs = (an_order(package, entity, OrderStatus.DRAFT) for entity in (PARIS, OSLO))
    await given(database, package, mine, theirs)
    with following(edge, LUC, "orderChanged") as luc, following(edge, CENTRAL, "orderChanged") as carla:
        assert [next(luc), next(carla)] == [RELOAD, RELOAD]
        for draft in (theirs, mine):
            await do(CENTRAL, lambda work, draft=draft: Orders(work).delete(draft.id, 1))
        assert [next(carla), next(carla)] == [("gone", gid(theirs)), ("gone", gid(mine))]
        assert next(luc) == ("gone", gid(mine))


async def test_who_saw_a_published_package_hears_once_that_it_is_not_there_any_more(
    edge: Edge, database: Database, do: Do
) -> None:
    with (
        following(edge, LUC, "packageChanged") as luc, following(edge, NILS, "packageChanged") as nils,
        following(edge, CENTRAL, "packageChanged") as carla,
    ):
        assert [next(luc), next(nils), next(carla)] == [RELOAD, RELOAD, RELOAD]
        await do(CENTRAL, lambda work: Packages(work).cancel(PACKAGE.id, 1, "Too late."))
        assert [next(luc), next(carla)] == [("gone", gid(PACKAGE)), gid(PACKAGE)]
        await do(CENTRAL, lambda work: renamed(work, PACKAGE))
        assert next(carla) == gid(PACKAGE)
        await given(database, linked(NILS, PARIS))
        await change(database, OTHER)
        assert [next(luc), next(nils)] == [gid(OTHER), gid(OTHER)]  # and nothing before


async def renamed(work: Work, package: Package) -> None:
    mine = await work.session.get_one(Package, package.id)
    mine.label = "Never again"
    await work.record("PACKAGE", mine, "EDIT")  # type: ignore[arg-type]  # as its name


async def test_who_sees_other_things_than_before_reads_again(edge: Edge, do: Do) -> None:
    with following(edge, LUC, "orderChanged") as luc, following(edge, NILS, "orderChanged") as nils:
        assert [next(luc), next(nils)] == [RELOAD, RELOAD]
        await do(ADMIN, lambda work: Operators(work).update(LUC.id, 1, {"entity_ids": [OSLO.id]}))
        assert next(luc) == RELOAD
        await do(ADMIN, lambda work: move(work.session, PARIS.id, MALMO.id))
        assert next(nils) == RELOAD
        await do(CENTRAL, lambda work: work.record("ORDER", HERE, "EDIT"))
        assert next(nils) == gid(HERE)


async def test_who_joins_or_leaves_a_group_of_reviewers_reads_again(edge: Edge, database: Database, do: Do) -> None:
    group = a_group("Reviewers")
    asked = an_approval(HERE)
    await given(database, group, members(group, NILS), asked, reviewers(asked, group))
    inbox = "(mine: true)"
    with following(edge, LUC, "approvalChanged", inbox) as luc, following(edge, NILS, "approvalChanged", inbox) as nils:
        assert [next(luc), next(nils)] == [RELOAD, RELOAD]
        await do(ADMIN, lambda work: Groups(work).update(group.id, 1, {"members": [NILS.id, LUC.id]}))
        assert next(luc) == RELOAD
        await do(ADMIN, lambda work: Groups(work).update(group.id, 2, {"members": [LUC.id]}))
        assert next(nils) == RELOAD
        await change(database, asked)
        assert next(luc) == gid(asked)  # and not once more that anything may have changed


async def test_who_sees_other_things_after_an_import_reads_again(
    edge: Edge, database: Database, tmp_path: Path
) -> None:
    async def imported(name: str, text: str) -> None:
        (tmp_path / name).write_text(text)
        work = Import(database, NOW)
        await work.run(find_files([tmp_path / name]))
        assert not work.faults

    with following(edge, LUC, "orderChanged") as luc, following(edge, NILS, "orderChanged") as nils:
        assert [next(luc), next(nils)] == [RELOAD, RELOAD]
        await imported("entities.csv", f"code,label,kind,parent\n{PARIS.code},Paris,LOCAL,{MALMO.code}\n")
        assert [next(luc), next(nils)] == [RELOAD, RELOAD]
        await imported("operators.csv", f"login,name,right,entities\nluc,Luc,LOCAL,{OSLO.code}\n")
        assert next(luc) == RELOAD
        await change(database, HERE)
        assert next(nils) == gid(HERE)


async def test_who_follows_one_object_hears_when_it_leaves_the_scope(edge: Edge, do: Do) -> None:
    with following(edge, LUC, "orderChanged", f'(id: "{gid(HERE)}")') as luc:
        assert next(luc) == gid(HERE)
        await do(ADMIN, lambda work: Operators(work).update(LUC.id, 1, {"entity_ids": [OSLO.id]}))
        assert next(luc) == ("gone", gid(HERE))


async def test_a_store_that_leaves_the_audience_reads_again(edge: Edge, do: Do) -> None:
    with following(edge, LUC, "packageChanged") as luc, following(edge, NILS, "packageChanged") as nils:
        assert [next(luc), next(nils)] == [RELOAD, RELOAD]
        await do(CENTRAL, lambda work: Audience(work).add(OTHER.id, 1, [MALMO.id]))
        assert [next(luc), next(nils)] == [gid(OTHER), gid(OTHER)]
        await do(CENTRAL, lambda work: Audience(work).remove(OTHER.id, 2, [MALMO.id]))
        assert [next(luc), next(nils)] == [gid(OTHER), RELOAD]


async def test_what_is_read_in_one_window_is_read_in_the_others(edge: Edge, database: Database, do: Do) -> None:
    (told, event), (other, another) = a_notification(LUC), a_notification(LUC)
    await given(database, told, event, other, another)
    with edge.session({"authorization": "Bearer luc"}) as session:
        session.subscribe("subscription { notificationReceived { notification { id readAt } } }")
        read = lambda: session.receive()["payload"]["data"]["notificationReceived"]["notification"]  # noqa: E731
        assert read() is None
        await do(LUC, lambda work: Inbox(work).mark_read([told.id]))
        assert read() == {"id": gid(told), "readAt": "2026-03-02T09:00:00+00:00"}
        await do(LUC, lambda work: Inbox(work).mark_unread([told.id]))
        assert read() == {"id": gid(told), "readAt": None}
