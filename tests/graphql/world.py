"""A random network with everything that hangs on it, and an independent model of what each operator may see [2.2]."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from server.domain.approval import ApprovalSubject, Reminder, ReminderAnchor
from server.domain.base import new_id
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import Right
from server.domain.record import EventKind, SubjectKind
from tests.builders import (
    DAY,
    NOW,
    a_campaign,
    a_contact,
    a_distribution,
    a_distribution_row,
    a_document,
    a_form,
    a_group,
    a_history,
    a_message_template,
    a_notification,
    a_package,
    a_package_template,
    a_target,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    linked,
    members,
    offered,
    reviewers,
)

SECRETS = count(1)
KINDS = (
    "Entity", "Operator", "OperatorGroup", "Campaign", "Package", "PackageTemplate", "Order", "Approval", "Document",
    "Contact", "DataDistribution", "History", "Notification", "MessageTemplate", "Webhook", "Dispatch",
)
TYPES = ("simple", "by_form", "gone")


def secret() -> str:
    """A text that no other object has: where it shows, its object is known."""
    return f"secret{next(SECRETS):06d}."


@dataclass
class World:
    """Everything that exists, as rows by type and as sets of related ids."""

    rows: dict[str, list[Any]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    works_for: set[tuple[Any, Any]] = field(default_factory=set)
    member_of: set[tuple[Any, Any]] = field(default_factory=set)
    audience: set[tuple[Any, Any]] = field(default_factory=set)
    listed: set[tuple[Any, Any]] = field(default_factory=set)
    parts: list[tuple[str, Any, Any]] = field(default_factory=list)
    new: list[Any] = field(default_factory=list)

    def add(self, kind: str, row: Any) -> Any:
        self.rows[kind].append(row)
        self.new.append(row)
        return row

    def add_part(self, kind: str, whole: Any, row: Any) -> None:
        """A row that is seen with the object that it is a part of."""
        self.parts.append((kind, whole.id, row))
        self.new.append(row)

    def taken(self) -> list[Any]:
        """The rows that are not in the database yet."""
        new, self.new = self.new, []
        return new

    def scope(self, operator: Any) -> set[Any]:
        """The operator's entities and all below them."""
        scope = {entity for who, entity in self.works_for if who == operator.id}
        while below := {each.id for each in self.rows["Entity"] if each.parent_id in scope} - scope:
            scope |= below
        return scope

    def visible(self, operator: Any) -> dict[str, set[Any]]:
        """Ids by type: the words of [2.2] over plain sets."""
        mine = {each.id for each in self.rows["Notification"] if each.operator_id == operator.id}
        if operator.right != Right.LOCAL:
            return {kind: {row.id for row in rows} for kind, rows in self.rows.items()} | {"Notification": mine}
        scope = self.scope(operator)
        orders = [order for order in self.rows["Order"] if order.entity_id in scope]
        packages = [package for package in self.rows["Package"] if self._sees(package, scope, orders)]
        seen: dict[str, set[Any]] = {kind: set() for kind in KINDS}
        seen["Entity"] = scope
        seen["Order"] = {order.id for order in orders}
        seen["Package"] = {package.id for package in packages}
        seen["Operator"] = {operator.id} | {who for who, entity in self.works_for if entity in scope}
        named = {
            group for entity in self.rows["Entity"] if entity.id in scope
            for group in (entity.notification_group_id, entity.order_reviewers_id, entity.campaign_reviewers_id)
        }
        seen["OperatorGroup"] = ({group for group, who in self.member_of if who == operator.id} | named) - {None}
        linked = {package.campaign_id for package in packages} | {order.campaign_id for order in orders}
        seen["Campaign"] = {each.id for each in self.rows["Campaign"] if each.entity_id in scope or each.id in linked}
        seen["Approval"] = {
            each.id for each in self.rows["Approval"]
            if each.subject is not ApprovalSubject.PACKAGE and each.entity_id in scope
        }
        seen["Document"] = {
            each.id for each in self.rows["Document"]
            if each.package_id in seen["Package"] or each.order_id in seen["Order"]
        }
        on_lists = {contact for order, contact in self.listed if order in seen["Order"]}
        seen["Contact"] = {each.id for each in self.rows["Contact"] if each.entity_id in scope or each.id in on_lists}
        seen["History"] = {each.id for each in self.rows["History"] if each.entity_id in scope}
        seen["Notification"] = mine
        return seen

    def _sees(self, package: Any, scope: set[Any], orders: Iterable[Any]) -> bool:
        held = any(order.package_id == package.id for order in orders)
        addressed = package.offered_to_all or any((package.id, entity) in self.audience for entity in scope)
        return (package.status is PackageStatus.PUBLISHED and (addressed or held)) or (
            package.status is PackageStatus.ENDED and held
        )


def grow(world: World, chance: Random) -> list[Any]:
    """Adds a random network with random data to the world; its local operators."""
    entities = _entities(world, chance)
    locals_, groups = _people(world, chance, entities)
    packages = _packages(world, chance, entities, locals_, groups)
    _orders(world, chance, entities, locals_, groups, packages)
    return locals_


def _entities(world: World, chance: Random) -> list[Any]:
    entities: list[Any] = []
    for _ in range(chance.randint(2, 6)):
        parent = chance.choice([None, *entities])
        entities.append(world.add("Entity", an_entity(
            secret(), parent=parent, code=secret(), email=secret(), phone=secret(), address=secret()
        )))
    return entities


