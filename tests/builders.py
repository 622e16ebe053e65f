"""Rows with sensible defaults for tests: `an_order(package, entity)` builds, `given(database, ...)` inserts.

Builders set ids at once, so that rows can refer to each other before they are inserted. Codes count up.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import insert, literal, select
from sqlalchemy.orm import make_transient

from server.database import Database
from server.domain.approval import Approval, ApprovalReviewer, ApprovalSubject
from server.domain.base import Base, new_id
from server.domain.campaign import Campaign, FormVersion
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import (
    Entity,
    EntityClosure,
    EntityKind,
    GroupMember,
    Operator,
    OperatorEntity,
    OperatorGroup,
    Right,
)
from server.domain.notification import MessageTemplate, Notification
from server.domain.order import Document, Order, OrderReviewer
from server.domain.package import Package, PackageEntity, PackageReviewer, PackageTemplate
from server.domain.record import Event, EventKind, History, SubjectKind
from server.domain.tables import metadata
from server.domain.target import Contact, DataDistribution, DistributionRow, Target
from server.reads.visibility import Caller

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""The time of tests: a Monday morning."""
DAY = timedelta(days=1)
NUMBERS = count(1)
STAMPS = {"created_at": NOW, "modified_at": NOW}


def an_entity(label: str = "Paris", *, parent: Entity | None = None, **fields: Any) -> Entity:
    """A local entity; `parent` puts it into the tree."""
    defaults = {"id": new_id(), "kind": EntityKind.LOCAL, "code": f"E{next(NUMBERS)}", "parent_id": id_of(parent)}
    return Entity(label=label, **STAMPS | defaults | fields)


def an_operator(right: Right = Right.CENTRAL, **fields: Any) -> Operator:
    number = next(NUMBERS)
    defaults = {"id": new_id(), "login": f"operator{number}", "name": f"Operator {number}"}
    return Operator(right=right, **STAMPS | defaults | fields)


def linked(operator: Operator, *entities: Entity) -> list[Base]:
    """The operator works for these entities."""
    return [OperatorEntity(operator_id=operator.id, entity_id=entity.id) for entity in entities]


def a_group(label: str = "Reviewers", **fields: Any) -> OperatorGroup:
    return OperatorGroup(label=label, **STAMPS | {"id": new_id(), "code": f"G{next(NUMBERS)}"} | fields)


def members(group: OperatorGroup, *operators: Operator) -> list[Base]:
    return [GroupMember(group_id=group.id, operator_id=operator.id) for operator in operators]


def a_campaign(label: str = "Spring", type: str = "simple", **fields: Any) -> Campaign:
    return Campaign(label=label, type=type, **STAMPS | {"id": new_id(), "code": f"OP{next(NUMBERS)}"} | fields)


def a_form(campaign: Campaign, *fields: dict[str, Any]) -> FormVersion:
    """The next version of the campaign's form."""
    campaign.form_version = (campaign.form_version or 0) + 1
    return FormVersion(
        id=new_id(), campaign_id=campaign.id, version=campaign.form_version, fields=list(fields), created_at=NOW
    )


def a_package(
    campaign: Campaign, owner: Operator, status: PackageStatus = PackageStatus.PUBLISHED, **fields: Any
) -> Package:
    """A package of the campaign, open for ordering from yesterday for thirty days."""
    defaults = {
        "id": new_id(), "code": f"CAT{next(NUMBERS)}", "label": "Spring package", "type": campaign.type,
        "start": NOW - DAY, "end": NOW + 30 * DAY, "registration_deadline": NOW + 10 * DAY,
    }
    return Package(campaign_id=campaign.id, owner_id=owner.id, status=status, **STAMPS | defaults | fields)


def a_package_template(**fields: Any) -> PackageTemplate:
    defaults = {"id": new_id(), "code": f"template{next(NUMBERS)}", "label": "Empty"}
    return PackageTemplate(**STAMPS | defaults | fields)


def offered(package: Package, *entities: Entity) -> list[Base]:
    """The package's audience."""
    return [PackageEntity(package_id=package.id, entity_id=entity.id, added_at=NOW) for entity in entities]


def an_order(package: Package, entity: Entity, status: OrderStatus = OrderStatus.ORDERED, **fields: Any) -> Order:
    defaults = {
        "id": new_id(), "code": f"ORD{next(NUMBERS)}", "label": package.label, "cycle": package.cycle or 1,
    }
    return Order(package_id=package.id, entity_id=entity.id, status=status, **STAMPS | defaults | fields)


def an_approval(
    subject: Package | Order, kind: ApprovalSubject | None = None, **fields: Any
) -> Approval:
    """A pending question about a package, an order, or with kind TARGET about the order's list; due in three days."""
    about: dict[str, Any] = (
        {"package_id": subject.id, "subject": ApprovalSubject.PACKAGE} if isinstance(subject, Package)
        else {"package_id": subject.package_id, "order_id": subject.id, "entity_id": subject.entity_id,
              "subject": kind or ApprovalSubject.ORDER}
    )
    defaults = {
        "id": new_id(), "requested_at": NOW, "deadline": NOW + 3 * DAY, "subject_revision": subject.revision or 1,
    }
    return Approval(**STAMPS | defaults | about | fields)


