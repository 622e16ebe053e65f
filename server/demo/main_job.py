"""Walks the main job for all four campaign types and tells what happens, step by step, with codes, ids and statuses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from server.demo import documents as ask
from server.demo.client import DemoError, Person

FORM = [
    {"name": "headline", "label": "Headline", "kind": "TEXT", "required": True, "maxLength": 60},
    {"name": "discount", "label": "Discount in %", "kind": "INTEGER", "minimum": 0, "maximum": 50, "default": 10},
]
Say = Callable[[str], None]


@dataclass(frozen=True)
class People:
    """Who plays which part; the defaults are operators of the example network."""

    central: str = "ingrid"
    approver: str = "mats"
    reviewer: str = "region.north"
    store: str = "store.lulea"
    password: str = "fjallklover-demo"  # noqa: S105 (of invented operators)


def run(url: str, say: Say, people: People) -> None:
    """Runs the whole job against a server; DemoError with one clear line when it cannot go on."""
    with httpx.Client(base_url=url, timeout=30) as http:
        MainJob(http, say, people).run()


class MainJob:
    def __init__(self, http: httpx.Client, say: Say, people: People) -> None:
        self.say = say
        self.central, self.approver, self.reviewer, self.store = (
            Person(http, login, people.password)
            for login in (people.central, people.approver, people.reviewer, people.store)
        )
        [self.entity] = self.store.ask(ask.ENTITIES)["entities"]["nodes"]
        [self.reviewers] = self.central.ask(ask.REVIEWERS)["nodes"]
        self.now = datetime.now(UTC)

    def run(self) -> None:
        self.simple()
        self.by_form()
        self.by_campaign()
        self.by_target_approval()

    def simple(self) -> None:
        self.say("[b]Simple[/b]: an order is participation")
        package = self.published("opCollaborativeSimple", "Spring sale")
        self.ordered(package, comment="Count us in")

    def by_form(self) -> None:
        self.say("[b]By form[/b]: the entity fills in the campaign's form")
        package = self.published("opCollaborativeByForm", "Mother's day", form=FORM)
        self.ordered(package, parameters={"headline": "Flowers for mum", "discount": 20})

    def by_campaign(self) -> None:
        self.say("[b]By campaign[/b]: each entity gets a child campaign of its own")
        package = self.published("opCollaborativeByCampaign", "Summer opening", form=FORM)
        self.ordered(package, parameters={"headline": "Open all summer"})

    def by_target_approval(self) -> None:
        self.say("[b]By target approval[/b]: each entity trims and confirms its list of contacts")
        distribution = self.central.ask(ask.CREATE_DISTRIBUTION, input={
            "label": "Ten best customers of each store", "field": "entity",
            "rows": [{"value": self.entity["code"], "size": 10, "entityId": self.entity["id"]}],
        })["dataDistribution"]
        self.tell(self.central, "makes the data distribution", distribution)
        package = self.published(
            "opCollaborativeByTargetApproval", "VIP evening", dataDistributionId=distribution["id"]
        )
        started = self.central.ask(ask.START_CAMPAIGN, input=of(package["campaign"]))
        self.tell(self.central, "starts the campaign, which spreads its contacts", started["campaign"])
        [order] = self.store.ask(ask.LISTS, package=package["id"])["nodes"]
        self.tell(self.store, f"finds a list of {order['targetedContacts']} contacts", order)
        removed = order["contacts"]["nodes"][0]["contact"]
        order = self.store.ask(ask.DECIDE_CONTACTS, input={
            "orderId": order["id"], "keep": False, "contactIds": [removed["id"]], "reason": "Moved away",
        })["order"]
        self.tell(self.store, f"removes {removed['email']}, {order['approvedContacts']} contacts stay", order)
        order = self.store.ask(ask.CONFIRM_TARGETS, input=of(order))["order"]
        self.tell(self.store, "confirms the list", order)
        self.decided(self.reviewer, order)

    def published(self, template: str, label: str, **campaign: Any) -> Any:
        """A package of a new campaign, submitted and approved, and so published."""
        reference = self.central.ask(ask.CREATE_CAMPAIGN, input={
            "template": template, "label": label, "end": self.day(60), **campaign,
        })["campaign"]
        self.tell(self.central, "makes the campaign", reference)
        window: dict[str, Any] = {
            "start": self.day(0), "end": self.day(30), "reviewers": [{"groupId": self.reviewers["id"]}],
        }
        if reference["type"] != "by_target_approval":
            window |= {"registrationDeadline": self.day(14), "entityIds": [self.entity["id"]]}
        package = self.central.ask(ask.CREATE_PACKAGE, input={"campaignId": reference["id"], **window})["package"]
        self.tell(self.central, "offers it in the package", package)
        package = self.central.ask(ask.SUBMIT_PACKAGE, input=of(package))["package"]
        self.tell(self.central, "submits it", package)
        self.decided(self.approver, package)
        return package | {"campaign": reference}

    def ordered(self, package: Any, **fields: Any) -> None:
        """The store finds the package in its catalogue, orders it, and a reviewer approves."""
        catalogue = self.store.ask(ask.CATALOGUE)["nodes"]
        [found] = [each for each in catalogue if each["id"] == package["id"]]
        self.tell(self.store, "sees it in the catalogue", found)
        order = self.store.ask(ask.CREATE_ORDER, input={
            "packageId": package["id"], "entityId": self.entity["id"], **fields,
        })["order"]
        self.tell(self.store, f"drafts an order with {order['parameters'] or 'no parameters'}", order)
        order = self.store.ask(ask.SUBMIT_ORDER, input=of(order))["order"]
        self.tell(self.store, "submits it", order)
        self.decided(self.reviewer, order)

    def decided(self, who: Person, thing: Any) -> None:
        """A reviewer finds the question in the inbox and approves."""
        waiting = who.ask(ask.INBOX)["nodes"]
        found = next((each for each in waiting if each["subject"]["id"] == thing["id"]), None)
        if found is None:
            raise DemoError(f"{who.login} finds no approval of {thing['code']} in the inbox")
        self.say(f"  {who.name} finds it in the inbox, to be decided by {found['deadline'][:16].replace('T', ' ')} UTC")
        approval = who.ask(ask.DECIDE, input={
            "approvalId": found["id"], "revision": found["subject"]["revision"], "decision": "APPROVE",
        })["approval"]
        subject = approval["subject"]
        status = subject.get("packageStatus") or subject.get("orderStatus")
        self.tell(who, "approves it", subject | {"status": status})
        if campaign := subject.get("campaign"):
            self.tell(self.store, "takes part in the campaign", campaign)

    def day(self, days: int) -> str:
        return (self.now + timedelta(days=days)).date().isoformat()

    def tell(self, who: Person, what: str, thing: Any) -> None:
        status = f" · {thing['status']}" if "status" in thing else ""
        identity = f" · id {thing['id']}" if "id" in thing else ""
        self.say(f"  {who.name} {what}: {thing.get('label', '')} ({thing['code']}){status}{identity}")


def of(thing: Any) -> dict[str, Any]:
    """The input that names an object in the revision that was read."""
    return {"id": thing["id"], "revision": thing["revision"]}
