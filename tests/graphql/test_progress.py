"""How far the work on the many rows of a package has come, as central reads it."""

from typing import Any

from server.domain.base import new_id
from server.domain.later import FanOut, FanOutKind
from tests.builders import NOW, a_campaign, a_package, offered
from tests.graphql.asking import Asker
from tests.graphql.stage import CENTRAL, LOCAL, PARIS

PROGRESS = "{ packages(first: 5) { nodes { progress { kind done total startedAt } } } }"


def working(package: Any, **fields: Any) -> FanOut:
    return FanOut(**{
        "id": new_id(), "kind": FanOutKind.SUBSCRIBE, "package_id": package.id, "total": 900, "started_at": NOW,
    } | fields)


async def test_central_reads_what_goes_on_and_how_far_it_is(ask: Asker, given: Any) -> None:
    campaign = a_campaign()
    package = a_package(campaign, CENTRAL)
    await given(campaign, package, working(package, finished_at=NOW), working(package, done=300), working(package))
    assert (await ask(CENTRAL, PROGRESS))["packages"]["nodes"] == [
        {"progress": {"kind": "SUBSCRIBE", "done": 300, "total": 900, "startedAt": NOW.isoformat()}}
    ]


async def test_there_is_none_of_a_package_for_which_nothing_goes_on(ask: Asker, given: Any) -> None:
    campaign = a_campaign()
    package, other = a_package(campaign, CENTRAL), a_package(campaign, CENTRAL, label="Other")
    await given(campaign, package, other, working(package, finished_at=NOW))
    assert (await ask(CENTRAL, PROGRESS))["packages"]["nodes"] == [{"progress": None}] * 2


async def test_a_store_does_not_read_how_many_others_there_are(ask: Asker, given: Any) -> None:  # [2.2]
    campaign = a_campaign()
    package = a_package(campaign, CENTRAL)
    await given(campaign, package, offered(package, PARIS), working(package, done=300))
    assert (await ask(LOCAL, PROGRESS))["packages"]["nodes"] == [{"progress": None}]
