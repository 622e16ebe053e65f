"""Finds the installed campaign types and channels, and calls the hooks of types; the only module that knows stevedore
[3.1, 3.2]."""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar, get_args

import orjson
import structlog
from stevedore.extension import Extension, ExtensionManager

from server.campaign_type import (
    CampaignType,
    Effect,
    Field,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    Problem,
    RunJob,
    TemplatePreset,
)
from server.channel import Channel
from server.channel_faults import examine_channels
from server.domain.form_schema import validator
from server.errors import CampaignTypeFailed, StartupError, refuse
from server.plugin_faults import Candidate, cause, examine

GROUP = "samverkan.campaign_types"
CHANNELS = "samverkan.channels"

EFFECTS: tuple[type, ...] = get_args(Effect)

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InstalledType:
    """A campaign type as the server uses it: every hook answers with a checked tuple or raises CampaignTypeFailed."""

    name: str
    label: str
    version: str
    distribution: str
    contract: int
    template: str
    rules: PackageRules
    preset: TemplatePreset
    plugin: CampaignType = field(repr=False)

    def overrides(self, hook: str) -> bool:
        """Whether the type defines the hook itself; the server does not gather snapshots for one that it does not."""
        return getattr(type(self.plugin), hook) is not getattr(CampaignType, hook)

    def fields(self, package: PackageSnapshot) -> tuple[Field, ...]:
        fields = self._ask("fields", lambda: self.plugin.fields(package), Field)
        try:
            _check_fields(fields)
        except Exception as error:
            raise self._failure("fields", error) from error
        return fields

    def check_package(self, package: PackageSnapshot) -> tuple[Problem, ...]:
        return self._ask("check_package", lambda: self.plugin.check_package(package), Problem)

    def check_order(self, package: PackageSnapshot, order: OrderSnapshot) -> tuple[Problem, ...]:
        return self._ask("check_order", lambda: self.plugin.check_order(package, order), Problem)

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> tuple[Effect, ...]:
        return self._ask("after_approval", lambda: self.plugin.after_approval(package, order), *EFFECTS)

    def after_publication(self, package: PackageSnapshot) -> tuple[Effect, ...]:
        return self._ask("after_publication", lambda: self.plugin.after_publication(package), *EFFECTS)

    def after_start(self, package: PackageSnapshot) -> tuple[Effect, ...]:
        return self._ask("after_start", lambda: self.plugin.after_start(package), *EFFECTS)

    def after_cancellation(self, package: PackageSnapshot, order: OrderSnapshot) -> tuple[Effect, ...]:
        return self._ask("after_cancellation", lambda: self.plugin.after_cancellation(package, order), *EFFECTS)

    def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
        try:
            self.plugin.run_job(name, arguments)
        except (Exception, SystemExit) as error:  # a plugin must not end the server
            raise self._failure("run_job", error) from error

    def _ask(self, hook: str, call: Callable[[], Iterable[Any]], *expected: type[T]) -> tuple[T, ...]:
        """Calls a hook; generators run here, inside the try."""
        try:
            results = tuple(call())
            for result in results:
                _check_result(result, expected)
        except (Exception, SystemExit) as error:  # a plugin must not end the server
            raise self._failure(hook, error) from error
        return results

    def _failure(self, hook: str, error: BaseException) -> CampaignTypeFailed:
        reference = secrets.token_hex(4)
        log.error(
            "campaign_type_failed", exc_info=error, reference=reference, type=self.name, hook=hook,
            distribution=self.distribution, version=self.version,
        )
        return CampaignTypeFailed(
            f"The campaign type {self.label} ({self.name}) of {self.distribution} {self.version} failed in {hook}: "
            f"{cause(error)}. Nothing was changed; the log has the details under {reference}."
        )


