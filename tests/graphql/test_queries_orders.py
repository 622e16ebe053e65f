"""What queries tell of orders, their target lists and campaigns, of approvals and history."""

from typing import Any

import pytest

from server.campaign_type import LastTab, Need, PackageRules
from server.domain.approval import ApprovalStatus, ApprovalSubject
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.package import ApprovalMode
from server.domain.record import SubjectKind
from server.graphql.ids import encode
from tests.builders import (
    DAY,
    NOW,
    a_campaign,
    a_contact,
    a_distribution,
    a_distribution_row,
    a_document,
    a_group,
    a_history,
    a_package,
    a_target,
    an_approval,
    an_order,
    linked,
    members,
    reviewers,
)
from tests.graphql.asking import Asker
from tests.graphql.stage import CAMPAIGN, CENTRAL, LOCAL, LYON, PARIS


def id_of(kind: str, row: Any) -> str:
    return encode(kind, row.id)


async def test_local_operators_list_their_orders_central_lists_all(ask: Asker, given: Any) -> None:  # [6.8]
    packages = [a_package(CAMPAIGN, CENTRAL), a_package(CAMPAIGN, CENTRAL)]
    await given(packages, [an_order(package, entity) for package in packages for entity in (PARIS, LYON)])
    query = "query ($package: [ID!]) { orders(first: 9, filter: {package: $package}) { totalCount } }"
    assert await ask(CENTRAL, query) == {"orders": {"totalCount": 4}}
    assert await ask(CENTRAL, query, package=[id_of("Package", packages[0])]) == {"orders": {"totalCount": 2}}
    assert await ask(LOCAL, query) == {"orders": {"totalCount": 2}}


async def test_orders_by_status_type_entity_and_date(ask: Asker, given: Any) -> None:  # [6.8]
    simple = a_campaign(type="simple")
    packages = [a_package(CAMPAIGN, CENTRAL), a_package(simple, CENTRAL)]
    orders = [
        an_order(packages[0], PARIS, label="a"), an_order(packages[0], LYON, OrderStatus.DRAFT, label="b"),
        an_order(packages[1], LYON, label="c", submitted_at=NOW),
    ]
    await given(simple, packages, orders, an_approval(orders[0], deadline=NOW - DAY))

    async def labels(chosen: str) -> list[str]:
        query = f"{{ orders(first: 9, orderBy: LABEL_ASC, filter: {{{chosen}}}) {{ nodes {{ label }} }} }}"
        return [node["label"] for node in (await ask(CENTRAL, query))["orders"]["nodes"]]

    assert await labels("status: [DRAFT]") == ["b"]
    assert await labels('type: ["simple"]') == ["c"]
    assert await labels(f'entity: ["{id_of("Entity", PARIS)}"]') == ["a"]
    assert await labels("late: true") == ["a"]
    assert await labels('submitted: {since: "2026-03-02T09:00:00Z", until: "2026-03-02T09:00:00Z"}') == ["c"]


@pytest.mark.parametrize(("contacts", "costs"), [(None, {"email": 250}), (5, {"letter": 250})])
async def test_without_a_list_or_a_unit_cost_nothing_is_estimated(  # [6.1]
    ask: Asker, given: Any, contacts: int | None, costs: dict[str, int]
) -> None:
    campaign = a_campaign(unit_costs=costs)
    package = a_package(campaign, CENTRAL)
    await given(campaign, package, an_order(package, PARIS, approved_contacts=contacts))
    answer = await ask(CENTRAL, "{ orders(first: 1) { nodes { estimatedCost { amount } } } }")
    assert answer["orders"]["nodes"] == [{"estimatedCost": None}]


async def test_an_order_keeps_what_it_knows_when_its_package_is_out_of_sight(ask: Asker, given: Any) -> None:  # [2.2]
    campaign = a_campaign(type="by_form", unit_costs={"email": 250})
    package = a_package(campaign, CENTRAL, PackageStatus.CANCELED)
    await given(campaign, package, an_order(package, PARIS, label="Mine", approved_contacts=5))
    query = "{ orders(first: 1) { nodes { label package { id } type estimatedCost { amount currency } } } }"
    assert (await ask(LOCAL, query))["orders"]["nodes"] == [
        {"label": "Mine", "package": None, "type": "by_form", "estimatedCost": {"amount": 1250, "currency": "EUR"}}
    ]


async def test_who_may_change_decide_and_cancel_an_order(ask: Asker, given: Any) -> None:  # [2.4, 5.6, 6.5]
    group = a_group()
    package = a_package(CAMPAIGN, CENTRAL, approval_mode=ApprovalMode.AUTOMATIC, registration_deadline=NOW - DAY)
    order = an_order(package, PARIS, OrderStatus.APPROVED)
    asked = an_order(package, LYON)
    approval = an_approval(asked)
    luc = linked(LOCAL, LYON)
    await given(package, order, asked, approval, group, members(group, LOCAL), reviewers(approval, group), luc)
    query = """{ orders(first: 2, orderBy: STATUS_ASC) {
      nodes { status viewerCanEdit viewerCanCancel viewerCanApprove } } }"""
    assert [tuple(node.values()) for node in (await ask(LOCAL, query))["orders"]["nodes"]] == [
        ("APPROVED", False, False, False), ("ORDERED", True, False, True),
    ]
    assert [tuple(node.values()) for node in (await ask(CENTRAL, query))["orders"]["nodes"]] == [
        ("APPROVED", False, True, False), ("ORDERED", True, True, True),
    ]


