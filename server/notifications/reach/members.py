"""The members of each circle as SQL: groups as they are now, nobody who may not see what it is about [2.2, 2.3, 5.1].

Every branch gives rows of an event's id, an operator's id and the code of the entity for whose sake, if any.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from server.domain.approval import Approval, ApprovalReviewer, ApprovalSubject
from server.domain.lifecycles import STANDING_ORDERS, PackageStatus
from server.domain.network import Entity, EntityClosure, EntityKind, GroupMember, Operator, OperatorEntity, Right
from server.domain.order import Order
from server.domain.package import Package, PackageEntity
from server.domain.record import Event
from server.notifications.reach.circles import TELLS_ACTOR, Circle
from server.reads.ids import OneOf, one_of
from server.reads.portable import TextsIn

Branch = Select[*tuple[Any, ...]]
Events = BindParameter[Any]
"""The ids of the events, which the statement is given when it runs."""
IS_LOCAL = Operator.right == Right.LOCAL
PUBLISHED, ENDED = PackageStatus.PUBLISHED, PackageStatus.ENDED


def _these(events: Events) -> ColumnElement[bool]:
    return OneOf(Event.id, events)


def _not_the_actor(circle: Circle) -> ColumnElement[bool]:
    told = Event.kind.in_(TELLS_ACTOR.get(circle, ()))
    return or_(Event.actor_id.is_(None), Event.actor_id != Operator.id, told)


def _in_scope() -> ColumnElement[bool]:
    """Whether the operator may see what concerns the event's entity; without one, it is central's business."""
    return or_(~IS_LOCAL, exists().where(
        OperatorEntity.operator_id == Operator.id, EntityClosure.ancestor_id == OperatorEntity.entity_id,
        EntityClosure.entity_id == Event.entity_id,
    ).correlate(Operator, Event))


def _holds(*what: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Order.package_id == Package.id, Order.entity_id == Entity.id, *what)


def _audience(events: Events) -> Branch:
    """Those who were offered it by then: later ones hear of that (N17). An ended package is seen by those who hold an
    order of it [2.2]."""
    seen = or_(Package.status == PUBLISHED, and_(Package.status == ENDED, _holds()))
    return _offered(events, PackageEntity.added_at <= Event.at).where(seen)


def _added(events: Events) -> Branch:
    return _audience(events).where(Entity.id == Event.entity_id)


def _unordered(events: Events) -> Branch:
    """Those who could order, or could have until now, and did not."""
    standing = _holds(Order.cycle == Package.cycle, Order.status.in_(STANDING_ORDERS))
    return _offered(events).where(Package.status.in_((PUBLISHED, ENDED)), ~standing)


def _offered(events: Events, *how: ColumnElement[bool]) -> Branch:
    listed = exists().where(PackageEntity.package_id == Package.id, PackageEntity.entity_id == Entity.id, *how)
    return (
        select(Event.id.label("event_id"), Entity.id.label("entity_id"))
        .join(Package, Package.id == Event.package_id)
        .join(Entity, and_(Entity.kind == EntityKind.LOCAL, Entity.active, or_(Package.offered_to_all, listed)))
        .where(_these(events))
    )


def _entity(events: Events) -> Branch:
    return select(Event.id.label("event_id"), Event.entity_id).where(_these(events))


def _concerned(events: Events) -> Branch:
    codes = TextsIn(Event.payload, literal("entities")).table_valued("value")
    return (
        select(Event.id.label("event_id"), Entity.id.label("entity_id")).select_from(Event)
        .join(codes, true()).join(Entity, Entity.code == codes.c.value).where(_these(events))
    )


def _people(
    circle: Circle, entities: Callable[[Events], Branch], *groups: Any
) -> Callable[[Events], list[Branch]]:
    """The people of entities: the members of the first of `groups` that the entity has, or else those who work there;
    local ones as far as the entity is in their scope, since a group may reach beyond it."""
    group = func.coalesce(*groups) if len(groups) > 1 else groups[0]
    member = exists().where(GroupMember.group_id == group, GroupMember.operator_id == Operator.id)
    central = _central_members()
    nobody_named = and_(group.is_(None), EntityClosure.depth == 0, Operator.right != Right.ADMIN)

    def branches(events: Events) -> list[Branch]:
        pairs = entities(events).subquery()
        start = (
            select(pairs.c.event_id, Operator.id.label("operator_id"), Entity.code).select_from(pairs)
            .join(Entity, Entity.id == pairs.c.entity_id)
        )
        in_the_tree = (
            start.join(EntityClosure, EntityClosure.entity_id == Entity.id)
            .join(OperatorEntity, OperatorEntity.entity_id == EntityClosure.ancestor_id)
            .join(Operator, Operator.id == OperatorEntity.operator_id).where(or_(and_(IS_LOCAL, member), nobody_named))
        )
        above_it = (
            start.join(central, central.c.group_id == group).join(Operator, Operator.id == central.c.operator_id)
        )
        return [
            branch.join(Event, Event.id == pairs.c.event_id).where(_not_the_actor(circle))
            for branch in (in_the_tree, above_it)
        ]

    return branches


def _central_members() -> FromClause:
    """Who is not local but a member of a group; found first, since a group of local ones may be as large as the network
    (DISTINCT keeps the databases from doing it in another order)."""
    return (
        select(GroupMember.group_id, GroupMember.operator_id)
        .join(Operator, and_(Operator.id == GroupMember.operator_id, ~IS_LOCAL)).distinct().subquery("central_member")
    )


def _asked(events: Events) -> list[Branch]:
    """The reviewers that the question names; an owner does not decide on their own package then [5.5]."""
    asked = func.coalesce(ApprovalReviewer.operator_id, GroupMember.operator_id)
    others = or_(Approval.subject != ApprovalSubject.PACKAGE, Operator.id != Package.owner_id)
    return [
        _about_question(events).join(ApprovalReviewer, ApprovalReviewer.approval_id == Approval.id)
        .outerjoin(GroupMember, GroupMember.group_id == ApprovalReviewer.group_id)
        .join(Operator, Operator.id == asked).where(others, _in_scope(), _not_the_actor(Circle.ASKED))
    ]


def _deciders(events: Events) -> list[Branch]:
    """Where nobody is named: any central operator, and the owner when it is about an order [5.5, 5.6]."""
    somebody_named = exists().where(ApprovalReviewer.approval_id == Approval.id)
    central = _about_question(events).join(Operator, Operator.right == Right.CENTRAL)
    owner = _about_question(events).join(Operator, Operator.id == Package.owner_id)
    return [
        branch.where(~somebody_named, _in_scope(), _not_the_actor(Circle.DECIDERS))  # OR would look at all of them
        for branch in (central, owner.where(Approval.subject == ApprovalSubject.ORDER))
    ]


def _about_question(events: Events) -> Branch:
    """Events with the question that they name, or else the last one about their order or package."""
    last = aliased(Approval)
    same_order = or_(last.order_id == Event.order_id, and_(last.order_id.is_(None), Event.order_id.is_(None)))
    found = (
        select(last.id)
        .where(last.package_id == Event.package_id, same_order, last.subject != ApprovalSubject.TARGET)
        .order_by(last.requested_at.desc(), last.id.desc()).limit(1).correlate(Event).scalar_subquery()
    )
    return (
        _row().select_from(Event).join(Package, Package.id == Event.package_id)
        .join(Approval, Approval.id == func.coalesce(Event.approval_id, found)).where(_these(events))
    )


def _of_package(circle: Circle, column: Any) -> Callable[[Events], list[Branch]]:
    return lambda events: [
        _row().select_from(Event).join(Package, Package.id == Event.package_id).join(Operator, Operator.id == column)
        .where(_these(events), _in_scope(), _not_the_actor(circle))
    ]


def named(event: Event) -> Branch:
    """N18: the event lists those who were and those who are reviewers."""
    return _row().select_from(Event).join(Operator, _is_named(event)).where(
        Event.id == event.id, _in_scope(), _not_the_actor(Circle.NAMED)
    )


def _is_named(event: Event) -> ColumnElement[bool]:
    pairs = [*event.payload["before"], *event.payload["after"]]
    people, groups = ([UUID(pair[place]) for pair in pairs if pair[place]] for place in (0, 1))
    members = select(GroupMember.operator_id).where(one_of(GroupMember.group_id, groups))
    return or_(one_of(Operator.id, people), Operator.id.in_(members))


def _row() -> Branch:
    return select(Event.id.label("event_id"), Operator.id.label("operator_id"), cast(null(), String).label("code"))


NEWS, DECIDES = Entity.notification_group_id, Entity.campaign_reviewers_id
MEMBERS: Mapping[Circle, Callable[[Events], Iterable[Branch]]] = {
    Circle.AUDIENCE: _people(Circle.AUDIENCE, _audience, NEWS),
    Circle.ADDED: _people(Circle.ADDED, _added, NEWS),
    Circle.UNORDERED: _people(Circle.UNORDERED, _unordered, NEWS),
    Circle.CONCERNED: _people(Circle.CONCERNED, _concerned, NEWS),
    Circle.ENTITY: _people(Circle.ENTITY, _entity, NEWS),
    Circle.SUPERVISORS: _people(Circle.SUPERVISORS, _entity, DECIDES, NEWS),
    Circle.ASKED: _asked,
    Circle.DECIDERS: _deciders,
    Circle.OWNER: _of_package(Circle.OWNER, Package.owner_id),
    Circle.SUBMITTER: _of_package(Circle.SUBMITTER, Package.submitter_id),
}
