"""What queries tell of campaign types and packages."""

from datetime import timedelta
from typing import Any

import pytest

from server.database import Database
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.package import ApprovalMode
from server.graphql.ids import encode
from server.plugins import CampaignTypes
from server.settings import Settings
from tests.builders import DAY, NOW, a_campaign, a_form, a_group, a_package, an_approval, an_order, offered, reviewers
from tests.graphql.asking import Asker
from tests.graphql.stage import ADMIN, CAMPAIGN, CENTRAL, LOCAL, LYON, PARIS


def id_of(kind: str, row: Any) -> str:
    return encode(kind, row.id)


async def test_installed_types_are_listed_with_what_their_packages_need(ask: Asker) -> None:  # [3.1]
    query = """{ campaignTypes { name label version distribution contract template
      rules { audience registrationDeadline availability designedFor lastTab }
      presetForm { version fields { name } schema } } }"""
    listed = {each["name"]: each for each in (await ask(LOCAL, query))["campaignTypes"]}
    assert {"simple", "by_form", "by_campaign", "by_target_approval"} <= listed.keys()
    assert listed["by_form"]["rules"] == {
        "audience": "REQUIRED", "registrationDeadline": "REQUIRED", "availability": "ABSENT", "designedFor": 300,
        "lastTab": "ORDERS",
    }
    assert listed["by_target_approval"]["rules"]["lastTab"] == "APPROVED_TARGETS"
    assert all(each["version"] and each["distribution"] and each["contract"] == 1 for each in listed.values())


async def test_one_type_by_name(ask: Asker) -> None:
    query = "query ($name: String!) { campaignType(name: $name) { template } }"
    assert await ask(LOCAL, query, name="simple") == {"campaignType": {"template": "opCollaborativeSimple"}}
    assert await ask(LOCAL, query, name="gone") == {"campaignType": None}


async def test_data_of_a_type_that_is_gone_stays_readable(ask: Asker, given: Any) -> None:  # [3.2]
    campaign = a_campaign(type="gone")
    package = a_package(campaign, CENTRAL, label="Old")
    await given(campaign, package, an_order(package, PARIS, parameters={"colour": "red"}))
    query = """{ packages(first: 1) { nodes { label type campaignType { name } orderForm { version } viewerCanOrder
      campaign { campaignType { name } }
      orders(first: 1) { nodes { type campaignType { name } parameters orderForm { version } } } } } }"""
    assert (await ask(CENTRAL, query))["packages"]["nodes"] == [{
        "label": "Old", "type": "gone", "campaignType": None, "orderForm": None, "viewerCanOrder": False,
        "campaign": {"campaignType": None},
        "orders": {"nodes": [
            {"type": "gone", "campaignType": None, "parameters": {"colour": "red"}, "orderForm": None}
        ]},
    }]


async def test_a_form_is_served_in_the_version_it_was_filled_in_with(ask: Asker, given: Any) -> None:  # [9.3, 9.4]
    campaign = a_campaign(type="by_form")
    first = a_form(campaign, {"name": "city", "label": "City", "kind": "TEXT", "required": True, "max_length": 40})
    package = a_package(campaign, CENTRAL)
    second = a_form(campaign, {"name": "age", "label": "Age", "kind": "INTEGER", "minimum": 18})
    await given(campaign, first, second, package, an_order(package, PARIS, form_version=1))
    query = """{ packages(first: 1) { nodes {
      orderForm { version fields { name kind minimum } }
      campaign { formVersion form { schema } formVersions(first: 5) { nodes { version form { fields { name } } } } }
      orders(first: 1) { nodes { orderForm { version fields { name required maxLength } schema uiSchema } } } } } }"""
    [package_node] = (await ask(CENTRAL, query))["packages"]["nodes"]
    assert package_node["orderForm"] == {"version": 2, "fields": [{"name": "age", "kind": "INTEGER", "minimum": 18}]}
    assert package_node["campaign"]["form"]["schema"]["properties"]["age"]["minimum"] == 18
    assert [each["version"] for each in package_node["campaign"]["formVersions"]["nodes"]] == [2, 1]
    [order] = package_node["orders"]["nodes"]
    assert order["orderForm"]["fields"] == [{"name": "city", "required": True, "maxLength": 40}]
    assert order["orderForm"]["schema"]["required"] == ["city"]


