"""A pytest class that authors of campaign types inherit to check that their type keeps the contract.

    class TestMyType(CampaignTypeContract):
        campaign_type = MyType

Every hook is called with sample packages, from an empty draft to one with everything, and with an order each.
"""

import inspect
import json
import math
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from server.campaign_type import (
    CONTRACT,
    CampaignSnapshot,
    CampaignType,
    Choice,
    CreateChildCampaign,
    DataDistributionSnapshot,
    EntitySnapshot,
    Field,
    FieldKind,
    Interface,
    Need,
    Notify,
    OpenTargetLists,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    Problem,
    Receivers,
    RunJob,
    TakePart,
    TemplatePreset,
)
from server.domain.form import check_form, check_values, json_schema, to_stored, with_defaults

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = (Choice("a", "First"), Choice("b", "Second"), Choice("c", "Third"))
EVERY_KIND = tuple(
    Field(
        kind.value.lower(), kind.value.capitalize(), kind, required=True, help="A field of a campaign's form.",
        choices=OPTIONS if kind in (FieldKind.CHOICE, FieldKind.MULTIPLE_CHOICE) else (),
    )
    for kind in FieldKind
)
"""A form with a required field of every kind."""

DRAFT = PackageSnapshot(
    id=UUID(int=1), code="CAT1", label="Spring", status="BEING_EDITED", cycle=1, approval_mode="MANUAL", start=None,
    end=None, registration_deadline=None, personalization_deadline=None, campaign_available_at=None, audience_size=0,
    campaign=CampaignSnapshot(
        id=UUID(int=2), code="OP2", label="Spring", status="BEING_EDITED", start=None, end=None,
        interface=Interface.PRE_SET, fields=(), form_version=0, data_distribution=None,
    ),
)
"""A package of which nothing is known yet."""

FULL = replace(
    DRAFT, status="PUBLISHED", cycle=2, approval_mode="AUTOMATIC", start=MONDAY, end=MONDAY + timedelta(days=30),
    registration_deadline=MONDAY + timedelta(days=10), personalization_deadline=MONDAY + timedelta(days=20),
    campaign_available_at=MONDAY + timedelta(days=40), audience_size=5_000,
    campaign=replace(
        DRAFT.campaign, status="IN_PROGRESS", start=MONDAY, end=MONDAY + timedelta(days=60),
        interface=Interface.BY_FORM, fields=EVERY_KIND, form_version=3,
        data_distribution=DataDistributionSnapshot("DIST1", "By store", "LOCAL_ENTITY"),
    ),
)
"""A package with everything that a package can have."""


def _with(**campaign: Any) -> PackageSnapshot:
    return replace(FULL, campaign=replace(FULL.campaign, **campaign))


PACKAGES: Mapping[str, PackageSnapshot] = {
    "draft": DRAFT,
    "full": FULL,
    "ended": replace(FULL, status="ENDED"),
    "brief": _with(interface=Interface.BY_BRIEF),
    "external form": _with(interface=Interface.BY_EXTERNAL_FORM),
    "form without fields": _with(fields=()),
    "distribution by group": _with(data_distribution=DataDistributionSnapshot("DIST2", "By team", "GROUP_OR_OPERATOR")),
}

ORDER = OrderSnapshot(
    id=UUID(int=3), code="ORD3", label="Spring", comment="", status="APPROVED", revision=1,
    entity=EntitySnapshot(UUID(int=4), "paris", "Paris", "fr", "Europe/Paris"), parameters={}, contacts=None,
)

TEXTS: Mapping[FieldKind, str] = {
    FieldKind.DATE: "2026-11-30", FieldKind.EMAIL: "name@example.org", FieldKind.URL: "https://example.org/page",
    FieldKind.IMAGE: "https://example.org/image.png",
}


def sample_value(field: Field) -> Any:
    """A value that fits the field, unless the field has a pattern: its default, or the smallest one."""
    if field.default is not None or not field.editable:
        return field.default
    match field.kind:
        case FieldKind.NUMBER | FieldKind.INTEGER:
            least = field.minimum if field.minimum is not None else min(0, field.maximum or 0)
            return math.ceil(least) if field.kind == FieldKind.INTEGER else least
        case FieldKind.BOOLEAN:
            return True
        case FieldKind.CHOICE:
            return field.choices[0].value
        case FieldKind.MULTIPLE_CHOICE:
            return [choice.value for choice in field.choices[: max(field.min_length or 0, 1)]]
        case _:
            return TEXTS.get(field.kind) or "x" * max(field.min_length or 0, 1)


every_package = pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES.keys())