def _people(world: World, chance: Random, entities: list[Any]) -> tuple[list[Any], list[Any]]:
    groups = [world.add("OperatorGroup", a_group(secret(), code=secret())) for _ in range(3)]
    locals_ = [
        world.add("Operator", an_operator(Right.LOCAL, login=secret(), name=secret(), email=secret()))
        for _ in range(3)
    ]
    for operator in locals_:
        mine = chance.sample(entities, chance.randint(0, 2))
        world.works_for |= {(operator.id, entity.id) for entity in mine}
        ours = chance.sample(groups, chance.randint(0, 2))
        world.member_of |= {(group.id, operator.id) for group in ours}
        world.new += [*linked(operator, *mine), *(row for group in ours for row in members(group, operator))]
    for entity in entities:
        entity.order_reviewers_id = chance.choice([None, *(group.id for group in groups)])
        entity.notification_group_id = chance.choice([None, *(group.id for group in groups)])
        for _ in range(chance.randint(0, 2)):
            world.add("Contact", a_contact(entity, email=secret(), first_name=secret(), city=secret()))
    return locals_, groups


def _packages(
    world: World, chance: Random, entities: list[Any], locals_: list[Any], groups: list[Any]
) -> list[Any]:
    owner = world.add("Operator", an_operator(login=secret(), name=secret()))
    distribution = world.add("DataDistribution", a_distribution(code=secret(), label=secret()))
    share = a_distribution_row(distribution, secret(), entity_id=chance.choice(entities).id, label=secret())
    world.add_part("DataDistribution", distribution, share)
    template = world.add("PackageTemplate", a_package_template(code=secret(), label=secret(), preset={"s": secret()}))
    world.add("MessageTemplate", a_message_template(locale=secret(), subject=secret(), text=secret()))
    packages = []
    for _ in range(chance.randint(1, 4)):
        campaign = world.add("Campaign", a_campaign(
            secret(), chance.choice(TYPES), code=secret(), description=secret(), content={"text": secret()},
            owner_id=owner.id, data_distribution_id=distribution.id, form_version=0,
        ))
        world.add_part("Campaign", campaign, a_form(campaign, {"name": "wish", "label": secret(), "kind": "TEXT"}))
        package = world.add("Package", a_package(
            campaign, owner, chance.choice(list(PackageStatus)), code=secret(), label=secret(), message=secret(),
            folder=secret(), cycle=1, template_id=template.id, offered_to_all=chance.random() < 0.1,
        ))
        chosen = chance.sample(entities, chance.randint(0, len(entities)))
        world.audience |= {(package.id, entity.id) for entity in chosen}
        world.new += [*offered(package, *chosen), *reviewers(package, owner, chance.choice(groups))]
        world.add("Document", a_document(package, secret(), uploaded_by_id=owner.id, content_type=secret()))
        question = world.add("Approval", an_approval(package, comment=secret(), requested_by_id=owner.id))
        world.new += reviewers(question, *chance.sample([owner, *groups], chance.randint(0, 2)))
        world.add("History", a_history(SubjectKind.PACKAGE, package, secret(), actor_id=owner.id, comment=secret()))
        packages.append(package)
    return packages


def _orders(
    world: World, chance: Random, entities: list[Any], locals_: list[Any], groups: list[Any], packages: list[Any]
) -> None:
    pairs = [(package, entity) for package in packages for entity in entities]
    for package, entity in chance.sample(pairs, min(len(pairs), chance.randint(0, 8))):
        child = world.add("Campaign", a_campaign(
            secret(), package.type, code=secret(), entity_id=entity.id, parent_id=package.campaign_id
        )) if chance.random() < 0.4 else None
        who = chance.choice(locals_)
        order = world.add("Order", an_order(
            package, entity, chance.choice(list(OrderStatus)), code=secret(), label=secret(), comment=secret(),
            parameters={"wish": secret()}, campaign_id=child.id if child else package.campaign_id,
            assignee_id=who.id, submitted_by_id=who.id, targeted_contacts=chance.choice([None, 3]), revision=1,
        ))
        kind = chance.choice([ApprovalSubject.ORDER, ApprovalSubject.TARGET])
        approval = world.add("Approval", an_approval(
            order, kind, comment=secret(), decided_by_id=who.id, deadline=NOW + chance.randint(-2, 2) * DAY
        ))
        world.new += [
            *reviewers(approval, *chance.sample([*locals_, *groups], chance.randint(0, 2))),
            *reviewers(order, chance.choice(locals_)),
            Reminder(id=new_id(), approval_id=approval.id, anchor=ReminderAnchor.DATE, due_at=NOW),
        ]
        world.add("Document", a_document(order, secret(), uploaded_by_id=who.id))
        world.add("History", a_history(
            SubjectKind.ORDER, order, secret(), entity_id=entity.id, actor_id=who.id,
            after={"label": secret(), "assignee_id": str(who.id), "package_id": str(package.id)},
        ))
        told, event = a_notification(
            chance.choice(locals_), chance.choice(list(EventKind)), subject=secret(), entity_id=entity.id,
            read_at=chance.choice([None, NOW]), at=NOW - chance.randint(0, 2) * DAY,
            **{f"{name}_id": chance.choice([None, row.id])
               for name, row in (("package", package), ("order", order), ("approval", approval))},
        )
        world.new.append(event)
        world.add("Notification", told)
        for contact in chance.sample(world.rows["Contact"], min(2, len(world.rows["Contact"]))):
            world.listed.add((order.id, contact.id))
            target = a_target(order, contact, reason=secret(), value=secret(), decided_by_id=who.id)
            world.add_part("Order", order, target)