def reviewers(subject: Package | Order | Approval, *chosen: Operator | OperatorGroup) -> list[Base]:
    """Names reviewers, the main one first."""
    row, owner = {
        Package: (PackageReviewer, "package_id"), Order: (OrderReviewer, "order_id"),
        Approval: (ApprovalReviewer, "approval_id"),
    }[type(subject)]
    return [
        row(**{"id": new_id(), owner: subject.id, "position": position,
               "operator_id" if isinstance(who, Operator) else "group_id": who.id})
        for position, who in enumerate(chosen)
    ]


def a_document(subject: Package | Order, name: str = "leaflet.pdf", **fields: Any) -> Document:
    owner = "package_id" if isinstance(subject, Package) else "order_id"
    defaults = {
        "id": new_id(), owner: subject.id, "content_type": "application/pdf", "size": 1000, "sha256": "0" * 64,
        "storage_key": f"key{next(NUMBERS)}", "uploaded_at": NOW,
    }
    return Document(name=name, **defaults | fields)


def a_contact(entity: Entity, **fields: Any) -> Contact:
    number = next(NUMBERS)
    defaults = {"id": new_id(), "email": f"contact{number}@example.org", "first_name": f"Anna{number}"}
    return Contact(entity_id=entity.id, **defaults | fields)


def a_target(order: Order, contact: Contact, position: int = 1, **fields: Any) -> Target:
    """One contact on the order's target list."""
    return Target(
        order_id=order.id, contact_id=contact.id, position=position, **{"value": "", "kept": True} | fields
    )


def a_distribution(**fields: Any) -> DataDistribution:
    defaults = {"id": new_id(), "code": f"DIST{next(NUMBERS)}", "label": "By store", "field": "entity"}
    return DataDistribution(**STAMPS | defaults | fields)


def a_distribution_row(distribution: DataDistribution, value: str, **fields: Any) -> DistributionRow:
    return DistributionRow(distribution_id=distribution.id, value=value, **{"id": new_id(), "position": 1} | fields)


def a_history(subject: SubjectKind, thing: Any, action: str = "SUBMIT", **fields: Any) -> History:
    defaults = {"id": new_id(), "at": NOW, "subject_id": thing.id, "subject_code": getattr(thing, "code", "")}
    return History(subject=subject, action=action, **defaults | fields)


def a_notification(
    operator: Operator, kind: EventKind = EventKind.PACKAGE_PUBLISHED, *, payload: Any = None, **fields: Any
) -> tuple[Notification, Event]:
    """The operator is told of an event of that kind; `fields` are the notification's, the links are the event's too."""
    links = {name: value for name, value in fields.items() if name.endswith("_id")}
    written = Event(id=new_id(), kind=kind, at=NOW, delivered_at=NOW, payload=payload or {}, **links)
    defaults = {"id": new_id(), "at": NOW, "subject": f"[{kind}] it (CAT{next(NUMBERS)})"}
    told = Notification(event_id=written.id, operator_id=operator.id, kind=kind, **defaults | fields)
    return told, written


def a_message_template(kind: EventKind = EventKind.PACKAGE_PUBLISHED, **fields: Any) -> MessageTemplate:
    defaults = {"id": new_id(), "locale": "en", "subject": "", "text": "", "html": ""}
    return MessageTemplate(kind=kind, **STAMPS | defaults | fields)


def caller_of(operator: Operator) -> Caller:
    return Caller(operator.id, operator.right)


def id_of(thing: Any) -> UUID | None:
    return None if thing is None else thing.id


async def given(database: Database, *things: Base | Iterable[Any]) -> None:
    """Inserts rows, single ones or lists of them in any order, and rebuilds the entity tree."""
    order = {table.name: place for place, table in enumerate(metadata.sorted_tables)}
    rows = sorted(_flat(things), key=lambda row: order[row.__tablename__])
    async with database.transaction() as session:
        for row in rows:
            make_transient(row)  # rows of a module may go into the database of every test
            session.add(row)
            await session.flush()
        if any(isinstance(row, Entity) for row in rows):
            await session.execute(EntityClosure.__table__.delete())
            await session.execute(insert(EntityClosure).from_select(
                ["ancestor_id", "entity_id", "depth"], _ancestors()
            ))


def _flat(things: Iterable[Any]) -> Iterator[Any]:
    for thing in things:
        if isinstance(thing, Base):
            yield thing
        else:
            yield from _flat(thing)


def _ancestors() -> Any:
    itself = select(Entity.id.label("ancestor_id"), Entity.id.label("entity_id"), literal(0).label("depth"))
    tree = itself.cte("tree", recursive=True)
    above = select(Entity.parent_id, tree.c.entity_id, tree.c.depth + 1).join(
        tree, tree.c.ancestor_id == Entity.id
    ).where(Entity.parent_id.is_not(None))
    tree = tree.union_all(above)
    return select(tree.c.ancestor_id, tree.c.entity_id, tree.c.depth)