class CampaignTypeContract:
    """Inherit it and set `campaign_type`; `values` holds samples for fields whose pattern nobody can guess."""

    campaign_type: ClassVar[type[CampaignType]]
    values: ClassVar[Mapping[str, Any]] = {}

    def test_it_declares_what_the_server_lists(self) -> None:
        type_ = self.campaign_type
        demand(type_.contract == CONTRACT, f"contract is {type_.contract}, this server has {CONTRACT}")
        for name in ("label", "template"):
            text = getattr(type_, name, None)
            demand(isinstance(text, str) and text.strip() and len(text) <= 100, f"{name} must be a short text")
        demand(type_.template.isascii() and type_.template.isidentifier(), "template must be a code without spaces")

    def test_its_rules_leave_a_way_to_an_order(self) -> None:
        rules = self.campaign_type.package
        demand(isinstance(rules, PackageRules), "package must be PackageRules")
        demand(rules.designed_for is None or rules.designed_for > 0, "designed_for must be None or positive")
        demand(
            not (rules.subscribes and rules.audience == Need.ABSENT),
            "without an audience publication has nobody to subscribe: set subscribes=False",
        )
        opens = any(OpenTargetLists() in self.campaign_type().after_start(package) for package in PACKAGES.values())
        demand(
            rules.orderable or rules.subscribes or opens,
            "no order can come to be: set orderable or subscribes, or open target lists in after_start",
        )

    def test_its_preset_can_be_used(self) -> None:
        preset = self.campaign_type.preset
        demand(isinstance(preset, TemplatePreset), "preset must be a TemplatePreset")
        demand(preset.max_documents >= 0 and preset.max_reviewers >= 0, "the preset's numbers must not be negative")
        demand_none(check_form(to_stored(preset.fields)), "the preset's form")

    def test_its_hooks_are_synchronous(self) -> None:
        for name, hook in inspect.getmembers(self.campaign_type, inspect.isfunction):
            asynchronous = inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook)
            demand(not (hasattr(CampaignType, name) and asynchronous), f"{name} must not be async")

    @every_package
    def test_its_fields_are_a_sound_form(self, package: PackageSnapshot) -> None:
        fields = _tuple_of(Field, self.campaign_type().fields(package))
        demand_none(check_form(to_stored(fields)), "the fields")
        json.dumps(json_schema(fields))

    @every_package
    def test_its_fields_can_be_filled_in(self, package: PackageSnapshot) -> None:
        fields = tuple(self.campaign_type().fields(package))
        demand_none(check_values(fields, self.order(package).parameters), "sample values (set `values` for patterns)")

    @every_package
    def test_its_checks_yield_problems(self, package: PackageSnapshot) -> None:
        order = self.order(package)
        names = {field.name for field in self.campaign_type().fields(package)}
        problems = [*self.campaign_type().check_package(package), *self.campaign_type().check_order(package, order)]
        for problem in _tuple_of(Problem, problems):
            demand(problem.code.isupper() and len(problem.message) > 5, f"{problem} needs a CODE and a sentence")
            if problem.path[:1] == ("parameters",) and len(problem.path) > 1:
                demand(problem.path[1] in names, f"{problem} is about a field that does not exist")

    @every_package
    def test_its_effects_can_be_performed(self, package: PackageSnapshot) -> None:
        plugin, order = self.campaign_type(), self.order(package)
        _demand_effects(plugin, plugin.after_publication(package), Notify, RunJob)
        _demand_effects(plugin, plugin.after_start(package), OpenTargetLists, Notify, RunJob)
        _demand_effects(plugin, plugin.after_cancellation(package, order), Notify, RunJob)
        effects = _demand_effects(
            plugin, plugin.after_approval(package, order), TakePart, CreateChildCampaign, Notify, RunJob
        )
        campaigns = [effect for effect in effects if isinstance(effect, TakePart | CreateChildCampaign)]
        demand(len(campaigns) <= 1, "an order has one campaign: TakePart or CreateChildCampaign, once")
        for effect in plugin.after_publication(package):
            owner = not isinstance(effect, Notify) or effect.receivers == Receivers.OWNER
            demand(owner, "after_publication has no order yet: only the OWNER can be notified")

    @every_package
    def test_its_hooks_are_pure(self, package: PackageSnapshot) -> None:
        order, plugin = self.order(package), self.campaign_type()
        before = deepcopy((package, order))
        answers = _ask_all(plugin, package, order)
        demand((package, order) == before, "a hook changed the snapshot that it was given")
        demand(_ask_all(plugin, *before) == answers, "a hook answers the same question differently the second time")
        demand(_ask_all(self.campaign_type(), *before) == answers, "a hook depends on what was asked before")

    def order(self, package: PackageSnapshot) -> OrderSnapshot:
        """An order whose parameters fit the type's fields."""
        fields = tuple(self.campaign_type().fields(package))
        values = {field.name: self.values.get(field.name, sample_value(field)) for field in fields}
        return replace(ORDER, parameters=with_defaults(fields, values), contacts=13)


def demand(condition: object, message: str) -> None:
    """Fails the test with a sentence; plain asserts are not explained outside of test modules."""
    if not condition:
        pytest.fail(message)


def demand_none(problems: Iterable[Problem], about: str) -> None:
    if found := list(problems):
        pytest.fail(f"{about}: " + " ".join(f"{problem.path}: {problem.message}" for problem in found))


def _demand_effects(plugin: CampaignType, effects: Iterable[Any], *allowed: type) -> tuple[Any, ...]:
    found = tuple(effects)
    names = ", ".join(each.__name__ for each in allowed)
    for effect in found:
        demand(isinstance(effect, allowed), f"{effect!r} has no meaning here; allowed are {names}")
        if isinstance(effect, Notify):
            demand(effect.text.strip() and isinstance(effect.receivers, Receivers), f"{effect!r} says nothing")
        if isinstance(effect, RunJob):
            json.dumps(dict(effect.arguments))
            own = type(plugin).run_job is not CampaignType.run_job
            demand(own, f"{effect!r} needs a run_job that knows it")
    return found


def _tuple_of(expected: type, results: Iterable[Any]) -> tuple[Any, ...]:
    found = tuple(results)
    for result in found:
        demand(isinstance(result, expected), f"{result!r} is not a {expected.__name__}")
    return found


def _ask_all(plugin: CampaignType, package: PackageSnapshot, order: OrderSnapshot) -> list[tuple[Any, ...]]:
    about_package: list[Callable[..., Iterable[Any]]] = [
        plugin.fields, plugin.check_package, plugin.after_publication, plugin.after_start,
    ]
    about_order: list[Callable[..., Iterable[Any]]] = [
        plugin.check_order, plugin.after_approval, plugin.after_cancellation,
    ]
    answers = [tuple(hook(package)) for hook in about_package]
    return answers + [tuple(hook(package, order)) for hook in about_order]