async def test_documents_have_an_address(ask: Asker, given: Any) -> None:
    package = a_package(CAMPAIGN, CENTRAL)
    document = a_document(package, "plan.pdf", late=True, uploaded_by_id=CENTRAL.id)
    await given(package, document)
    query = "{ packages(first: 1) { nodes { documents(first: 5) { nodes { name url late uploadedBy { name } } } } } }"
    [node] = (await ask(CENTRAL, query))["packages"]["nodes"]
    assert node["documents"]["nodes"] == [{
        "name": "plan.pdf", "url": f"/documents/{id_of('Document', document)}", "late": True,
        "uploadedBy": {"name": "Carla"},
    }]


async def test_approved_targets_and_target_lists(ask: Asker, given: Any) -> None:  # [9.14, 9.18]
    package = a_package(CAMPAIGN, CENTRAL)
    order = an_order(
        package, PARIS, targeted_contacts=3, approved_contacts=2, confirmed_at=NOW, confirmed_by_id=LOCAL.id
    )
    contacts = [a_contact(PARIS, first_name=name, city=city, score=score)
                for name, city, score in (("Ann", "Paris", 1), ("Bob", "Lille", 2), ("Cid", "Paris", 3))]
    targets = [a_target(order, contact, place, kept=place != 2, grouping=contact.city)
               for place, contact in enumerate(contacts, 1)]
    await given(package, order, an_order(package, LYON), contacts, targets)
    query = """query ($filter: TargetFilter) { packages(first: 1) { nodes { approvedTargets(first: 9) { nodes {
      targetedContacts approvedContacts confirmedBy { name }
      groupings { grouping contacts kept }
      contacts(first: 9, filter: $filter) { totalCount nodes { position kept contact { firstName } } } } } } } }"""

    async def listed(**chosen: Any) -> list[str]:
        data = await ask(CENTRAL, query, filter=chosen)
        [targets] = data["packages"]["nodes"][0]["approvedTargets"]["nodes"]
        assert targets["contacts"]["totalCount"] == len(targets["contacts"]["nodes"])
        return [node["contact"]["firstName"] for node in targets["contacts"]["nodes"]]

    [approved] = (await ask(CENTRAL, query))["packages"]["nodes"][0]["approvedTargets"]["nodes"]
    assert (approved["targetedContacts"], approved["approvedContacts"]) == (3, 2)
    assert approved["confirmedBy"] == {"name": "Luc"}
    assert approved["groupings"] == [
        {"grouping": "Lille", "contacts": 1, "kept": 0}, {"grouping": "Paris", "contacts": 2, "kept": 2},
    ]
    assert await listed() == ["Ann", "Bob", "Cid"]
    assert await listed(kept=False) == ["Bob"]
    assert await listed(text="ci") == ["Cid"]
    assert await listed(grouping=["Paris"]) == ["Ann", "Cid"]
    assert await listed(contact={"field": "score", "operator": "GE", "value": 2}) == ["Bob", "Cid"]


async def test_a_contact_filter_with_faults_is_refused_at_its_field(ask: Asker) -> None:
    query = "query ($filter: ContactFilter) { contacts(first: 9, filter: $filter) { totalCount } }"
    filter = {"contact": {"field": "password", "operator": "EQ", "value": "x"}}
    assert await ask.refused(CENTRAL, query, filter=filter) == [("BAD_USER_INPUT", ["contacts"])]


