"""What operators do to packages and campaigns, as acts for `world.do` and `world.refused`."""

from collections.abc import Awaitable, Callable
from typing import Any

from server.domain.campaign import Campaign
from server.domain.network import Entity
from server.domain.package import Package
from server.services.audience import Audience
from server.services.campaigns import Campaigns
from server.services.packages import LiveOrders, Packages
from server.services.work import Work

PackageAct = Callable[[Work], Awaitable[Package]]
CampaignAct = Callable[[Work], Awaitable[Campaign]]


def create(**fields: Any) -> PackageAct:
    return lambda work: Packages(work).create(fields)


def update(package: Package, **fields: Any) -> PackageAct:
    return lambda work: Packages(work).update(package.id, package.revision, fields)


def submit(package: Package) -> PackageAct:
    return lambda work: Packages(work).submit(package.id, package.revision)


def withdraw(package: Package, comment: str = "") -> PackageAct:
    return lambda work: Packages(work).withdraw(package.id, package.revision, comment)


def cancel(package: Package, comment: str = "") -> PackageAct:
    return lambda work: Packages(work).cancel(package.id, package.revision, comment)


def reinitialize(package: Package, live_orders: LiveOrders | None = None, comment: str = "") -> PackageAct:
    return lambda work: Packages(work).reinitialize(package.id, package.revision, live_orders, comment)


def offer(package: Package, *entities: Entity) -> PackageAct:
    return lambda work: Audience(work).add(package.id, package.revision, [entity.id for entity in entities])


def take_back(
    package: Package, *entities: Entity, live_orders: LiveOrders | None = None, comment: str = ""
) -> PackageAct:
    ids = [entity.id for entity in entities]
    return lambda work: Audience(work).remove(package.id, package.revision, ids, live_orders, comment)


def make_campaign(template: str, **fields: Any) -> CampaignAct:
    return lambda work: Campaigns(work).create(template, fields)


def change_campaign(campaign: Campaign, **fields: Any) -> CampaignAct:
    return lambda work: Campaigns(work).update(campaign.id, campaign.revision, fields)


def start_campaign(campaign: Campaign) -> CampaignAct:
    return lambda work: Campaigns(work).start(campaign.id, campaign.revision)


def finish_campaign(campaign: Campaign) -> CampaignAct:
    return lambda work: Campaigns(work).finish(campaign.id, campaign.revision)


def cancel_campaign(campaign: Campaign, comment: str = "") -> CampaignAct:
    return lambda work: Campaigns(work).cancel(campaign.id, campaign.revision, comment)


def copy_campaign(campaign: Campaign, label: str = "Copy", *, as_template: bool = False, code: str = "") -> CampaignAct:
    return lambda work: Campaigns(work).duplicate(campaign.id, label, as_template=as_template, code=code)


def codes(problems: Any) -> list[tuple[str, str]]:
    return sorted((problem.code, problem.path[0]) for problem in problems)


def faults(problems: Any) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((problem.code, problem.path) for problem in problems)
