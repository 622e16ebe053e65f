"""Installed campaign types are found; one that does not fit stops the start with a message for people [3.1, 3.2]."""

import re

import pytest

from server.campaign_type import CONTRACT
from server.errors import Refused, StartupError
from server.plugins import CampaignTypes, load_campaign_types
from tests.plugins.conftest import GOOD, Install
from tests.plugins.every_hook import EveryHook

SHIPPED = ["by_campaign", "by_form", "by_target_approval", "simple"]


def test_the_four_types_come_through_the_door_that_everybody_uses(types: CampaignTypes) -> None:
    found = [(each.name, each.distribution, each.contract) for each in types]
    assert found == [(name, "samverkan", CONTRACT) for name in SHIPPED]  # [3]


def test_a_type_of_another_distribution_stands_beside_them(install: Install) -> None:
    distribution = install("aaa")
    first, *others = load_campaign_types()
    assert (first.name, first.label, first.distribution, first.version) == ("aaa", "Good", distribution, "1.0")
    assert [each.name for each in others] == SHIPPED


FAULTS = {
    "a missing module": ("import no_such_module", "cannot be imported: ModuleNotFoundError: No module named 'no_such_"),
    "a failed assertion": ("assert False, 'no licence'", "cannot be imported: ImportError: AssertionError: no licence"),
    "an exit": ("raise SystemExit(3)", "cannot be imported: ImportError: SystemExit: 3"),
    "a syntax error": ("def", "cannot be imported: SyntaxError: invalid syntax"),
    "another name": ("", "cannot be imported: AttributeError: module"),
    "not a class": ("Good = 5", "is not a campaign type but 5. Right: name a class that derives from CampaignType"),
    "another class": ("class Good: pass", "is not a campaign type but <class"),
    "an old contract": (GOOD.replace("= CONTRACT", "= 0"), "is written for contract 0. Right: this server has"),
    "no contract": (GOOD.replace("contract = CONTRACT", ""), "is written for contract None. Right: this server has"),
    "no label": (GOOD.replace('label = "Good"', ""), "has no label. Right: set label to a text"),
    "a blank template": (GOOD.replace('"good"', '" "'), "has no template. Right: set template to a text"),
    "a missing hook": (GOOD.replace("def fields", "def felds"), "misses fields. Right: define every abstract hook"),
    "rules of another kind": (GOOD + "    package = 3\n", "has package = 3. Right: set package to a PackageRules"),
    "an asynchronous hook": (GOOD.replace("def fields", "async def fields"), "has an asynchronous fields. Right: "),
    "a hook of another shape": (
        GOOD.replace("approval(self, package, order)", "approval(self, order)"),
        "has a after_approval that the server cannot call (too many positional arguments). Right: def after_approval(",
    ),
    "a constructor that asks": (
        GOOD + "    def __init__(self, url): pass\n", "cannot be constructed: TypeError: ",
    ),
    "a constructor that fails": (
        GOOD + "    def __init__(self): 1 / 0\n", "cannot be constructed: ZeroDivisionError: division by zero. Right:",
    ),
}


@pytest.mark.parametrize(("code", "cause"), FAULTS.values(), ids=FAULTS.keys())
def test_a_type_that_does_not_fit_is_named_with_its_origin_and_cause(install: Install, code: str, cause: str) -> None:
    install("sweep", code)
    with pytest.raises(StartupError) as stop:
        load_campaign_types()
    heading, fault = str(stop.value).splitlines()  # one fault, one line
    assert heading == "The campaign types (entry points of group samverkan.campaign_types) have 1 fault(s):"
    assert re.match(r"  - sweep = made_up_\d+:Good of samverkan-sweep 1.0 ", fault)
    assert cause in fault
    assert ". Right: " in fault


def test_all_faults_are_reported_at_once(install: Install) -> None:
    install("broken", "import no_such_module")
    install("fine", GOOD.replace('"good"', '"fine"'))
    install("old", GOOD.replace("= CONTRACT", "= 0").replace('label = "Good"', "").replace('"good"', '"old"'))
    install("stop", "raise SystemExit")
    with pytest.raises(StartupError) as stop:
        load_campaign_types()
    _, *faults = str(stop.value).splitlines()
    assert [fault.split()[1] for fault in faults] == ["broken", "stop", "old", "old"]


def test_two_distributions_with_one_name_are_both_named(install: Install) -> None:
    install("simple", GOOD, distribution="acme-types")
    with pytest.raises(StartupError, match=r"name simple is used twice: .* of acme-types 1\.0 and .* of samverkan "):
        load_campaign_types()


def test_a_name_is_used_twice_even_when_one_of_the_two_cannot_be_imported(install: Install) -> None:
    install("sweep", "import no_such_module", distribution="acme-types")
    install("sweep", GOOD, distribution="zeta-types")
    with pytest.raises(StartupError, match=r"The name sweep is used twice: .* acme-types 1\.0 and .* zeta-types 1\.0"):
        load_campaign_types()


def test_two_types_cannot_ship_one_template(install: Install) -> None:
    install("other", GOOD.replace('"good"', '"opCollaborativeSimple"'))
    with pytest.raises(StartupError, match=r"template code opCollaborativeSimple is used twice: .*other = .* simple"):
        load_campaign_types()


def test_a_fault_of_the_second_start_is_not_hidden_by_the_first(install: Install) -> None:
    load_campaign_types()
    install("sweep", "import no_such_module")
    with pytest.raises(StartupError):
        load_campaign_types()


def test_a_type_that_is_not_installed_is_refused_by_name(types: CampaignTypes) -> None:
    assert types.get("sweepstake") is None
    with pytest.raises(Refused) as refusal:
        types.require("sweepstake")
    [problem] = refusal.value.problems
    assert problem.code == "TYPE_NOT_INSTALLED"
    assert problem.message.startswith("The campaign type sweepstake is not installed; what was made with it stays read")


def test_classes_can_be_used_without_a_distribution() -> None:
    assert [each.name for each in CampaignTypes.of([EveryHook])] == ["every_hook"]
    assert CampaignTypes.of({"mine": EveryHook}).require("mine").template == "everyHook"
