"""By form: what the entity fills in depends on the campaign's interface [9.2-9.5]."""

from dataclasses import replace

import pytest

from campaign_types.by_form import ByForm
from server.campaign_type import Field, FieldKind, Interface, PackageSnapshot, TakePart
from server.contract_tests import FULL, ORDER

SLOGAN = Field("slogan", "Slogan", required=True)


def package(interface: Interface) -> PackageSnapshot:
    return replace(FULL, campaign=replace(FULL.campaign, interface=interface, fields=(SLOGAN,)))


@pytest.mark.parametrize("interface", [Interface.BY_FORM, Interface.BY_EXTERNAL_FORM])
def test_a_form_is_the_campaigns_form(interface: Interface) -> None:  # [9.2]
    assert tuple(ByForm().fields(package(interface))) == (SLOGAN,)


def test_a_preset_campaign_cannot_be_localised() -> None:  # [9.2] PRE_SET
    assert tuple(ByForm().fields(package(Interface.PRE_SET))) == ()


def test_a_brief_is_two_rich_texts_about_targeting_and_content() -> None:  # [9.2] BY_BRIEF
    brief = [(field.name, field.kind, field.required) for field in ByForm().fields(package(Interface.BY_BRIEF))]
    assert brief == [
        ("targeting_wishes", FieldKind.RICH_TEXT, False), ("content_wishes", FieldKind.RICH_TEXT, False),
    ]


def test_an_order_links_to_the_one_reference_campaign() -> None:  # [9.5]
    assert tuple(ByForm().after_approval(package(Interface.BY_FORM), ORDER)) == (TakePart(),)