class CampaignTypes:
    """The installed campaign types, sorted by name."""

    def __init__(self, types: Iterable[InstalledType]) -> None:
        self._by_name = {type_.name: type_ for type_ in sorted(types, key=lambda type_: type_.name)}

    @classmethod
    def of(cls, classes: Mapping[str, type[CampaignType]] | Iterable[type[CampaignType]]) -> "CampaignTypes":
        """Types from classes that no distribution provides, checked like installed ones; for tests."""
        named = classes if isinstance(classes, Mapping) else {_snake(class_.__name__): class_ for class_ in classes}
        return _install([
            Candidate(name, f"{class_.__module__}:{class_.__name__}", class_.__module__, "0", class_)
            for name, class_ in named.items()
        ])

    def __iter__(self) -> Iterator[InstalledType]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> InstalledType | None:
        return self._by_name.get(name)

    def require(self, name: str) -> InstalledType:
        """The type, or Refused when it is no longer installed [3.2]."""
        if found := self._by_name.get(name):
            return found
        raise refuse(
            "TYPE_NOT_INSTALLED",
            f"The campaign type {name} is not installed; what was made with it stays readable, "
            "but cannot be changed until a package that provides it is installed.",
        )


@dataclass(frozen=True, slots=True)
class InstalledChannel:
    """A channel as the server uses it."""

    name: str
    version: str
    distribution: str
    channel: Channel = field(repr=False)


Channels = Mapping[str, InstalledChannel]
"""The installed channels by name."""


def load_campaign_types() -> CampaignTypes:
    """Loads every installed campaign type; StartupError with all faults at once when any of them does not fit [3.2]."""
    return _install(_find(GROUP))


def load_channels(settings: Any) -> Channels:
    """Loads every installed channel, as campaign types are loaded."""
    fitting, faults = examine_channels(_find(CHANNELS), settings)
    _stop_for(faults, "channels", CHANNELS)
    return {
        each.name: InstalledChannel(each.name, each.version, each.distribution, channel)
        for each, channel in sorted(fitting, key=lambda pair: pair[0].name)
    }


def _find(group: str) -> list[Candidate]:
    candidates: list[Candidate] = []

    def collect(_found: ExtensionManager[Any], entry_point: EntryPoint, error: BaseException) -> None:
        candidates.append(_candidate(entry_point, error=error))

    found = _Found(group, on_load_failure_callback=collect)
    return candidates + [_candidate(each.entry_point, each.plugin) for each in found.extensions]


class _Found(ExtensionManager[Any]):
    """stevedore without its traps: its cache of entry points forgets distributions and overlooks reinstalls and
    duplicates, and an AssertionError or SystemExit while importing one plugin hides the faults of all others."""

    def list_entry_points(self) -> list[EntryPoint]:
        return sorted(entry_points(group=self.namespace), key=lambda entry_point: entry_point.name)

    def _load_one_plugin(self, ep: EntryPoint, *arguments: Any) -> Extension[Any] | None:
        try:
            return super()._load_one_plugin(ep, *arguments)
        except (AssertionError, SystemExit) as error:
            raise ImportError(cause(error)) from error


def _candidate(entry_point: EntryPoint, found: Any = None, error: BaseException | None = None) -> Candidate:
    distribution = entry_point.dist
    return Candidate(
        entry_point.name, entry_point.value, (distribution and distribution.name) or "an unknown distribution",
        (distribution and distribution.version) or "", found, error,
    )


def _install(candidates: list[Candidate]) -> CampaignTypes:
    fitting, faults = examine(candidates)
    _stop_for(faults, "campaign types", GROUP)
    return CampaignTypes(_installed(candidate, plugin) for candidate, plugin in fitting)


def _stop_for(faults: Sequence[str], what: str, group: str) -> None:
    if faults:
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise StartupError(f"The {what} (entry points of group {group}) have {len(faults)} fault(s):\n{listed}")


def _installed(candidate: Candidate, plugin: CampaignType) -> InstalledType:
    return InstalledType(
        name=candidate.name, label=plugin.label, version=candidate.version, distribution=candidate.distribution,
        contract=plugin.contract, template=plugin.template, rules=plugin.package, preset=plugin.preset, plugin=plugin,
    )


def _check_result(result: object, expected: tuple[type, ...]) -> None:
    if not isinstance(result, expected):
        raise TypeError(f"it answered {result!r:.80}, expected {' or '.join(each.__name__ for each in expected)}")
    if isinstance(result, RunJob):
        orjson.dumps(dict(result.arguments))  # jobs are stored: their arguments must be JSON


def _check_fields(fields: tuple[Field, ...]) -> None:
    """Fields come from code here, not through a form's checks: their schema must at least be one."""
    names = [field.name for field in fields]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two fields are named {', '.join(sorted(twice))}")
    validator(fields)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
