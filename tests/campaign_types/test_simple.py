"""Simple: an order is participation [9.1]."""

from campaign_types.simple import Simple
from server.campaign_type import TakePart
from server.contract_tests import FULL, ORDER


def test_there_is_nothing_to_fill_in_even_when_the_campaign_has_a_form() -> None:  # [9.1]
    assert FULL.campaign.fields
    assert tuple(Simple().fields(FULL)) == ()


def test_an_approved_entity_takes_part_in_the_reference_campaign() -> None:  # [3]
    assert tuple(Simple().after_approval(FULL, ORDER)) == (TakePart(),)
