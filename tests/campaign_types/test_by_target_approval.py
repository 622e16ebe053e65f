"""By target approval: the campaign spreads its contacts, the entities trim their lists [8.9, 9.11-9.13]."""

from dataclasses import replace

from campaign_types.by_target_approval import ByTargetApproval
from server.campaign_type import DataDistributionSnapshot, OpenTargetLists, PackageSnapshot, TakePart
from server.contract_tests import FULL, ORDER


def package(distribution: DataDistributionSnapshot | None) -> PackageSnapshot:
    return replace(FULL, campaign=replace(FULL.campaign, data_distribution=distribution))


def test_a_campaign_that_spreads_over_local_entities_can_be_offered() -> None:  # [8.9]
    assert not list(ByTargetApproval().check_package(package(DataDistributionSnapshot("D1", "Store", "LOCAL_ENTITY"))))


def test_a_campaign_without_a_data_distribution_cannot_be_offered() -> None:  # [8.9]
    [problem] = ByTargetApproval().check_package(package(None))
    assert (problem.code, problem.path) == ("DATA_DISTRIBUTION_MISSING", ("campaign",))
    assert "Spring (OP2) has no data distribution" in problem.message


def test_a_distribution_over_operators_does_not_do() -> None:  # [8.9]
    [problem] = ByTargetApproval().check_package(package(DataDistributionSnapshot("D2", "Team", "GROUP_OR_OPERATOR")))
    assert (problem.code, problem.path) == ("DATA_DISTRIBUTION_ASSIGNMENT", ("campaign",))
    assert "Team (D2), which is assigned by GROUP_OR_OPERATOR; it must be assigned by LOCAL_ENTITY" in problem.message


def test_the_contact_list_is_the_payload_so_there_is_no_form() -> None:  # [9.13]
    assert tuple(ByTargetApproval().fields(FULL)) == ()


def test_starting_the_campaign_opens_a_list_per_entity() -> None:  # [9.11]
    assert tuple(ByTargetApproval().after_start(FULL)) == (OpenTargetLists(),)


def test_the_kept_contacts_join_the_reference_campaign() -> None:  # [3]
    assert tuple(ByTargetApproval().after_approval(FULL, ORDER)) == (TakePart(),)
