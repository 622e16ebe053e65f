"""A package of each of the four types goes from draft to an approved order [3, 4.4, 6.2, 9]."""

from server.domain.lifecycles import OrderStatus, PackageStatus
from server.domain.order import Order
from server.domain.package import Package
from tests.services.conftest import World


async def test_a_simple_package_goes_from_draft_to_an_available_order(world: World) -> None:
    package = await world.published("simple")
    assert package.status == PackageStatus.PUBLISHED
    order = await world.ordered(package)
    assert order.status == OrderStatus.ORDERED
    await world.decide(world.order_reviewer, order)
    order = await world.read(Order, id=order.id)
    assert (order.status, order.campaign_id) == (OrderStatus.AVAILABLE, package.campaign_id)
    assert (await world.read(Package, id=package.id)).revision == package.revision
