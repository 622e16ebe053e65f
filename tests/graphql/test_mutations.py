"""What every mutation shares: payloads and problems, dry runs, idempotency keys, lost updates, scope."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from server.app import create_app
from server.database import Database
from server.domain.campaign import Campaign
from server.domain.lifecycles import PackageStatus
from server.domain.network import Entity, Operator, Right
from server.domain.order import IdempotencyKey, Order
from server.domain.package import Package
from server.domain.record import Event, History
from server.identity.logins import Logins
from server.identity.passwords import hash_password
from server.plugins import CampaignTypes
from server.services.templates import ensure_templates
from server.settings import Settings
from tests.builders import (
    NOW,
    a_campaign,
    a_package,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    given,
    linked,
    offered,
)
from tests.graphql.api import Api, global_id

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)
FORM = [{"name": "visit_date", "label": "Date", "kind": "DATE", "required": True},
        {"name": "guests", "label": "Guests", "kind": "INTEGER", "maximum": 200, "default": 30}]


@dataclass
class Stage:
    """A head office, two stores, people, and a published package of the simple type."""

    anna: Operator
    ada: Operator
    paula: Operator
    paris: Entity
    lyon: Entity
    campaign: Campaign
    package: Package


@pytest.fixture
async def stage(database: Database, types: CampaignTypes) -> Stage:
    paris, lyon = an_entity("Paris"), an_entity("Lyon")
    anna, ada, paula = (
        an_operator(right, login=login, password_hash=HASH)
        for login, right in (("anna", Right.CENTRAL), ("ada", Right.ADMIN), ("paula", Right.LOCAL))
    )
    campaign = a_campaign(max_reviewers=3, max_documents=3)
    package = a_package(campaign, anna)
    async with database.transaction() as session:
        await ensure_templates(session, types, NOW)
    await given(
        database, paris, lyon, anna, ada, paula, linked(paula, paris), campaign, package, offered(package, paris, lyon)
    )
    return Stage(anna, ada, paula, paris, lyon, campaign, package)


@pytest.fixture
async def api(settings: Settings, database: Database) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(create_app(settings, lambda: NOW))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        yield Api(client, Logins(database, settings), PASSWORD)


async def count(database: Database, table: Any) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_the_main_job_from_a_campaign_to_an_available_order(api: Api, stage: Stage) -> None:  # [4.4, 6.2]
    anna, paula = stage.anna, stage.paula
    made = await api(anna, "createCampaign", "campaign { id type form { version } }",
                     template="opCollaborativeByForm", label="Evening", form=FORM)
    assert made["campaign"]["type"] == "by_form"
    package = (await api(
        anna, "createPackage", "package { id revision status }", campaignId=made["campaign"]["id"],
        entityIds=[global_id(stage.paris)], start="2026-03-01", end="2026-04-30", registrationDeadline="2026-04-01",
    ))["package"]
    submitted = (await api(
        anna, "submitPackage", "package { status revision approvals(first: 1) { nodes { id } } }",
        id=package["id"], revision=package["revision"],
    ))["package"]
    assert submitted["status"] == "PENDING_APPROVAL"
    [question] = submitted["approvals"]["nodes"]
    decided = await api(anna, "decideApproval", "approval { status subject { ... on Package { status } } }",
                        approvalId=question["id"], revision=submitted["revision"], decision="APPROVE")
    assert decided["approval"] == {"status": "APPROVED", "subject": {"status": "PUBLISHED"}}
    order = (await api(
        paula, "createOrder", "order { id revision status parameters }", packageId=package["id"],
        entityId=global_id(stage.paris), parameters={"visit_date": "2026-05-01"},
    ))["order"]
    assert order["parameters"]["guests"] == 30
    ordered = (await api(
        paula, "submitOrder", "order { status revision approvals(first: 1) { nodes { id } } }",
        id=order["id"], revision=order["revision"],
    ))["order"]
    [question] = ordered["approvals"]["nodes"]
    decided = await api(anna, "decideApproval", "approval { subject { ... on Order { status campaign { label } } } }",
                        approvalId=question["id"], revision=ordered["revision"], decision="APPROVE")
    assert decided["approval"]["subject"] == {"status": "AVAILABLE", "campaign": {"label": "Evening"}}


async def test_problems_come_all_at_once_at_the_fields_of_the_input(api: Api, stage: Stage) -> None:
    refused = await api(
        stage.anna, "createPackage", "package { id }", campaignId=global_id(stage.campaign), label="",
        start="2026-04-01", end="2026-03-01", approvalDelayHours=-1,
    )
    assert refused["package"] is None
    assert {"label", "end", "approvalDelayHours"} <= {problem["path"][0] for problem in refused["problems"]}


async def test_below_parameters_the_names_of_the_form_stay_as_they_are(api: Api, stage: Stage) -> None:  # [6.7]
    made = await api(stage.anna, "createCampaign", "campaign { id }", template="opCollaborativeByForm", form=FORM)
    package = await api(
        stage.anna, "createPackage", "package { id revision }", campaignId=made["campaign"]["id"],
        entityIds=[global_id(stage.paris)], start="2026-03-01", end="2026-04-30", registrationDeadline="2026-04-01",
    )
    submitted = await api(stage.anna, "submitPackage", "package { revision approvals(first: 1) { nodes { id } } }",
                          **package["package"])
    [question] = submitted["package"]["approvals"]["nodes"]
    await api(stage.anna, "decideApproval", "approval { id }", approvalId=question["id"],
              revision=submitted["package"]["revision"], decision="APPROVE")
    refused = await api(
        stage.paula, "createOrder", "order { id }", packageId=package["package"]["id"],
        entityId=global_id(stage.paris), parameters={"visit_date": "tomorrow", "guests": 500},
    )
    paths = sorted(problem["path"] for problem in refused["problems"])
    assert paths == [["parameters", "guests"], ["parameters", "visit_date"]]


async def test_a_change_of_a_stale_revision_names_what_differs(api: Api, stage: Stage) -> None:  # [5.7]
    package = {"id": global_id(stage.package), "revision": 1}
    await api(stage.anna, "updatePackage", "package { revision }", message="First", **package)
    refused = await api(stage.anna, "updatePackage", "package { revision }", message="Second", **package)
    [problem] = refused["problems"]
    assert (problem["code"], problem["path"]) == ("STALE_REVISION", ["revision"])
    assert "message" in problem["message"]


async def test_two_changes_at_once_do_not_overwrite_each_other(api: Api, stage: Stage) -> None:
    package = {"id": global_id(stage.package), "revision": 1}
    answers = await asyncio.gather(*(
        api(stage.anna, "updatePackage", "package { message }", message=text, **package) for text in ("one", "two")
    ))
    assert sorted(len(answer["problems"]) for answer in answers) == [0, 1]
    [refused] = [answer for answer in answers if answer["problems"]]
    assert refused["problems"][0]["code"] == "STALE_REVISION"


async def test_an_entity_that_orders_twice_at_once_holds_one_order(
    api: Api, stage: Stage, database: Database
) -> None:  # [6.3]
    order = {"packageId": global_id(stage.package), "entityId": global_id(stage.paris)}
    answers = await asyncio.gather(*(api(stage.paula, "createOrder", "order { id }", **order) for _ in range(3)))
    codes = sorted(problem["code"] for answer in answers for problem in answer["problems"])
    assert codes == ["ALREADY_ORDERED", "ALREADY_ORDERED"]
    assert await count(database, Order) == 1


async def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    api: Api, stage: Stage, database: Database
) -> None:  # [10.3]
    order = await api(stage.paula, "createOrder", "order { code }", packageId=global_id(stage.package),
                      entityId=global_id(stage.paris))
    before = [await count(database, table) for table in (History, Event)]
    selection = """package { status orders(first: 5) { nodes { status } } }
        impact { orders packages items { kind code change } }"""
    told = await api(
        stage.anna, "cancelPackage", selection,
        id=global_id(stage.package), revision=1, comment="Rain", dryRun=True,
    )
    assert told["package"] == {"status": "CANCELED", "orders": {"nodes": [{"status": "CANCELED"}]}}
    assert (told["impact"]["orders"], told["impact"]["packages"]) == (1, 1)
    assert {"kind": "ORDER", "code": order["order"]["code"], "change": "CANCELED"} in told["impact"]["items"]
    assert [await count(database, table) for table in (History, Event)] == before
    async with database.reading() as session:
        assert await session.scalar(select(Package.status)) is PackageStatus.PUBLISHED


async def test_a_real_run_tells_its_impact_too(api: Api, stage: Stage) -> None:
    done = await api(stage.anna, "cancelPackage", "package { status } impact { packages }",
                     id=global_id(stage.package), revision=1, comment="Rain")
    assert (done["package"]["status"], done["impact"]["packages"]) == ("CANCELED", 1)


async def test_a_mutation_that_is_repeated_with_its_key_is_done_once(
    api: Api, stage: Stage, database: Database
) -> None:
    campaign = {"template": "opCollaborativeSimple", "label": "Spring", "idempotencyKey": "k"}
    before = await count(database, Campaign)
    first = await api(stage.anna, "createCampaign", "campaign { code }", **campaign)
    assert await api(stage.anna, "createCampaign", "campaign { code }", **campaign) == first
    assert await count(database, Campaign) == before + 1


async def test_a_mutation_that_comes_twice_at_once_with_one_key_is_done_once(
    api: Api, stage: Stage, database: Database
) -> None:
    campaign = {"template": "opCollaborativeSimple", "label": "Spring", "idempotencyKey": "k"}
    before = await count(database, Campaign)
    answers = await asyncio.gather(*(
        api(stage.anna, "createCampaign", "campaign { code }", **campaign) for _ in range(3)
    ))
    assert answers == [answers[0]] * 3
    assert await count(database, Campaign) == before + 1


async def test_a_key_belongs_to_one_input_of_one_mutation_of_one_operator(api: Api, stage: Stage) -> None:
    campaign = {"template": "opCollaborativeSimple", "idempotencyKey": "k"}
    first = await api(stage.anna, "createCampaign", "campaign { id code }", label="Spring", **campaign)
    other = await api(stage.anna, "createCampaign", "campaign { id }", label="Summer", **campaign)
    copied = await api(stage.anna, "duplicateCampaign", "campaign { id }", id=first["campaign"]["id"], label="Copy",
                       idempotencyKey="k")
    for refused in (other, copied):
        assert [(each["code"], each["path"]) for each in refused["problems"]] == [
            ("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
        ]
    foreign = await api(stage.ada, "createCampaign", "campaign { code }", label="Spring", **campaign)
    assert foreign["campaign"]["code"] != first["campaign"]["code"]


async def test_a_refused_or_rehearsed_mutation_does_not_use_up_its_key(api: Api, stage: Stage) -> None:
    package = {"id": global_id(stage.package), "comment": "Rain", "idempotencyKey": "k"}
    await api(stage.anna, "cancelPackage", "package { id }", revision=9, **package)
    await api(stage.anna, "cancelPackage", "package { id }", revision=1, dryRun=True, **package)
    done = await api(stage.anna, "cancelPackage", "package { status }", revision=1, **package)
    assert done["package"] == {"status": "CANCELED"}


async def test_a_deleted_draft_stays_deleted_for_whoever_repeats_it(api: Api, stage: Stage) -> None:
    order = (await api(stage.paula, "createOrder", "order { id revision }", packageId=global_id(stage.package),
                       entityId=global_id(stage.paris)))["order"]
    for _ in range(2):
        gone = await api(stage.paula, "deleteOrder", "deletedId", idempotencyKey="k", **order)
        assert gone == {"deletedId": order["id"], "problems": []}
    assert await api.error(stage.paula, "deleteOrder", "deletedId", **order) == "NOT_FOUND"


async def test_no_fast_hash_of_a_password_is_stored(api: Api, stage: Stage, database: Database) -> None:
    account = {"login": "bea", "name": "Bea", "right": "ADMIN", "idempotencyKey": "k"}
    hashes = []
    for password in ("staple the battery", "horse the staple"):
        await api(stage.ada, "createOperator", "operator { login }", password=password, **account)
        async with database.reading() as session:
            hashes.append(await session.scalar(select(IdempotencyKey.input_hash)))
    assert hashes[0] == hashes[1]


async def test_several_decisions_have_a_result_each(api: Api, stage: Stage) -> None:  # [5.2]
    questions = []
    for entity in (stage.paris, stage.lyon):
        order = (await api(stage.anna, "createOrder", "order { id revision }", packageId=global_id(stage.package),
                           entityId=global_id(entity)))["order"]
        selection = "order { revision approvals(first: 1) { nodes { id } } }"
        submitted = await api(stage.anna, "submitOrder", selection, **order)
        [question] = submitted["order"]["approvals"]["nodes"]
        questions.append((question["id"], submitted["order"]["revision"]))
    (first, revision), (second, _) = questions
    answer = await api(
        stage.anna, "decideApprovals", "results { approvalId approval { status } problems { code } }",
        decisions=[{"approvalId": first, "revision": revision, "decision": "APPROVE"},
                   {"approvalId": second, "revision": 99, "decision": "APPROVE"},
                   {"approvalId": second, "revision": revision, "decision": "REJECT", "comment": "Too far"}],
    )
    assert answer["results"] == [
        {"approvalId": first, "approval": {"status": "APPROVED"}, "problems": []},
        {"approvalId": second, "approval": None, "problems": [{"code": "STALE_REVISION"}]},
        {"approvalId": second, "approval": {"status": "REJECTED"}, "problems": []},
    ]


async def test_decisions_that_come_at_once_are_answered_each_for_itself(
    api: Api, stage: Stage, database: Database
) -> None:
    orders = [an_order(stage.package, place) for place in (stage.paris, stage.lyon)]
    questions = [an_approval(order) for order in orders]
    pending = a_package(stage.campaign, stage.anna, PackageStatus.PENDING_APPROVAL)
    await given(database, orders, questions, pending, about := an_approval(pending))
    answers = await asyncio.gather(*(
        api(who, "decideApproval", "approval { status } problems { code }",
            approvalId=global_id(question), revision=1, decision="REJECT", comment="Too dear")
        for question in (*questions, about) for who in (stage.anna, stage.ada)
    ))
    told = [answer["approval"]["status"] if answer["approval"] else answer["problems"][0]["code"] for answer in answers]
    assert [sorted(pair) for pair in zip(told[::2], told[1::2], strict=True)] == [["ALREADY_DECIDED", "REJECTED"]] * 3


async def test_errors_that_are_no_refusals_stand_beside_the_data(api: Api, stage: Stage) -> None:  # [2.3]
    update = {"id": global_id(stage.package), "revision": 1, "message": "x"}
    assert await api.error(stage.paula, "updatePackage", "package { id }", **update) == "NOT_ALLOWED"
    unknown = global_id(stage.package)[:-4] + global_id(stage.campaign)[-4:]
    assert await api.error(stage.anna, "updatePackage", "package { id }", **update | {"id": unknown}) in (
        "NOT_FOUND", "BAD_USER_INPUT"
    )
    wrong = await api.error(stage.anna, "updatePackage", "package { id }", **update | {"id": global_id(stage.campaign)})
    assert wrong == "BAD_USER_INPUT"
    foreign = {"packageId": global_id(stage.package), "entityId": global_id(stage.lyon)}
    assert await api.error(stage.paula, "createOrder", "order { id }", **foreign) == "NOT_FOUND"
