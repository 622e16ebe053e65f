"""What campaign types see of rows: everything that the contract names, and nothing that they could change."""

from server.campaign_type import DataDistributionSnapshot, Field
from server.database import Database
from server.domain.campaign import Campaign
from server.domain.network import Entity
from server.domain.order import Order
from server.domain.package import Package
from server.domain.snapshots import campaign_snapshot, entity_snapshot, order_snapshot, package_snapshot
from server.domain.target import DataDistribution
from tests.builders import a_campaign, a_distribution, a_package, an_entity, an_operator, an_order, given

FORM = (Field("slogan", "Slogan"),)


async def rows(database: Database) -> tuple[Package, Campaign, DataDistribution, Order, Entity]:
    """Rows as a service reads them."""
    distribution, owner, paris = a_distribution(), an_operator(), an_entity("Paris")
    campaign = a_campaign(form_version=3, data_distribution_id=distribution.id)
    package = a_package(campaign, owner)
    order = an_order(package, paris, parameters={"slogan": "Hej", "colours": ["r"]}, approved_contacts=13)
    await given(database, distribution, owner, paris, campaign, package, order)
    return package, campaign, distribution, order, paris


async def test_a_package_snapshot_holds_the_package_and_its_campaign(database: Database) -> None:
    package, campaign, distribution, _, _ = await rows(database)
    snapshot = package_snapshot(package, campaign_snapshot(campaign, FORM, distribution), 62)
    assert (snapshot.code, snapshot.status, snapshot.approval_mode) == (package.code, "PUBLISHED", "MANUAL")
    assert (snapshot.start, snapshot.end, snapshot.audience_size) == (package.start, package.end, 62)
    seen = snapshot.campaign
    assert (seen.code, seen.fields, seen.form_version) == (campaign.code, FORM, 3)
    assert seen.data_distribution == DataDistributionSnapshot(distribution.code, "By store", "LOCAL_ENTITY")


async def test_an_order_is_seen_in_the_form_version_that_it_was_filled_in_with(database: Database) -> None:  # [9.3]
    _, campaign, _, _, _ = await rows(database)
    assert campaign_snapshot(campaign, FORM, None, form_version=1).form_version == 1
    assert campaign_snapshot(campaign, FORM, None).data_distribution is None


async def test_an_order_snapshot_holds_the_order_and_its_entity(database: Database) -> None:
    *_, order, paris = await rows(database)
    snapshot = order_snapshot(order, paris)
    assert (snapshot.code, snapshot.status, snapshot.revision, snapshot.contacts) == (order.code, "ORDERED", 1, 13)
    assert snapshot.entity == entity_snapshot(paris)
    assert (snapshot.entity.label, snapshot.entity.locale, snapshot.entity.time_zone) == ("Paris", "en", "UTC")


async def test_a_type_that_writes_into_parameters_changes_only_its_copy(database: Database) -> None:
    *_, order, paris = await rows(database)
    order_snapshot(order, paris).parameters["colours"].append("g")
    assert order.parameters == {"slogan": "Hej", "colours": ["r"]}