async def test_linked_campaigns_and_where_their_fields_come_from(ask: Asker, given: Any) -> None:  # [9.9, 9.10]
    package = a_package(CAMPAIGN, CENTRAL, locked_fields=["label", "content"])
    child = a_campaign("Spring in Paris", "by_form", entity_id=PARIS.id, parent_id=CAMPAIGN.id, overrides=["targeting"],
                       budget=5_000_000_000 // 10, unit_costs={"email": 3})
    await given(package, child, an_order(package, PARIS, OrderStatus.AVAILABLE, campaign_id=child.id))
    query = """{ campaigns(first: 9, filter: {isTemplate: false, parent: null}, orderBy: LABEL_ASC) { nodes { label
      children(first: 9) { nodes { label entity { label } parent { label } budget { amount currency }
        unitCosts { channel cost { amount } } fieldOrigins { field origin } } } fieldOrigins { field } } } }"""
    parent = (await ask(CENTRAL, query))["campaigns"]["nodes"][0]
    assert (parent["label"], parent["fieldOrigins"]) == ("Spring", [])
    [linked_campaign] = parent["children"]["nodes"]
    origins = {each["field"]: each["origin"] for each in linked_campaign.pop("fieldOrigins")}
    assert linked_campaign == {
        "label": "Spring in Paris", "entity": {"label": "Paris"}, "parent": {"label": "Spring"},
        "budget": {"amount": 500_000_000, "currency": "EUR"},
        "unitCosts": [{"channel": "email", "cost": {"amount": 3}}],
    }
    assert (origins["label"], origins["targeting"], origins["start"]) == ("LOCKED", "OVERRIDDEN", "INHERITED")


async def test_data_distributions_with_their_rows(ask: Asker, given: Any) -> None:  # [9.12]
    distribution = a_distribution(label="By store")
    rows = [a_distribution_row(distribution, value, position=place, size=place, entity_id=entity.id)
            for place, (value, entity) in enumerate((("75", PARIS), ("69", LYON)), 1)]
    await given(distribution, rows)
    query = """{ dataDistributions(first: 9) { nodes { label assignment sizeKind
      rows(first: 9) { totalCount nodes { value size entity { label } } } } } }"""
    assert (await ask(CENTRAL, query))["dataDistributions"]["nodes"] == [{
        "label": "By store", "assignment": "LOCAL_ENTITY", "sizeKind": "FIXED",
        "rows": {"totalCount": 2, "nodes": [
            {"value": "75", "size": 1, "entity": {"label": "Paris"}},
            {"value": "69", "size": 2, "entity": {"label": "Lyon"}},
        ]},
    }]
    assert (await ask(LOCAL, query))["dataDistributions"]["nodes"] == []


async def test_the_inbox_shows_what_waits_for_me_late_first_of_all_subjects(ask: Asker, given: Any) -> None:  # [5.8]
    package = a_package(CAMPAIGN, CENTRAL, PackageStatus.PENDING_APPROVAL, label="pending")
    order, target = an_order(package, PARIS, label="order"), an_order(package, LYON, label="target")
    await given(
        package, order, target, an_approval(package, deadline=NOW + DAY), an_approval(order, deadline=NOW - DAY),
        an_approval(target, ApprovalSubject.TARGET), an_approval(package, status=ApprovalStatus.APPROVED),
    )
    query = """query ($filter: InboxFilter) { approvals(first: 9, filter: $filter) { nodes { kind isLate status
      subject { __typename ... on Package { label } ... on Order { label package { code } } } } } }"""
    waiting = [(node["kind"], node["isLate"], node["subject"]["label"])
               for node in (await ask(CENTRAL, query))["approvals"]["nodes"]]
    assert waiting == [("ORDER", True, "order"), ("PACKAGE", False, "pending")]
    all_of_them = (await ask(CENTRAL, query, filter={"waitingForMe": False}))["approvals"]["nodes"]
    assert len(all_of_them) == 4
    late = (await ask(CENTRAL, query, filter={"waitingForMe": False, "late": True}))["approvals"]["nodes"]
    assert [node["subject"]["label"] for node in late] == ["order"]
    targets = (await ask(CENTRAL, query, filter={"waitingForMe": False, "subject": ["TARGET"]}))["approvals"]["nodes"]
    assert [node["subject"]["label"] for node in targets] == ["target"]


async def test_history_tells_who_did_what_to_which_object(ask: Asker, given: Any) -> None:  # [12.1]
    package = a_package(CAMPAIGN, CENTRAL, label="Easter")
    entry = a_history(
        SubjectKind.PACKAGE, package, "EDIT", actor_id=CENTRAL.id, comment="New owner",
        before={"owner_id": None, "start_targeting_with_approval": False}, after={"owner_id": str(CENTRAL.id)},
    )
    await given(package, entry, a_history(SubjectKind.ENTITY, PARIS, "EDIT"))
    query = """query ($subject: [ID!]) { history(first: 9, filter: {subject: $subject}) { nodes { action comment kind
      actor { name } subject { __typename ... on Package { label } } before after } } }"""
    data = await ask(CENTRAL, query, subject=[id_of("Package", package)])
    assert data["history"]["nodes"] == [{
        "action": "EDIT", "comment": "New owner", "kind": "PACKAGE", "actor": {"name": "Carla"},
        "subject": {"__typename": "Package", "label": "Easter"},
        "before": {"ownerId": None, "startTargetingWithApproval": False},
        "after": {"ownerId": id_of("Operator", CENTRAL)},
    }]


def test_rules_of_a_type_that_are_optional_by_contract() -> None:
    """What clients read as `rules` is the contract's own object: a new rule needs a field."""
    from server.graphql.types.campaign_types import PackageRulesType

    shown = {field.python_name for field in PackageRulesType.__strawberry_definition__.fields}  # type: ignore[attr-defined]
    assert shown == set(PackageRules.__slots__)
    assert (PackageRules().audience, PackageRules().last_tab) == (Need.REQUIRED, LastTab.ORDERS)