async def test_a_type_that_fails_spoils_only_its_own_package(
    database: Database, settings: Settings, types: CampaignTypes, given: Any
) -> None:  # [3.2]
    class Broken(type(types.require("simple").plugin)):  # type: ignore[misc]
        template = "broken"

        def fields(self, package: Any) -> Any:
            raise RuntimeError("out of order")

    ask = Asker(database, CampaignTypes.of({"broken": Broken}), settings)
    campaign = a_campaign(type="broken")
    await given(campaign, a_package(campaign, CENTRAL, label="A"), a_package(CAMPAIGN, CENTRAL, label="B"))
    query = "{ packages(first: 5, orderBy: LABEL_ASC) { nodes { label orderForm { version } } } }"
    result = await ask.run(CENTRAL, query)
    assert [node["label"] for node in result.data["packages"]["nodes"]] == ["A", "B"]
    [error] = result.errors
    assert (error.original_error.code, error.path) == ("CAMPAIGN_TYPE_FAILED", ["packages", "nodes", 0, "orderForm"])


async def test_a_package_is_late_when_its_approval_is(ask: Asker, given: Any) -> None:  # [4.6]
    pending = [a_package(CAMPAIGN, CENTRAL, PackageStatus.PENDING_APPROVAL, label=name) for name in ("late", "in time")]
    await given(
        pending, an_approval(pending[0], deadline=NOW - timedelta(seconds=1)), an_approval(pending[1], deadline=NOW),
        a_package(CAMPAIGN, CENTRAL, label="published"),
    )
    query = """{ late: packages(first: 5, filter: {late: true}) { nodes { label isLate } }
                 rest: packages(first: 5, filter: {late: false}) { totalCount } }"""
    assert await ask(CENTRAL, query) == {
        "late": {"nodes": [{"label": "late", "isLate": True}]}, "rest": {"totalCount": 2},
    }


FILTERS = [
    ("status: [ENDED]", ["ended"]),
    ("folder: [\"food\"]", ["food"]),
    ("type: [\"simple\"]", ["simple"]),
    ("approvalMode: AUTOMATIC", ["automatic"]),
    ('end: {until: "2026-03-02T09:00:00Z"}', ["ended"]),
    ('start: {since: "2026-03-02T10:00:00+01:00"}', ["later"]),
    ("status: [], text: null", ["automatic", "ended", "food", "later", "simple"]),
]


@pytest.mark.parametrize(("chosen", "labels"), FILTERS)
async def test_the_catalogue_is_filtered(ask: Asker, given: Any, chosen: str, labels: list[str]) -> None:  # [4.8]
    simple = a_campaign(type="simple")
    await given(
        simple, a_package(simple, CENTRAL, label="simple"), a_package(CAMPAIGN, CENTRAL, label="food", folder="food"),
        a_package(CAMPAIGN, CENTRAL, PackageStatus.ENDED, label="ended", end=NOW),
        a_package(CAMPAIGN, CENTRAL, label="later", start=NOW),
        a_package(CAMPAIGN, CENTRAL, label="automatic", approval_mode=ApprovalMode.AUTOMATIC),
    )
    query = f"{{ packages(first: 9, orderBy: LABEL_ASC, filter: {{{chosen}}}) {{ nodes {{ label }} }} }}"
    assert [node["label"] for node in (await ask(CENTRAL, query))["packages"]["nodes"]] == labels


