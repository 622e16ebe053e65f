"""By campaign: predefined criteria when ordering, a child campaign after approval [9.6, 9.7]."""

from campaign_types.by_campaign import ByCampaign
from server.campaign_type import CreateChildCampaign
from server.contract_tests import EVERY_KIND, FULL, ORDER


def test_the_entity_completes_the_predefined_criteria_of_the_campaign() -> None:  # [9.6]
    assert tuple(ByCampaign().fields(FULL)) == EVERY_KIND


def test_one_child_campaign_is_created_for_the_entity() -> None:  # [9.7]
    assert tuple(ByCampaign().after_approval(FULL, ORDER)) == (CreateChildCampaign(),)
