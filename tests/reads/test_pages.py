"""Pages: walking them gives the whole sorted list, forwards and backwards, whatever ties and gaps there are."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from server.database import Database
from server.domain.network import Operator
from server.domain.order import Order
from server.domain.package import Package
from server.graphql.ids import encode
from tests import builders
from tests.builders import DAY, NOW, a_campaign, a_package, an_entity, an_operator, an_order
from tests.graphql.asking import Asker

NEVER = datetime(9999, 12, 31, tzinfo=NOW.tzinfo)
CENTRAL, PARIS, CAMPAIGN = an_operator(), an_entity(), a_campaign()
KEYS: dict[str, Any] = {
    "LABEL": lambda package: package.label,
    "START": lambda package: package.start or NEVER,
    "FOLDER": lambda package: (package.folder, package.label),
}
PACKAGES = st.lists(
    st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 2), st.sampled_from(["", "x"])), max_size=9
)
QUERY = """query ($order: PackageSort!, $first: Int, $last: Int, $after: String, $before: String) {
  packages(orderBy: $order, first: $first, last: $last, after: $after, before: $before) {
    totalCount nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
quick = settings(
    max_examples=20, derandomize=True, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
async def ask(database: Database, ask: Asker) -> Asker:
    await builders.given(database, CENTRAL, PARIS, CAMPAIGN)
    return ask


async def catalogue(database: Database, chosen: list[tuple[str, int | None, str]]) -> list[Package]:
    """Replaces what is in the catalogue."""
    async with database.transaction() as session:
        await session.execute(delete(Order))
        await session.execute(delete(Package))
    packages = [
        a_package(CAMPAIGN, CENTRAL, label=label, folder=folder, start=None if start is None else NOW + start * DAY)
        for label, start, folder in chosen
    ]
    await builders.given(database, packages)
    return packages


def expected(packages: list[Package], order: str) -> list[str]:
    sort, _, way = order.rpartition("_")
    ordered = sorted(packages, key=lambda package: (KEYS[sort](package), package.id), reverse=way == "DESC")
    return [encode("Package", package.id) for package in ordered]


@quick
@given(PACKAGES, st.integers(1, 4), st.sampled_from([f"{key}_{way}" for key in KEYS for way in ("ASC", "DESC")]))
async def test_walking_pages_gives_the_whole_list_once(
    database: Database, ask: Asker, chosen: list[tuple[str, int | None, str]], size: int, order: str
) -> None:
    whole = expected(await catalogue(database, chosen), order)
    assert await walk(ask, CENTRAL, whole, order, "first", size) == whole
    assert await walk(ask, CENTRAL, whole, order, "last", size) == whole


async def walk(ask: Asker, who: Operator, whole: list[str], order: str, direction: str, size: int) -> list[str]:
    """All pages in one direction; every page is checked against the whole list as it comes."""
    forward = direction == "first"
    found: list[str] = []
    cursor = None
    for _ in range(len(whole) + 1):
        data = await ask(who, QUERY, order=order, **{direction: size, "after" if forward else "before": cursor})
        page = data["packages"]
        ids, info = [node["id"] for node in page["nodes"]], page["pageInfo"]
        assert ids == [edge["node"]["id"] for edge in page["edges"]]
        assert page["totalCount"] == len(whole)
        beyond = info["hasNextPage"], info["hasPreviousPage"]
        behind, ahead = bool(found), len(found) + len(ids) < len(whole)
        assert beyond == ((ahead, behind) if forward else (behind, ahead))
        found = found + ids if forward else ids + found
        cursor = info["endCursor" if forward else "startCursor"]
        if not ahead:
            break
    return found


@quick
@given(st.lists(st.lists(st.sampled_from("ab"), max_size=5), max_size=4), st.integers(1, 3))
async def test_inner_pages_are_cut_per_parent(
    database: Database, ask: Asker, labels: list[list[str]], size: int
) -> None:
    packages = await catalogue(database, [("a", None, "")] * len(labels))
    orders = {
        package.id: [an_order(package, PARIS, exclusive=False, label=label) for label in wanted]
        for package, wanted in zip(packages, labels, strict=True)
    }
    await builders.given(database, *orders.values())
    data = await ask(CENTRAL, """query ($n: Int!) { packages(first: 100) { nodes { id
        start: orders(first: $n, orderBy: LABEL_ASC) { totalCount pageInfo { hasNextPage } nodes { label id } }
        end: orders(last: $n, orderBy: LABEL_ASC) { totalCount pageInfo { hasPreviousPage } nodes { label id } } } } }
    """, n=size)
    pages = {node["id"]: node for node in data["packages"]["nodes"]}
    for package in packages:
        whole = [
            {"label": order.label, "id": encode("Order", order.id)}
            for order in sorted(orders[package.id], key=lambda order: (order.label, order.id))
        ]
        start, end = pages[encode("Package", package.id)]["start"], pages[encode("Package", package.id)]["end"]
        assert (start["nodes"], end["nodes"]) == (whole[:size], whole[-size:])
        assert start["totalCount"] == end["totalCount"] == len(whole)
        assert start["pageInfo"]["hasNextPage"] is end["pageInfo"]["hasPreviousPage"] is (len(whole) > size)


async def test_a_page_between_two_cursors(database: Database, ask: Asker) -> None:
    whole = expected(await catalogue(database, [(label, None, "") for label in "abcab"]), "LABEL_ASC")
    everything = await ask(CENTRAL, QUERY, order="LABEL_ASC", first=100)
    cursors = [edge["cursor"] for edge in everything["packages"]["edges"]]
    page = (await ask(CENTRAL, QUERY, order="LABEL_ASC", first=100, after=cursors[0], before=cursors[4]))["packages"]
    assert [node["id"] for node in page["nodes"]] == whole[1:4]


async def test_an_empty_page_still_counts(database: Database, ask: Asker) -> None:
    await catalogue(database, [("a", None, "")])
    page = (await ask(CENTRAL, QUERY, order="LABEL_ASC", first=0))["packages"]
    assert (page["nodes"], page["totalCount"], page["pageInfo"]["hasNextPage"]) == ([], 1, True)


REFUSED = [
    ("first: 3, last: 3", "both"), ("after: null", "neither"), ("first: 101", "too large"), ("last: -1", "negative"),
    ('first: 1, after: "nonsense"', "no position"), ('first: 1, after: ""', "empty"),
    ('first: 1, after: "Package.CREATED_AT_DESC,,"', "empty terms"), ('first: 1, before: "åäö"', "not ASCII"),
]


@pytest.mark.parametrize(("arguments", "_why"), REFUSED, ids=[why for _, why in REFUSED])
async def test_a_page_that_cannot_be_is_refused_at_its_field(
    database: Database, ask: Asker, arguments: str, _why: str
) -> None:
    await catalogue(database, [("a", None, ""), ("b", None, "")])
    inner = f"{{ packages(first: 2) {{ nodes {{ orders({arguments}) {{ totalCount }} }} }} }}"
    assert await ask.refused(CENTRAL, f"{{ packages({arguments}) {{ totalCount }} }}") == [
        ("BAD_USER_INPUT", ["packages"])
    ]
    assert await ask.refused(CENTRAL, inner) == [
        ("BAD_USER_INPUT", ["packages", "nodes", place, "orders"]) for place in (0, 1)
    ]


async def test_a_cursor_of_another_list_or_order_is_refused(database: Database, ask: Asker) -> None:
    await catalogue(database, [("a", 1, "")])
    data = await ask(CENTRAL, QUERY, order="LABEL_ASC", first=1)
    cursor = data["packages"]["pageInfo"]["endCursor"]
    assert await ask.refused(CENTRAL, QUERY, order="START_ASC", first=1, after=cursor) == [
        ("BAD_USER_INPUT", ["packages"])
    ]
    other = 'query ($after: String!) { orders(first: 1, orderBy: LABEL_ASC, after: $after) { totalCount } }'
    assert await ask.refused(CENTRAL, other, after=cursor) == [("BAD_USER_INPUT", ["orders"])]


FORGED = [
    "START_ASC,2026-03-02", "START_ASC,2026-03-02T09:00:00", "START_ASC,2026-03-02T10:00:00+01:00",
    "START_ASC,2026-03-02T09:00:00.500+00:00", "START_ASC,0001-01-01T00:00:00+09:00", "START_ASC,\ud800", "START_ASC",
    "STATUS_ASC,LOST", "STATUS_ASC,", "LABEL_ASC,1:\0", "LABEL_ASC,1:\ud800", "LABEL_ASC,2:x", "LABEL_ASC,01:x",
    "LABEL_ASC,-1:x", "LABEL_ASC,x", "FOLDER_ASC,1:x", "LABEL_ASC,1:x,1:x",
]


@pytest.mark.parametrize("position", FORGED, ids=ascii)
async def test_a_forged_position_is_refused_before_the_database_sees_it(ask: Asker, position: str) -> None:
    order, cursor = position.partition(",")[0], f"Package.{position},{CENTRAL.id.hex}"
    refused = await ask.refused(CENTRAL, QUERY, order=order, first=1, after=cursor)
    assert refused == [("BAD_USER_INPUT", ["packages"])]


@pytest.mark.parametrize("label", ["", ",", '"\\', "1:x,", "åäö \U0001f600", "\x01\x7f\n"], ids=ascii)
async def test_a_label_survives_in_a_cursor(database: Database, ask: Asker, label: str) -> None:
    await catalogue(database, [(label, None, ""), (label, None, label)])
    for order in ("LABEL_ASC", "FOLDER_DESC"):
        page = (await ask(CENTRAL, QUERY, order=order, first=1))["packages"]
        after = page["pageInfo"]["endCursor"]
        rest = (await ask(CENTRAL, QUERY, order=order, first=2, after=after))["packages"]
        assert len(rest["nodes"]) == 1 and rest["pageInfo"]["hasPreviousPage"]
