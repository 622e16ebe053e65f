"""Entities, operators and groups [2.1, 2.2]."""

from collections.abc import Iterator

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import aliased

from server.domain.campaign import Campaign
from server.domain.network import Entity, EntityKind, GroupMember, Operator, OperatorEntity, OperatorGroup, Right
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.domain.target import Contact
from server.graphql.fields import column, connection, to_one
from server.graphql.filters import Condition, Filter, filter_input, given
from server.graphql.relay import Node, readable
from server.graphql.types.notifications import CALENDAR_FEED, PREFERENCES, UNREAD_NOTIFICATIONS
from server.reads.resource import Reader
from server.reads.visibility import visible_entities, visible_groups, visible_operators

WORKS_FOR = aliased(OperatorEntity)
BELONGS_TO = aliased(GroupMember)
OFFERED = aliased(PackageEntity)


@filter_input("EntityFilter", "Which entities to list.")
class EntityFilter(Filter):
    text: str | None = given("Part of the label or code.")
    kind: EntityKind | None = given("Of this kind.")
    parent: list[strawberry.ID] | None = given("Directly below one of these.")
    active: bool | None = given("Active ones, or inactive ones.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Entity.label, Entity.code)
        yield from self.equals("kind", Entity.kind)
        yield from self.equals("active", Entity.active)
        yield from self.linked("parent", "Entity", Entity.parent_id, reader)


@readable(
    "Entity", Entity, visible_entities, "An organizational entity: headquarters, a region, a store.",
    sorts={"LABEL": ("label", (Entity.label,)), "CODE": ("code", (Entity.code,)),
           "CREATED_AT": ("creation", (Entity.created_at,))},
    default="LABEL_ASC",
)
class EntityType(Node):
    kind = column(Entity.kind, "Central or local.")
    code = column(Entity.code, "Unique code.")
    label = column(Entity.label, "Name.")
    email = column(Entity.email, "E-mail address of the entity itself.")
    phone = column(Entity.phone, "Telephone number.")
    address = column(Entity.address, "Postal address.")
    locale = column(Entity.locale, "Language and country as a BCP 47 tag, such as fr-FR.")
    time_zone = column(Entity.time_zone, "IANA time zone, such as Europe/Paris.")
    active = column(Entity.active, "Whether it still takes part.")
    parent = to_one("Entity", Entity.parent_id, "The entity above it in the tree.")
    notification_group = to_one(
        "OperatorGroup", Entity.notification_group_id, "Told of every package and every available campaign."
    )
    order_reviewers = to_one("OperatorGroup", Entity.order_reviewers_id, "Decides the entity's orders.")
    campaign_reviewers = to_one(
        "OperatorGroup", Entity.campaign_reviewers_id, "Decides target, content and budget of local campaigns."
    )
    children = connection("Entity", Entity.parent_id, "The entities directly below it.")
    operators = connection(
        "Operator", WORKS_FOR.entity_id, "The operators that work for it.", through=WORKS_FOR.operator_id == Operator.id
    )
    packages = connection(
        "Package", OFFERED.entity_id, "The packages whose audience names it.",
        through=OFFERED.package_id == Package.id,
    )
    orders = connection("Order", Order.entity_id, "Its orders, of all packages.")
    campaigns = connection("Campaign", Campaign.entity_id, "Its own (child) campaigns.")
    contacts = connection("Contact", Contact.entity_id, "The contacts that belong to it.")


@filter_input("OperatorFilter", "Which operators to list.")
class OperatorFilter(Filter):
    text: str | None = given("Part of the name, login or e-mail address.")
    right: list[Right] | None = given("Holding one of these rights.")
    entity: list[strawberry.ID] | None = given("Working for one of these entities.")
    active: bool | None = given("Active ones, or inactive ones.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(Operator.name, Operator.login, Operator.email)
        yield from self.among("right", Operator.right)
        yield from self.equals("active", Operator.active)
        for of_entity in self.linked("entity", "Entity", OperatorEntity.entity_id, reader):
            yield Operator.id.in_(select(OperatorEntity.operator_id).where(of_entity))


@readable(
    "Operator", Operator, visible_operators, "A person with an account.",
    sorts={"NAME": ("name", (Operator.name,)), "LOGIN": ("login", (Operator.login,)),
           "CREATED_AT": ("creation", (Operator.created_at,))},
    default="NAME_ASC",
)
class OperatorType(Node):
    login = column(Operator.login, "Login name.")
    name = column(Operator.name, "Name of the person.")
    email = column(Operator.email, "E-mail address.")
    right = column(Operator.right, "What the operator may do in principle.")
    locale = column(Operator.locale, "Language and country as a BCP 47 tag.")
    active = column(Operator.active, "Whether the operator can log in.")
    unread_notifications = UNREAD_NOTIFICATIONS
    notification_preferences = PREFERENCES
    calendar_feed = CALENDAR_FEED
    entities = connection(
        "Entity", WORKS_FOR.operator_id, "The entities that the operator works for.",
        through=WORKS_FOR.entity_id == Entity.id,
    )
    groups = connection(
        "OperatorGroup", BELONGS_TO.operator_id, "The groups that the operator is a member of.",
        through=BELONGS_TO.group_id == OperatorGroup.id,
    )


@filter_input("OperatorGroupFilter", "Which groups to list.")
class OperatorGroupFilter(Filter):
    text: str | None = given("Part of the label or code.")

    def where(self, reader: Reader) -> Iterator[Condition]:
        yield from self.matches(OperatorGroup.label, OperatorGroup.code)


@readable(
    "OperatorGroup", OperatorGroup, visible_groups, "A named set of operators: reviewers, receivers of notifications.",
    sorts={"LABEL": ("label", (OperatorGroup.label,)), "CODE": ("code", (OperatorGroup.code,))}, default="LABEL_ASC",
)
class OperatorGroupType(Node):
    code = column(OperatorGroup.code, "Unique code.")
    label = column(OperatorGroup.label, "Name.")
    members = connection(
        "Operator", BELONGS_TO.group_id, "The operators in it.", through=BELONGS_TO.operator_id == Operator.id
    )
