"""Mutations of orders and their target lists [6, 9.13-9.17]."""

from typing import Annotated
from uuid import UUID

import strawberry

from server.domain.order import Document, Order
from server.graphql.fields import resolver
from server.graphql.mutations.inputs import (
    INPUT,
    Input,
    Part,
    Rehearsable,
    ReviewerInput,
    Revised,
    an_id,
    optional,
    optional_id,
)
from server.graphql.mutations.packages import COMMENT
from server.graphql.mutations.problems import PROBLEMS, ProblemType
from server.graphql.mutations.running import Jointly, attempt, change, once
from server.graphql.reading import Info
from server.graphql.scalars import JSON, DateOrDateTime
from server.services.orders import Orders
from server.services.submitting import Submission, submit_all
from server.services.targets import Targets
from server.services.work import Work

ORDER = ("order", "Order", "The order as it is now; null when the mutation was refused.")


@strawberry.input
class OrderFields(Part):
    """What an entity says in an order."""

    label: str | None = optional("Name; the package's by default.")
    comment: str | None = optional("Comment for the reviewers.")
    parameters: JSON | None = optional(
        "Values by the name of their field in the order form, all of them: absent ones get their default, null is none."
    )
    reviewers: list[ReviewerInput] | None = optional("Reviewers of the orderer's choice, up to the template's number.")
    assignee_id: strawberry.ID | None = optional_id("Operator", "Who takes care of it.")
    start: DateOrDateTime | None = optional("When its own schedule starts, for types whose orders have one.")
    end: DateOrDateTime | None = optional("When its own schedule ends.")


@strawberry.input(description="A new order: a draft, to be filled in and submitted.")
class CreateOrderInput(Input, OrderFields):
    package_id: strawberry.ID = an_id("Package", "What is ordered.")
    entity_id: strawberry.ID = an_id("Entity", "The local entity that takes part.")


@strawberry.input(description="Changes of an order; what is left out stays as it is.")
class UpdateOrderInput(Revised, OrderFields):
    id: strawberry.ID = an_id("Order", "The order.")


@strawberry.input(description="An order in the revision that was read.")
class OrderInput(Revised):
    id: strawberry.ID = an_id("Order", "The order.")


@strawberry.input(description="An order to be cancelled, and why.")
class CancelOrderInput(Rehearsable):
    id: strawberry.ID = an_id("Order", "The order.")
    comment: str = strawberry.field(default="", description=COMMENT)


@strawberry.input(description="Contacts of a target list to remove or restore: named ones, or all that fit a filter.")
class DecideContactsInput(Input):
    order_id: strawberry.ID = an_id("Order", "The order that holds the list.")
    keep: bool = strawberry.field(description="True restores the contacts, false removes them.")
    contact_ids: list[strawberry.ID] | None = optional_id("Contact", "The contacts, by id; give these or a filter.")
    filter: JSON | None = optional(
        'A filter over contacts as data, such as {"field": "city", "operator": "EQ", "value": "Paris"}.'
    )
    reason: str = strawberry.field(default="", description="Why; kept with each contact.")


@strawberry.input(description="A target list to be opened again, and why.")
class ReopenTargetsInput(Input):
    order_id: strawberry.ID = an_id("Order", "The order that holds the list.")
    comment: str = strawberry.field(default="", description=COMMENT)


@strawberry.type(description="A draft that is gone, or why it stays.")
class DeleteOrderPayload:
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="The id that the draft had.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class OrderMutations:
    create_order = change(
        "CreateOrder", ORDER, CreateOrderInput, "Makes a draft of an order for an entity of the package's audience.",
        lambda work, it: Orders(work).create(
            it.decoded("package_id"), it.decoded("entity_id"), it.fields("package_id", "entity_id")
        ),
    )
    update_order = change(
        "UpdateOrder", ORDER, UpdateOrderInput,
        "Changes an order. An approved one goes back to its reviewers in manual mode.",
        lambda work, it: Orders(work).update(*it.read(), it.fields()),
    )
    submit_order = change(
        "SubmitOrder", ORDER, OrderInput, "Submits a draft or a rejected order to its reviewers.",
        Jointly(lambda caller, it, _: Submission(caller, *it.read()), submit_all),
    )
    cancel_order = change(
        "CancelOrder", ORDER, CancelOrderInput, "Cancels a live order, and its child campaign with it.",
        lambda work, it: Orders(work).cancel(*it.read(), it.comment),
    )
    decide_contacts = change(
        "DecideContacts", ORDER, DecideContactsInput,
        "Removes contacts from a target list or restores them, until it is confirmed. Nothing can be added.",
        lambda work, it: _decide_contacts(work, it),
        alone=True,
    )
    confirm_targets = change(
        "ConfirmTargets", ORDER, OrderInput, "Confirms the target list of an order: the kept contacts take part.",
        lambda work, it: Targets(work).confirm(*it.read()),
        alone=True,
    )
    reopen_targets = change(
        "ReopenTargets", ORDER, ReopenTargetsInput, "Asks an entity again about its target list. For administrators.",
        lambda work, it: Targets(work).reopen(it.decoded("order_id"), it.comment),
    )

    @resolver("Deletes a draft that was never submitted; anything else can only be cancelled.")
    async def delete_order(self, info: Info, input: Annotated[OrderInput, INPUT]) -> DeleteOrderPayload:
        return await attempt(DeleteOrderPayload, lambda: _delete(info, input))


async def _delete(info: Info, input: OrderInput) -> DeleteOrderPayload:
    """The files of its documents go once the rows are gone for good."""
    removed: list[Document] = []

    async def act() -> None:
        removed.extend(await Orders(work).delete(*input.read()))

    async with info.context.database.transaction() as session:
        work = info.context.work(session)
        await once(work, info.field_name, input, act)
    for document in removed:
        await info.context.storage.remove(document.storage_key)
    return DeleteOrderPayload(deleted_id=input.id)


async def _decide_contacts(work: Work, it: DecideContactsInput) -> Order:
    given = it.fields()
    order_id: UUID = given["order_id"]
    await Targets(work).decide(order_id, it.keep, given.get("contact_ids"), given.get("filter"), it.reason)
    return await work.session.get_one(Order, order_id)
