"""From what was gathered to the variables of one message: what its receiver may know, in their own words [2.3]."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from server.campaign_type import Field, FieldKind
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Operator, Right
from server.domain.notification import Notification
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.domain.permissions import can_edit_order
from server.domain.record import Event, EventKind
from server.notifications.links import Links
from server.notifications.wording.facts import NOTHING, DocumentFact, Facts, Parameter, Thing
from server.notifications.wording.gathering import OFFERS, ORDERS, Gathered
from server.notifications.wording.languages import answer_in, moment_in, number_in
from server.notifications.wording.rich_text import RichText
from server.plugins import CampaignTypes

K = EventKind
ASKS = frozenset({
    K.PACKAGE_SUBMITTED, K.PACKAGE_APPROVAL_REMINDER, K.ORDER_SUBMITTED, K.ORDER_APPROVAL_REMINDER,
    K.REVIEWERS_CHANGED,
})
LISTS = frozenset({K.TARGET_APPROVAL_ASKED, K.TARGET_APPROVAL_REMINDER, K.DELIVERY_FEEDBACK})
FAREWELLS = frozenset({K.REGISTRATION_DEADLINE_REACHED, K.PACKAGE_CANCELED})
"""What people are told of a package that they could see until then."""
HEAD_OFFICE = {"en": "the head office", "sv": "huvudkontoret"}
SOMEBODY = {"en": "another operator", "sv": "en annan användare"}


class Telling:
    """One notification in one language."""

    def __init__(
        self, notification: Notification, it: Gathered, language: str, links: Links, types: CampaignTypes,
        zone: ZoneInfo,
    ) -> None:
        self.it, self.language, self.links, self.types = it, language, links, types
        self.notification = notification
        self.event: Event = it.events[notification.event_id]
        self.receiver: Operator = it.operators[notification.operator_id]
        self.package = it.packages.get(self.event.package_id) if self.event.package_id else None
        self.order = it.orders.get(self.event.order_id) if self.event.order_id else None
        self.entity = it.entities.get(notification.entity_id) if notification.entity_id else None
        self.zone = ZoneInfo(self.entity.time_zone) if self.entity else zone

    def facts(self) -> Facts:
        event, payload = self.event, self.event.payload
        return Facts(
            receiver=self.receiver.name, actor=self._actor(), happened_at=self._say(event.at), text=self._text("text"),
            comment=self._comment(), deadline=self._deadline(), time_zone=self.zone.key,
            entity=Thing(self.entity.label, self.entity.code) if self.entity else NOTHING,
            subscribed=event.kind is K.PACKAGE_SUBSCRIBED or bool(payload.get("subscribed")),
            on_no_response=self._text("on_no_response"), messages_link=self.links.messages(),
            **self._numbers(), **self._about_package(), **self._about_order(),
        )

    def _about_package(self) -> dict[str, Any]:
        package = self.package
        if package is None:
            return {}
        installed = self.types.get(package.type)
        listed = installed is None or installed.rules.orderable
        told: dict[str, Any] = {
            "type": installed.label if installed else package.type,
            "registration_deadline": self._say(package.effective_registration_deadline) if listed else "",
            **self._campaign(package),
        }
        if self._sees_package(package):
            link = self.links.package(package.code)
            told |= {"package": Thing(package.label, package.code, link)} | self._offer(package, orderable=listed)
        elif self.event.kind in FAREWELLS:
            told["package"] = Thing(package.label, package.code)
        return told

    def _offer(self, package: Package, *, orderable: bool) -> dict[str, Any]:
        offer = self.event.kind in OFFERS
        return {
            "start": self._say(package.start), "end": self._say(package.end),
            "personalization_deadline": self._say(package.personalization_deadline),
            "available_at": self._say(package.campaign_available_at),
            "message": package.message if offer else "",
            "description": RichText(package.description if offer else ""),
            "register_link": self._register(package) if orderable else "",
            **self._subscription(package),
        }

    def _campaign(self, package: Package) -> dict[str, Thing]:
        """The campaign of the order, or else the one that the package offers."""
        order, campaign = self.order, self.it.campaigns.get(self.event.campaign_id or package.campaign_id)
        theirs = order is not None and campaign is not None and order.campaign_id == campaign.id
        if campaign is None or not (theirs or self._sees_package(package)):
            return {}
        return {"campaign": Thing(campaign.label, campaign.code, self.links.campaign(campaign.code))}

    def _about_order(self) -> dict[str, Any]:
        order, event = self.order, self.event
        owner = order.id if order and event.kind in ORDERS else event.package_id if event.kind in OFFERS else None
        documents = self.it.documents.get(owner, []) if owner else []
        told: dict[str, Any] = {
            "documents": tuple(DocumentFact(" ".join(d.name.split()), self.links.document(d.id)) for d in documents)
        }
        if event.kind in ASKS and event.approval_id:
            told["decide_link"] = self.links.approval(event.approval_id)
        if order is None:
            return told
        if event.kind is K.ORDER_REJECTED and self._can_change(order):
            told["change_link"] = self.links.edit_order(order.code)
        told["order"] = Thing(order.label, order.code, self.links.order(order.code))
        if event.kind in LISTS:
            told["contacts_link"] = self.links.contacts(order.code)
        if event.kind in ORDERS:
            told["parameters"] = tuple(self._parameters(order))
        return told

    def _can_change(self, order: Order) -> bool:
        """Whether a rejected order could be submitted again then [6.2]; orders with a target list could not."""
        package = self.package
        return package is not None and order.targeted_contacts is None and can_edit_order(
            OrderStatus.REJECTED, package.approval_mode, package.effective_registration_deadline, self.event.at,
            current_cycle=order.cycle == package.cycle,
        )

    def _register(self, package: Package) -> str:
        """Where the package is ordered, while it is; entities that are subscribed have nothing to order."""
        asks = self.event.kind in (K.PACKAGE_PUBLISHED, K.REGISTRATION_DEADLINE_NEAR) or (
            self.event.kind is K.ENTITY_ADDED and not self.event.payload.get("subscribed")
        )
        return self.links.register(package.code) if asks and package.status is PackageStatus.PUBLISHED else ""

    def _subscription(self, package: Package) -> dict[str, str]:
        """Links to change and to reject what the receiver was subscribed to; who looks after several entities, or is
        told before the order is there, goes by the package."""
        if self.event.kind not in OFFERS or package.approval_mode is not ApprovalMode.AUTOMATIC:
            return {}
        if self.event.kind is K.ENTITY_ADDED and not self.event.payload.get("subscribed"):
            return {}
        code = self.it.subscriptions.get((self.receiver.id, package.id))
        if code is None:
            return {"change_link": self.links.package(package.code)}
        return {"change_link": self.links.edit_order(code), "reject_link": self.links.cancel_order(code)}

    def _sees_package(self, package: Package) -> bool:
        """Local operators see a package while it is published, and when it has ended with an order of it [2.2]."""
        if self.receiver.right is not Right.LOCAL or package.status is PackageStatus.PUBLISHED:
            return True
        holds_order = self.order is not None or self.event.kind in OFFERS
        return holds_order and package.status is PackageStatus.ENDED

    def _actor(self) -> str:
        """Who did it. Local operators know each other within an entity, and central as the head office [2.3]."""
        actor = self.it.operators.get(self.event.actor_id) if self.event.actor_id else None
        if actor is None:
            return ""
        known = self.entity is not None and (actor.id, self.entity.id) in self.it.colleagues
        if self.receiver.right is not Right.LOCAL or actor.id == self.receiver.id or known:
            return " ".join(actor.name.split())
        words = SOMEBODY if actor.right is Right.LOCAL else HEAD_OFFICE
        return words.get(self.language, words["en"])

    def _comment(self) -> str:
        if self.order is not None and self.event.kind in ORDERS:
            return self.order.comment
        return self._text("comment")

    def _deadline(self) -> str:
        approval = self.it.approvals.get(self.event.approval_id) if self.event.approval_id else None
        return self._say(approval.deadline) if approval else ""

    def _numbers(self) -> dict[str, Any]:
        found = {name: self.event.payload.get(name) for name in ("contacts", "sent", "opened", "clicked")}
        if found["contacts"] is None and self.event.kind in LISTS and self.order is not None:
            found["contacts"] = self.order.targeted_contacts
        return {name: number_in(self.language, number) for name, number in found.items()}

    def _parameters(self, order: Order) -> Iterator[Parameter]:
        """The values with their labels, in the form's order; those that the form does not know, by their names."""
        fields = {each.name: each for each in self.it.fields.get((order.package_id, order.form_version), ())}
        names = [*(name for name in fields if name in order.parameters), *(order.parameters.keys() - fields.keys())]
        for name in names:
            field = fields.get(name)
            shown = self._value(field, order.parameters[name])
            yield Parameter(" ".join((field.label if field else name).split()), shown)

    def _value(self, field: Field | None, value: Any) -> str | RichText:
        choices = {choice.value: choice.label for choice in field.choices} if field else {}
        if field and field.kind is FieldKind.RICH_TEXT:
            return RichText(str(value))
        if isinstance(value, bool):
            return answer_in(self.language, value)
        if isinstance(value, list):
            return ", ".join(choices.get(each, str(each)) for each in value)
        return choices.get(value, str(value)) if isinstance(value, str) else str(value)

    def _text(self, name: str) -> str:
        return str(self.event.payload.get(name) or "")

    def _say(self, moment: datetime | None) -> str:
        return moment_in(self.language, moment, self.zone)
