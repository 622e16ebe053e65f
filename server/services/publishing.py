"""Publication, and in automatic mode the subscription of the audience, set-based [4.4, 6.5]."""

from collections.abc import Sequence

from server.domain.later import FanOutKind
from server.domain.lifecycles import Action
from server.domain.package import ApprovalMode, DeadlineNotice, Package
from server.domain.record import EventKind, SubjectKind
from server.services.effects import Decided, perform
from server.services.fanning import later
from server.services.offering import EntityRow, audience
from server.services.snapshots import package_snapshot
from server.services.subscribing import default_values, order_for, without_order
from server.services.work import Work


async def publish_if_due(work: Work, package: Package) -> bool:
    """Publishes an approved package whose start is reached or past; automatic mode subscribes its audience."""
    if package.start is None or package.start > work.now:
        return False
    kind = work.types.require(package.type)
    package.apply(Action.PUBLISH)
    package.published_at = work.now
    package.deadline_notice = DeadlineNotice.NONE
    await work.record(SubjectKind.PACKAGE, package, Action.PUBLISH)
    work.impact.add("PACKAGE", package.code, package.label, package.status)
    entities = await audience(work, package)
    subscribes = package.approval_mode is ApprovalMode.AUTOMATIC and kind.rules.subscribes
    _tell(work, package, entities, EventKind.PACKAGE_SUBSCRIBED if subscribes else EventKind.PACKAGE_PUBLISHED)
    if subscribes:
        await subscribe(work, package, entities)
    await perform(work, [Decided(work, package, None, kind.after_publication(await package_snapshot(work, package)))])
    return True


async def subscribe(work: Work, package: Package, entities: Sequence[EntityRow]) -> None:
    """One approved order with default values for each of the entities that has none standing in this cycle [6.5]: a few
    at once, many in chunks after the commit. What the type has to say about the values is heard before in any case."""
    values = await default_values(work, package)
    if len(entities) > work.settings.fan_out_from:
        later(work, FanOutKind.SUBSCRIBE, package, len(entities))
        work.impact.count("ORDER", len(entities))
    else:
        await order_for(work, package, await without_order(work, package, entities), values)


def _tell(work: Work, package: Package, entities: Sequence[EntityRow], kind: EventKind) -> None:
    """N5 or N6: one event that reaches every entity of the audience, unless central wants none."""
    if package.notify_on_publication:
        work.emit(kind, package_id=package.id, campaign_id=package.campaign_id)
        for entity in entities:
            work.impact.add("MESSAGE", entity.code, entity.label, kind)
    for entity in entities:
        work.impact.add("ENTITY", entity.code, entity.label, "OFFERED")
