"""The third party's type takes part in the whole main job, on a server that knows nothing of it but its package [3]."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from server.database import Database
from server.demo import documents as ask
from server.demo.client import DemoError, Person
from server.demo.main_job import People, of
from server.domain.record import Event, EventKind, TypeJob
from tests.plugins.test_third_party import environment
from tests.running import running
from tests.test_demo import network

__all__ = ["environment", "network"]
TYPES = "{ campaignTypes { name label distribution version } }"
DRAW = {"prize": "A bouquet a week", "winners": 3, "draw_on": "2099-05-01"}
SWEEPSTAKE = {
    "name": "sweepstake", "label": "Sweepstake", "distribution": "samverkan-sweepstake", "version": "1.2.0",
}


class Job:
    """A published sweepstake, and the people who take part in it."""

    def __init__(self, url: str) -> None:
        import httpx

        people, http = People(), httpx.Client(base_url=url, timeout=30)
        self.central, self.reviewer, self.store = (
            Person(http, login, people.password) for login in (people.central, people.reviewer, people.store)
        )
        [self.entity] = self.store.ask(ask.ENTITIES)["entities"]["nodes"]

    def publish(self) -> Any:
        campaign = self.central.ask(ask.CREATE_CAMPAIGN, input={"template": "sweepstake"})["campaign"]
        today = datetime.now(UTC).date()
        package = self.central.ask(ask.CREATE_PACKAGE, input={
            "campaignId": campaign["id"], "start": today.isoformat(), "end": (today + timedelta(30)).isoformat(),
            "registrationDeadline": (today + timedelta(9)).isoformat(), "entityIds": [self.entity["id"]],
        })["package"]
        package = self.central.ask(ask.SUBMIT_PACKAGE, input=of(package))["package"]
        return self.decide(self.central, package)

    def decide(self, who: Person, thing: Any) -> Any:
        [found] = [each for each in who.ask(ask.INBOX)["nodes"] if each["subject"]["id"] == thing["id"]]
        return who.ask(ask.DECIDE, input={
            "approvalId": found["id"], "revision": thing["revision"], "decision": "APPROVE",
        })["approval"]["subject"]

    def order(self, package: Any, **parameters: Any) -> Any:
        order = self.store.ask(ask.CREATE_ORDER, input={
            "packageId": package["id"], "entityId": self.entity["id"], "parameters": parameters,
        })["order"]
        return self.store.ask(ask.SUBMIT_ORDER, input=of(order))["order"]


@pytest.mark.usefixtures("network")
async def test_a_third_partys_type_takes_part_in_the_whole_main_job(
    environment: Path, database: Database, address: str, tmp_path: Path
) -> None:
    with running(address, tmp_path, environment / "packages") as url:
        job = Job(url)
        assert SWEEPSTAKE in job.central.ask(TYPES)
        order = job.order(job.publish(), **DRAW)
        assert job.decide(job.reviewer, order)["orderStatus"] == "AVAILABLE"
    async with database.reading() as session:
        message = await session.scalar(select(Event.payload).where(Event.kind == EventKind.TYPE_MESSAGE))
        task = await session.scalar(select(TypeJob.arguments).where(TypeJob.type == "sweepstake"))
    assert message == {"receivers": "ENTITY", "text": "Your sweepstake for A bouquet a week is on."}
    assert task == {"order": order["code"], "draw_on": "2099-05-01"}


@pytest.mark.usefixtures("network")
def test_a_third_partys_own_rule_refuses_an_order_at_its_field(
    environment: Path, address: str, tmp_path: Path
) -> None:  # [6.7]
    with running(address, tmp_path, environment / "packages") as url:
        job = Job(url)
        package = job.publish()
        with pytest.raises(DemoError, match="DRAW_TOO_EARLY"):
            job.order(package, **DRAW | {"draw_on": "2020-01-01"})


@pytest.mark.usefixtures("network")
def test_without_its_package_what_was_made_stays_readable_and_refuses_changes(
    environment: Path, address: str, tmp_path: Path
) -> None:  # [3.2]
    with running(address, tmp_path, environment / "packages") as url:
        job = Job(url)
        order = job.order(job.publish(), **DRAW)
    with running(address, tmp_path) as url:
        store = Job(url).store
        read = store.ask("query($id: ID!) { node(id: $id) { ... on Order { type campaignType { name } parameters } } }",
                         id=order["id"])
        assert read == {"type": "sweepstake", "campaignType": None, "parameters": DRAW | {"notice": "email"}}
        with pytest.raises(DemoError, match="TYPE_NOT_INSTALLED"):
            store.ask("mutation($i: CancelOrderInput!) { cancelOrder(input: $i) { problems { code message } } }",
                      i=of(order))