async def test_the_catalogue_by_owner_campaign_and_audience(ask: Asker, given: Any) -> None:  # [4.8]
    other = a_campaign()
    mine, hers = a_package(CAMPAIGN, CENTRAL, label="mine"), a_package(other, ADMIN, label="hers")
    everyone = a_package(other, ADMIN, label="everyone", offered_to_all=True)
    await given(other, mine, hers, everyone, offered(mine, PARIS), offered(hers, LYON))
    query = """query ($owner: [ID!], $campaign: [ID!], $entity: [ID!]) { packages(first: 9, orderBy: LABEL_ASC,
        filter: {owner: $owner, campaign: $campaign, entity: $entity}) { nodes { label } } }"""

    async def labels(**chosen: Any) -> list[str]:
        return [node["label"] for node in (await ask(CENTRAL, query, **chosen))["packages"]["nodes"]]

    assert await labels(owner=[id_of("Operator", CENTRAL)]) == ["mine"]
    assert await labels(campaign=[id_of("Campaign", other)]) == ["everyone", "hers"]
    assert await labels(entity=[id_of("Entity", PARIS)]) == ["everyone", "mine"]


async def test_packages_and_orders_are_counted_per_status(ask: Asker, given: Any) -> None:  # [4.8]
    published, ended = PackageStatus.PUBLISHED, PackageStatus.ENDED
    packages = [a_package(CAMPAIGN, CENTRAL, status) for status in (published, published, ended)]
    await given(packages, an_order(packages[2], PARIS), an_order(packages[2], LYON, OrderStatus.DRAFT))
    query = """{ packageCounts { status count }
                 packages(first: 9, filter: {status: [ENDED]}) { nodes { orderCounts { status count } } } }"""
    data = await ask(CENTRAL, query)
    assert data["packageCounts"] == [{"status": "ENDED", "count": 1}, {"status": "PUBLISHED", "count": 2}]
    assert data["packages"]["nodes"] == [
        {"orderCounts": [{"status": "DRAFT", "count": 1}, {"status": "ORDERED", "count": 1}]}
    ]
    [node] = (await ask(LOCAL, "{ packages(first: 9) { nodes { orderCounts { count } } } }"))["packages"]["nodes"]
    assert node == {"orderCounts": [{"count": 1}]}  # [2.3]


async def test_the_effective_registration_deadline(ask: Asker, given: Any) -> None:  # [4.3]
    await given(
        a_package(CAMPAIGN, CENTRAL, label="a", registration_deadline=NOW, end=NOW + DAY),
        a_package(CAMPAIGN, CENTRAL, label="b", registration_deadline=None, end=NOW + DAY),
        a_package(CAMPAIGN, CENTRAL, label="c", registration_deadline=None, end=NOW - DAY),
    )
    query = "{ packages(first: 9, orderBy: LABEL_ASC) { nodes { effectiveRegistrationDeadline registrationOpen } } }"
    assert [tuple(node.values()) for node in (await ask(CENTRAL, query))["packages"]["nodes"]] == [
        ("2026-03-02T09:00:00+00:00", True), ("2026-03-03T09:00:00+00:00", True), ("2026-03-01T09:00:00+00:00", False),
    ]


ORDERABLE = [
    # what stands in the package's way, whether Luc of Paris may order
    ("nothing", True),
    ("an order of Lyon", True),
    ("a cancelled order of Paris", True),  # [6.3]
    ("an order of Paris in an earlier cycle", True),  # [10.2]
    ("an order of Paris", False),
    ("a passed deadline", False),  # [6.4]
    ("not in the audience", False),
    ("offered to all", True),
]


