"""Every installed type and the one that uses every hook keep the contract; its tests notice a type that does not."""

from collections.abc import Callable
from typing import Any

import pytest

from server.campaign_type import (
    CampaignType,
    Field,
    FieldKind,
    Need,
    Notify,
    OpenTargetLists,
    PackageRules,
    Problem,
    Receivers,
    RunJob,
    TakePart,
    TemplatePreset,
)
from server.contract_tests import DRAFT, FULL, CampaignTypeContract
from server.plugins import load_campaign_types
from tests.plugins.every_hook import EveryHook


class TestEveryHook(CampaignTypeContract):
    campaign_type = EveryHook


def contract_of(campaign_type: type[CampaignType]) -> type[CampaignTypeContract]:
    return type(f"Test{campaign_type.__name__}", (CampaignTypeContract,), {"campaign_type": campaign_type})


for installed in load_campaign_types():
    globals()[f"Test_{installed.name}"] = contract_of(type(installed.plugin))


def changing(_: object, package: Any, order: Any) -> tuple[TakePart]:
    order.parameters["slogan"] = "changed"
    return (TakePart(),)


def counting(plugin: Any, _: object) -> tuple[Field]:
    plugin.asked = getattr(plugin, "asked", 0) + 1
    return (Field(f"field{plugin.asked}", "Field"),)


async def asynchronous(*_: object) -> tuple[TakePart]:
    return (TakePart(),)


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "another contract": ({"contract": 0}, "it_declares", "contract is 0"),
    "no label": ({"label": " "}, "it_declares", "label must be a short text"),
    "spaces in the template": ({"template": "my type"}, "it_declares", "template must be a code"),
    "nobody to subscribe": ({"package": PackageRules(audience=Need.ABSENT)}, "its_rules", "nobody to subscribe"),
    "no way to an order": (
        {"package": PackageRules(orderable=False, subscribes=False), "after_start": lambda *_: ()},
        "its_rules", "no order can come to be",
    ),
    "nothing to design for": ({"package": PackageRules(designed_for=0)}, "its_rules", "designed_for"),
    "negative numbers": ({"preset": TemplatePreset(max_documents=-1)}, "its_preset", "must not be negative"),
    "a preset form": ({"preset": TemplatePreset(fields=(Field("a b", "A"),))}, "its_preset", "name must be a letter"),
    "an asynchronous hook": ({"after_approval": asynchronous}, "hooks_are_synchronous", "approval must not be async"),
    "fields of another kind": ({"fields": lambda *_: ["slogan"]}, "sound_form", "'slogan' is not a Field"),
    "one name twice": ({"fields": lambda *_: [Field("a", "A"), Field("a", "B")]}, "sound_form", "names are unique"),
    "a default that does not fit": (
        {"fields": lambda *_: [Field("n", "N", FieldKind.INTEGER, default="x")]}, "sound_form", "be a whole number",
    ),
    "a pattern without a sample": (
        {"fields": lambda *_: [Field("zip", "Zip", pattern="^[0-9]{5}$", required=True)]}, "filled_in", "set `values`",
    ),
    "a problem without a sentence": ({"check_package": lambda *_: [Problem("X", "")]}, "checks_yield", "a sentence"),
    "a problem of no field": (
        {"check_order": lambda *_: [Problem("X", "It is bad.", ("parameters", "prize"))]}, "checks_yield", "not exist",
    ),
    "a check that answers yes": ({"check_package": lambda *_: [True]}, "checks_yield", "True is not a Problem"),
    "an effect out of place": ({"after_approval": lambda *_: [OpenTargetLists()]}, "effects_can", "no meaning here"),
    "two campaigns": ({"after_approval": lambda *_: [TakePart(), TakePart()]}, "effects_can", "one campaign"),
    "an entity before there is one": (
        {"after_publication": lambda *_: [Notify(Receivers.ENTITY, "x")]}, "effects_can", "only the OWNER",
    ),
    "a silent message": ({"after_start": lambda *_: [Notify(Receivers.OWNER, " ")]}, "effects_can", "says nothing"),
    "a job that nobody does": (
        {"after_start": lambda *_: [RunJob("x", {})], "run_job": CampaignType.run_job}, "effects_can", "needs a run",
    ),
    "a changed snapshot": ({"after_approval": changing}, "hooks_are_pure", "changed the snapshot"),
    "a memory": ({"fields": counting}, "hooks_are_pure", "differently the second time"),
}


@pytest.mark.parametrize(("changes", "test", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_type_that_breaks_the_contract_is_told_how(changes: dict[str, Any], test: str, message: str) -> None:
    contract: Any = contract_of(type("Faulty", (EveryHook,), changes))()
    [check] = [getattr(contract, name) for name in dir(contract) if name.startswith("test_") and test in name]
    with pytest.raises(pytest.fail.Exception, match=message):
        _run(check)


def _run(check: Callable[..., None]) -> None:
    if "package" not in check.__code__.co_varnames[: check.__code__.co_argcount]:
        return check()
    check(package=DRAFT)
    return check(package=FULL)
