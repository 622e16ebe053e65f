"""A network in which every way to be told, and not to be told, has somebody: names say why."""

from collections.abc import Iterator
from typing import Any

from server.domain.approval import ApprovalStatus, ApprovalSubject
from server.domain.base import new_id
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.network import EntityKind, Operator, Right
from server.domain.package import ApprovalMode
from server.domain.record import Event, EventKind
from tests.builders import (
    DAY,
    NOW,
    a_campaign,
    a_group,
    a_package,
    an_approval,
    an_entity,
    an_operator,
    an_order,
    linked,
    members,
    offered,
    reviewers,
)


def person(name: str, right: Right = Right.LOCAL, **fields: Any) -> Operator:
    return an_operator(right, login=f"{name}.{new_id().hex[-6:]}", name=name, email=f"{name}@shop.example", **fields)


class Stage:
    """Everybody is an attribute; `rows()` are to be given to the database."""

    def __init__(self) -> None:
        self.head = an_entity("Head office", kind=EntityKind.CENTRAL)
        self.owner, self.colleague = person("owner", Right.CENTRAL), person("colleague", Right.CENTRAL)
        self.admin, self.retired = person("admin", Right.ADMIN), person("retired", Right.CENTRAL, active=False)
        self.regional, self.paris_boss, self.lyon_boss = person("regional"), person("paris_boss"), person("lyon_boss")
        self.paris_clerk, self.paris_gone = person("paris_clerk"), person("paris_gone", active=False)
        self.supervisor, self.oslo_boss = person("supervisor"), person("oslo_boss")
        self.oslo_admin = person("oslo_admin", Right.ADMIN)
        self.news, self.deciders = a_group("News of the north"), a_group("Reviewers of orders")
        self.careful = a_group("Reviewers of campaigns")
        self.north = an_entity("North", parent=self.head)
        names = {"notification_group_id": self.news.id, "order_reviewers_id": self.deciders.id}
        self.paris = an_entity(
            "Paris", code="B1", parent=self.north, campaign_reviewers_id=self.careful.id, **names
        )
        self.lyon = an_entity("Lyon", code="B2", parent=self.north, **names)
        self.closed = an_entity("Closed", code="B0", parent=self.north, active=False, **names)
        self.oslo = an_entity("Oslo", code="C1", parent=self.head)
        self.campaign = a_campaign()
        self.extra: list[Any] = []
        self.published = self._package(PackageStatus.PUBLISHED)
        self.ended = self._package(PackageStatus.ENDED)
        self.canceled = self._package(PackageStatus.CANCELED)
        self.pending = self._package(PackageStatus.PENDING_APPROVAL, submitter_id=self.owner.id)
        self.order = self._order(self.paris)
        self.kept = self._order(self.paris, self.ended, OrderStatus.AVAILABLE)
        self.oslo_order = self._order(self.oslo)

    def _package(self, status: PackageStatus, **fields: Any) -> Any:
        fields = {"approval_mode": ApprovalMode.AUTOMATIC, "end": NOW + 30 * DAY} | fields
        package = a_package(self.campaign, self.owner, status, **fields)
        self.extra += [package, *offered(package, self.paris, self.lyon, self.closed, self.oslo)]
        return package

    def _order(self, entity: Any, package: Any = None, status: OrderStatus = OrderStatus.ORDERED) -> Any:
        order = an_order(package or self.published, entity, status)
        self.extra.append(order)
        return order

    def asked(self, subject: Any, *chosen: Any, kind: ApprovalSubject | None = None, **fields: Any) -> Any:
        """A question, and who is asked."""
        approval = an_approval(subject, kind, **fields)
        self.extra += [approval, *reviewers(approval, *chosen)]
        return approval

    def event(self, kind: EventKind, **fields: Any) -> Event:
        event = Event(id=new_id(), kind=kind, **{"at": NOW, "payload": {}} | fields)
        self.extra.append(event)
        return event

    def about(self, kind: EventKind, order: Any, **fields: Any) -> Event:
        """An event about an order."""
        links = {"package_id": order.package_id, "order_id": order.id, "entity_id": order.entity_id}
        return self.event(kind, **links | fields)

    def rows(self) -> Iterator[Any]:
        yield from (self.head, self.north, self.paris, self.lyon, self.closed, self.oslo)
        yield from (self.news, self.deciders, self.careful, self.campaign)
        people = [each for each in vars(self).values() if isinstance(each, Operator)]
        yield from people
        yield from members(
            self.news, self.regional, self.paris_boss, self.lyon_boss, self.oslo_boss, self.paris_gone, self.colleague
        )
        yield from members(self.deciders, self.regional, self.oslo_boss, self.paris_gone)
        yield from members(self.careful, self.supervisor, self.oslo_boss)
        for one, place in (
            (self.regional, self.north), (self.paris_boss, self.paris), (self.paris_clerk, self.paris),
            (self.paris_gone, self.paris), (self.supervisor, self.paris), (self.lyon_boss, self.lyon),
            (self.oslo_boss, self.oslo), (self.oslo_admin, self.oslo), (self.owner, self.head),
        ):
            yield from linked(one, place)
        yield from self.extra


PENDING, CLOSED = ApprovalStatus.PENDING, ApprovalStatus.APPROVED