@pytest.mark.parametrize(("case", "answer"), ORDERABLE)
async def test_the_viewer_sees_what_can_be_ordered(ask: Asker, given: Any, case: str, answer: bool) -> None:  # [2.4]
    package = a_package(CAMPAIGN, CENTRAL, cycle=2)
    rows: list[Any] = [package]
    if case == "offered to all":
        package.offered_to_all = True
    else:
        rows += offered(package, *([LYON] if case == "not in the audience" else [PARIS, LYON]))
    if case == "a passed deadline":
        package.registration_deadline = NOW - timedelta(seconds=1)
    rows += {
        "an order of Lyon": [an_order(package, LYON)],
        "a cancelled order of Paris": [an_order(package, PARIS, OrderStatus.CANCELED)],
        "an order of Paris in an earlier cycle": [an_order(package, PARIS, cycle=1)],
        "an order of Paris": [an_order(package, PARIS)],
    }.get(case, [])
    await given(*rows)
    nodes = (await ask(LOCAL, "{ packages(first: 9) { nodes { viewerCanOrder } } }"))["packages"]["nodes"]
    assert nodes == ([] if case == "not in the audience" else [{"viewerCanOrder": answer}])
    central = (await ask(CENTRAL, "{ packages(first: 9) { nodes { viewerCanOrder } } }"))["packages"]["nodes"]
    assert central == [{"viewerCanOrder": case != "a passed deadline"}]  # another entity, or Lyon, still may


async def test_who_may_change_decide_and_cancel_a_package(ask: Asker, given: Any) -> None:  # [2.4, 5.5]
    package = a_package(CAMPAIGN, CENTRAL, PackageStatus.PENDING_APPROVAL)
    approval = an_approval(package)
    await given(package, approval, reviewers(approval, ADMIN))
    query = """{ packages(first: 1) { nodes { viewerCanEdit viewerCanCancel viewerCanApprove allowedActions
      approvals(first: 1) { nodes { viewerDecision } } } } }"""
    [owned] = (await ask(CENTRAL, query))["packages"]["nodes"]
    [asked] = (await ask(ADMIN, query))["packages"]["nodes"]
    assert owned == {
        "viewerCanEdit": True, "viewerCanCancel": True, "viewerCanApprove": False,
        "allowedActions": ["APPROVE", "REJECT", "WITHDRAW", "CANCEL"],
        "approvals": {"nodes": [{"viewerDecision": "NO"}]},
    }
    assert (asked["viewerCanApprove"], asked["approvals"]["nodes"]) == (True, [{"viewerDecision": "REVIEWER"}])


async def test_reviewers_and_reminders_of_a_package(ask: Asker, given: Any) -> None:  # [4.1, 5.4]
    group = a_group("Law")
    package = a_package(CAMPAIGN, CENTRAL, reminders=[
        {"anchor": "DEADLINE", "hours": 24}, {"at": "2026-03-05T08:00:00+01:00"}
    ])
    await given(group, package, reviewers(package, ADMIN, group))
    query = """{ packages(first: 1) { nodes { reminders { anchor hours at }
      reviewers { main operator { login } group { label } } } } }"""
    [node] = (await ask(CENTRAL, query))["packages"]["nodes"]
    assert node["reminders"] == [
        {"anchor": "DEADLINE", "hours": 24, "at": None},
        {"anchor": "DATE", "hours": None, "at": "2026-03-05T08:00:00+01:00"},
    ]
    assert node["reviewers"] == [
        {"main": True, "operator": {"login": ADMIN.login}, "group": None},
        {"main": False, "operator": None, "group": {"label": "Law"}},
    ]


async def test_a_local_operator_finds_under_a_campaign_its_packages_only(ask: Asker, given: Any) -> None:  # [2.3]
    first, second = a_campaign(label="A"), a_campaign(label="B")
    packages = [a_package(campaign, CENTRAL, label=campaign.label, offered_to_all=True) for campaign in (first, second)]
    await given(first, second, packages, [an_order(package, PARIS) for package in packages])
    query = """{ packages(first: 2, orderBy: LABEL_ASC) { nodes { label
      campaign { packages(first: 1) { totalCount nodes { label } } } } } }"""
    assert (await ask(LOCAL, query))["packages"]["nodes"] == [
        {"label": label, "campaign": {"packages": {"totalCount": 1, "nodes": [{"label": label}]}}} for label in "AB"
    ]
