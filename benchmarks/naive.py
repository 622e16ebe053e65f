"""A Strawberry server as its documentation shows one: types, resolvers, DataLoaders over the ORM; no login, no scope.

`DATABASE_URL=… uvicorn benchmarks.naive:app`. The connections follow the guide on cursor-based pagination; nested lists
and references come from DataLoaders that are made for each request, so that no list makes a query per row.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import select
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.scalars import JSON

from benchmarks.naive_lists import Connection, by_id, first_of, global_id, page, rows_of
from server.domain.approval import Approval, ApprovalStatus
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.target import Contact, Target

Info = strawberry.Info[dict[str, DataLoader[Any, Any]], None]


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type(name="Entity")
class EntityType(Node):
    code: str
    label: str

    @classmethod
    def marshal(cls, row: Entity) -> "EntityType":
        return cls(id=global_id("Entity", row.id), code=row.code, label=row.label)


@strawberry.type(name="Contact")
class ContactType(Node):
    email: str
    first_name: str
    last_name: str
    city: str
    postal_code: str
    score: int

    @classmethod
    def marshal(cls, row: Contact) -> "ContactType":
        return cls(
            id=global_id("Contact", row.id), email=row.email, first_name=row.first_name, last_name=row.last_name,
            city=row.city, postal_code=row.postal_code, score=row.score,
        )


@strawberry.type(name="Target")
class TargetType:
    position: int
    value: str
    kept: bool
    reason: str
    contact_id: strawberry.Private[UUID]

    @classmethod
    def marshal(cls, row: Target) -> "TargetType":
        return cls(position=row.position, value=row.value, kept=row.kept, reason=row.reason, contact_id=row.contact_id)

    @strawberry.field
    async def contact(self, info: Info) -> ContactType:
        return ContactType.marshal(await info.context["contacts"].load(self.contact_id))


@strawberry.type(name="Approval")
class ApprovalType(Node):
    kind: str
    status: str
    comment: str
    deadline: datetime
    requested_at: datetime
    decided_at: datetime | None
    subject_revision: int
    row: strawberry.Private[Approval]

    @classmethod
    def marshal(cls, row: Approval) -> "ApprovalType":
        return cls(
            id=global_id("Approval", row.id), kind=row.subject, status=row.status, comment=row.comment,
            deadline=row.deadline, requested_at=row.requested_at, decided_at=row.decided_at,
            subject_revision=row.subject_revision, row=row,
        )

    @strawberry.field
    async def package(self, info: Info) -> "PackageType":
        return PackageType.marshal(await info.context["packages"].load(self.row.package_id))

    @strawberry.field
    async def order(self, info: Info) -> "OrderType":
        return OrderType.marshal(await info.context["orders"].load(self.row.order_id))


@strawberry.type(name="Order")
class OrderType(Node):
    code: str
    label: str
    comment: str
    cycle: int
    status: str
    parameters: JSON
    created_at: datetime
    submitted_at: datetime | None
    approved_at: datetime | None
    row: strawberry.Private[Order]

    @classmethod
    def marshal(cls, row: Order) -> "OrderType":
        return cls(
            id=global_id("Order", row.id), code=row.code, label=row.label, comment=row.comment, cycle=row.cycle,
            status=row.status, parameters=row.parameters, created_at=row.created_at, submitted_at=row.submitted_at,
            approved_at=row.approved_at, row=row,
        )

    @strawberry.field
    async def package(self, info: Info) -> "PackageType":
        return PackageType.marshal(await info.context["packages"].load(self.row.package_id))

    @strawberry.field
    async def entity(self, info: Info) -> EntityType:
        return EntityType.marshal(await info.context["entities"].load(self.row.entity_id))

    @strawberry.field
    async def approvals(self, info: Info, first: int) -> Connection[ApprovalType]:
        rows = await info.context["approvals_of_orders"].load((self.row.id, first))
        return page(rows, first, ApprovalType.marshal, "deadline", "id")

    @strawberry.field
    async def contacts(self, info: Info, first: int) -> Connection[TargetType]:
        rows = await info.context["targets_of_orders"].load((self.row.id, first))
        return page(rows, first, TargetType.marshal, "position")


@strawberry.type(name="Package")
class PackageType(Node):
    code: str
    label: str
    status: str
    type: str
    folder: str
    message: str
    start: datetime | None
    end: datetime | None
    registration_deadline: datetime | None
    row: strawberry.Private[Package]

    @classmethod
    def marshal(cls, row: Package) -> "PackageType":
        return cls(
            id=global_id("Package", row.id), code=row.code, label=row.label, status=row.status, type=row.type,
            folder=row.folder, message=row.message, start=row.start, end=row.end,
            registration_deadline=row.registration_deadline, row=row,
        )

    @strawberry.field
    async def orders(self, info: Info, first: int) -> Connection[OrderType]:
        rows = await info.context["orders_of_packages"].load((self.row.id, first))
        return page(rows, first, OrderType.marshal, "created_at", "id")


@strawberry.type
class Query:
    @strawberry.field
    async def packages(self, first: int) -> Connection[PackageType]:
        statement = select(Package).order_by(Package.created_at.desc(), Package.id.desc()).limit(first + 1)
        return page(await rows_of(statement), first, PackageType.marshal, "created_at", "id")

    @strawberry.field
    async def orders(self, first: int) -> Connection[OrderType]:
        statement = select(Order).order_by(Order.created_at.desc(), Order.id.desc()).limit(first + 1)
        return page(await rows_of(statement), first, OrderType.marshal, "created_at", "id")

    @strawberry.field
    async def approvals(self, first: int) -> Connection[ApprovalType]:
        waiting = select(Approval).where(Approval.status == ApprovalStatus.PENDING)
        statement = waiting.order_by(Approval.deadline, Approval.id).limit(first + 1)
        return page(await rows_of(statement), first, ApprovalType.marshal, "deadline", "id")

    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:
        """Orders are the only nodes that are asked for."""
        _type, _, hexadecimal = id.partition(":")
        row = await info.context["orders"].load(UUID(hexadecimal))
        return OrderType.marshal(row) if row else None


class Server(GraphQL):
    async def get_context(self, request: Any, response: Any) -> dict[str, DataLoader[Any, Any]]:
        return {
            "packages": by_id(Package), "orders": by_id(Order), "entities": by_id(Entity), "contacts": by_id(Contact),
            "orders_of_packages": first_of(Order, Order.package_id, Order.created_at.desc(), Order.id.desc()),
            "approvals_of_orders": first_of(Approval, Approval.order_id, Approval.deadline.asc(), Approval.id.asc()),
            "targets_of_orders": first_of(Target, Target.order_id, Target.position.asc()),
        }


app = Server(strawberry.Schema(query=Query, types=[OrderType]), graphql_ide=None)
