"""The table of the four collaborative types [3]."""

import pytest

from server.campaign_type import LastTab, Need
from server.plugins import CampaignTypes

REQUIRED, OPTIONAL, ABSENT = Need.REQUIRED, Need.OPTIONAL, Need.ABSENT

TEMPLATES = {
    "simple": "opCollaborativeSimple", "by_form": "opCollaborativeByForm", "by_campaign": "opCollaborativeByCampaign",
    "by_target_approval": "opCollaborativeByTargetApproval",
}
DATES = [  # audience, registration deadline, personalization deadline, availability
    ("simple", REQUIRED, REQUIRED, OPTIONAL, ABSENT),
    ("by_form", REQUIRED, REQUIRED, OPTIONAL, ABSENT),
    ("by_campaign", REQUIRED, REQUIRED, OPTIONAL, OPTIONAL),
    ("by_target_approval", ABSENT, ABSENT, ABSENT, ABSENT),
]
DESIGNED_FOR = {"simple": None, "by_form": 300, "by_campaign": 50, "by_target_approval": 5_000}


def test_each_type_ships_its_template(types: CampaignTypes) -> None:
    assert {each.name: each.template for each in types} == TEMPLATES


@pytest.mark.parametrize(("name", "audience", "registration", "personalization", "availability"), DATES)
def test_a_type_says_which_dates_and_audience_its_packages_need(
    types: CampaignTypes, name: str, audience: Need, registration: Need, personalization: Need, availability: Need
) -> None:
    rules = types.require(name).rules
    assert (rules.audience, rules.registration_deadline) == (audience, registration)
    assert (rules.personalization_deadline, rules.availability) == (personalization, availability)


def test_a_type_says_for_how_many_entities_it_is_designed(types: CampaignTypes) -> None:
    assert {each.name: each.rules.designed_for for each in types} == DESIGNED_FOR


def test_only_target_approval_is_not_ordered_by_entities_and_ends_in_approved_targets(types: CampaignTypes) -> None:
    rules = {each.name: each.rules for each in types}
    target = rules.pop("by_target_approval")
    assert (target.orderable, target.subscribes, target.last_tab) == (False, False, LastTab.APPROVED_TARGETS)  # [9.13]
    assert {(rule.orderable, rule.subscribes, rule.last_tab) for rule in rules.values()} == {
        (True, True, LastTab.ORDERS)
    }


def test_one_live_order_per_entity_is_the_rule_of_all_four(types: CampaignTypes) -> None:  # [6.3]
    assert not any(each.rules.several_orders or each.rules.schedule_per_order for each in types)


def test_documents_come_with_orders_that_entities_make(types: CampaignTypes) -> None:  # [6.1]
    accepting = {each.name for each in types if each.preset.max_documents > 0}
    assert accepting == {"simple", "by_form", "by_campaign"}
