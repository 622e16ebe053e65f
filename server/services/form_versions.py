"""New versions of a campaign's form, and what they mean for the packages and drafts that exist [6.5, 9.3]."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from server.campaign_type import Field
from server.domain.campaign import Campaign, FormVersion
from server.domain.form_values import check_values
from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import ApprovalMode, Package
from server.errors import Problem
from server.services.package_fields import check_defaults
from server.services.snapshots import order_fields
from server.services.work import Work

DRAFTS = 1000
"""At most so many drafts are looked at when a form changes."""
SUBSCRIBING = (PackageStatus.PENDING_APPROVAL, PackageStatus.APPROVED, PackageStatus.PUBLISHED)


def add_version(work: Work, campaign: Campaign, stored: list[Any]) -> None:
    """The next version of the campaign's form, written together with the campaign."""
    campaign.form_version += 1
    work.session.add(FormVersion(
        campaign_id=campaign.id, version=campaign.form_version, fields=stored, created_at=work.now,
        created_by_id=work.caller.id,
    ))


async def check_subscriptions(work: Work, campaign: Campaign) -> list[Problem]:
    """Packages that order with the campaign's default values must still be able to [6.5]."""
    rules = work.types.require(campaign.type).rules
    packages = await work.session.scalars(select(Package).where(
        Package.campaign_id == campaign.id, Package.approval_mode == ApprovalMode.AUTOMATIC,
        Package.status.in_(SUBSCRIBING if rules.subscribes else ()),
    ).order_by(Package.id))
    return [
        Problem(problem.code, f"Package {package.label} ({package.code}): {problem.message}", ("default_values",))
        for package in packages for problem in check_defaults(await order_fields(work, package), campaign)
    ]


async def warn_of_drafts(work: Work, campaign: Campaign) -> None:
    """Names the drafts that fitted their version of the form and do not fit the newest one, as warnings [9.3]."""
    drafts = (await work.session.execute(
        select(Order, Package).join(Package, Package.id == Order.package_id).where(
            Package.campaign_id == campaign.id, Order.cycle == Package.cycle, Order.status == OrderStatus.DRAFT,
        ).order_by(Order.id).limit(DRAFTS)
    )).all()
    known: dict[tuple[UUID, int], Sequence[Field]] = {}
    for order, package in drafts:
        problems: list[list[Problem]] = []
        for version in (order.form_version, campaign.form_version):
            if (package.id, version) not in known:
                known[package.id, version] = await order_fields(work, package, version)
            problems.append(check_values(known[package.id, version], order.parameters))
        work.warnings.extend(
            Problem("DRAFT_NO_LONGER_FITS", f"Order {order.label} ({order.code}): {problem.message}", problem.path)
            for problem in problems[1] if problem not in problems[0]
        )
