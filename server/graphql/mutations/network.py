"""Mutations of the network: entities, operators and groups; for administrators [2]."""

import strawberry

from server.domain.network import EntityKind, Right
from server.graphql.mutations.inputs import Input, Part, Revised, an_id, optional, optional_id
from server.graphql.mutations.running import change
from server.services.entities import Entities
from server.services.groups import Groups
from server.services.operators import Operators

ENTITY = ("entity", "Entity", "The entity as it is now; null when the mutation was refused.")
OPERATOR = ("operator", "Operator", "The operator as it is now; null when the mutation was refused.")
GROUP = ("group", "OperatorGroup", "The group as it is now; null when the mutation was refused.")


@strawberry.input
class EntityFields(Part):
    """The fields of an entity that may be left out."""

    parent_id: strawberry.ID | None = optional_id("Entity", "The entity above it in the tree.")
    email: str | None = optional("E-mail address.")
    phone: str | None = optional("Telephone number.")
    address: str | None = optional("Postal address.")
    locale: str | None = optional("Language and region as a BCP 47 tag, such as sv or nb-NO.")
    time_zone: str | None = optional("IANA time zone, such as Europe/Stockholm.")
    notification_group_id: strawberry.ID | None = optional_id(
        "OperatorGroup", "Who is told of packages and available campaigns."
    )
    order_reviewers_id: strawberry.ID | None = optional_id("OperatorGroup", "Who decides the entity's orders.")
    campaign_reviewers_id: strawberry.ID | None = optional_id(
        "OperatorGroup", "Who decides target, content and budget of its campaigns."
    )
    active: bool | None = optional("Whether it takes part in anything.")


@strawberry.input(description="A new entity.")
class CreateEntityInput(Input, EntityFields):
    kind: EntityKind = strawberry.field(description="Central or local; cannot change later.")
    code: str = strawberry.field(description="Unique code.")
    label: str = strawberry.field(description="Name.")


@strawberry.input(description="Changes of an entity; what is left out stays as it is.")
class UpdateEntityInput(Revised, EntityFields):
    id: strawberry.ID = an_id("Entity", "The entity.")
    code: str | None = optional("Unique code.")
    label: str | None = optional("Name.")


@strawberry.input
class OperatorFields(Part):
    """The fields of an operator that may be left out."""

    email: str | None = optional("E-mail address.")
    locale: str | None = optional("Language and region as a BCP 47 tag.")
    active: bool | None = optional("Whether the operator may log in; false ends all logins and the calendar's address.")
    password: str | None = optional(
        "A new password; it ends all logins and the calendar's address, and is stored as an argon2 hash only."
    )
    entity_ids: list[strawberry.ID] | None = optional_id("Entity", "The entities that the operator works for, all.")


@strawberry.input(description="A new operator.")
class CreateOperatorInput(Input, OperatorFields):
    login: str = strawberry.field(description="Unique login name.")
    name: str = strawberry.field(description="Name.")
    right: Right = strawberry.field(description="What the operator may do in principle.")


@strawberry.input(description="Changes of an operator; what is left out stays as it is.")
class UpdateOperatorInput(Revised, OperatorFields):
    id: strawberry.ID = an_id("Operator", "The operator.")
    login: str | None = optional("Unique login name.")
    name: str | None = optional("Name.")
    right: Right | None = optional("What the operator may do in principle.")


@strawberry.input(description="A new operator group.")
class CreateGroupInput(Input):
    code: str = strawberry.field(description="Unique code.")
    label: str = strawberry.field(description="Name.")
    members: list[strawberry.ID] | None = optional_id("Operator", "Its members.")


@strawberry.input(description="Changes of an operator group; what is left out stays as it is.")
class UpdateGroupInput(Revised):
    id: strawberry.ID = an_id("OperatorGroup", "The group.")
    code: str | None = optional("Unique code.")
    label: str | None = optional("Name.")
    members: list[strawberry.ID] | None = optional_id("Operator", "Its members, all of them.")


@strawberry.type
class NetworkMutations:
    create_entity = change(
        "CreateEntity", ENTITY, CreateEntityInput, "Makes an organizational entity.",
        lambda work, it: Entities(work).create(it.fields()),
    )
    update_entity = change(
        "UpdateEntity", ENTITY, UpdateEntityInput, "Changes an organizational entity, or its place in the tree.",
        lambda work, it: Entities(work).update(*it.read(), it.fields()),
    )
    create_operator = change(
        "CreateOperator", OPERATOR, CreateOperatorInput, "Gives a person an account.",
        lambda work, it: Operators(work).create(it.fields()),
    )
    update_operator = change(
        "UpdateOperator", OPERATOR, UpdateOperatorInput, "Changes an account.",
        lambda work, it: Operators(work).update(*it.read(), it.fields()),
    )
    create_group = change(
        "CreateGroup", GROUP, CreateGroupInput, "Makes an operator group.",
        lambda work, it: Groups(work).create(it.fields()),
    )
    update_group = change(
        "UpdateGroup", GROUP, UpdateGroupInput, "Changes an operator group.",
        lambda work, it: Groups(work).update(*it.read(), it.fields()),
    )
