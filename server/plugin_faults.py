"""What is wrong with the campaign types that were found: every fault at once, each with what would be right [3.2]."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from server.campaign_type import CONTRACT, CampaignType, PackageRules, TemplatePreset

HOOKS: Mapping[str, int] = {
    "fields": 1, "check_package": 1, "check_order": 2, "after_approval": 2, "after_publication": 1, "after_start": 1,
    "after_cancellation": 2, "run_job": 2,
}
"""Every hook of the contract and how many arguments the server calls it with."""

Wrong = tuple[str, str]
"""What is wrong, and what would be right."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What an entry point led to, before it is known to fit: the object found, or the error of its import."""

    name: str
    value: str
    distribution: str
    version: str
    found: Any = None
    error: BaseException | None = None


def examine(candidates: Sequence[Candidate]) -> tuple[list[tuple[Candidate, CampaignType]], list[str]]:
    """The candidates that fit, each with its one instance, and a sentence for every fault of the others."""
    fitting: list[tuple[Candidate, CampaignType]] = []
    faults: list[str] = []
    for candidate in candidates:
        wrong = list(_check(candidate))
        if not wrong:
            try:
                fitting.append((candidate, candidate.found()))
            except Exception as error:
                right = "give it a constructor that takes no arguments and cannot fail"
                wrong = [(f"cannot be constructed: {cause(error)}", right)]
        faults += [sentence(candidate, what, right) for what, right in wrong]
    faults += same_names(candidates)
    faults += _duplicates("template code", candidates, lambda candidate: getattr(candidate.found, "template", None))
    return fitting, faults


def cause(error: BaseException) -> str:
    """An exception in one short line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".: ")


def same_names(candidates: Sequence[Candidate]) -> Iterator[str]:
    return _duplicates("name", candidates, lambda candidate: candidate.name)


def sentence(candidate: Candidate, what: str, right: str) -> str:
    origin = f"{candidate.name} = {candidate.value} of {candidate.distribution} {candidate.version}".rstrip()
    return f"{origin} {what}. Right: {right}."


def _check(candidate: Candidate) -> Iterator[Wrong]:
    found = candidate.found
    if candidate.error:
        right = "repair it, install what it needs, or uninstall the distribution"
        yield f"cannot be imported: {cause(candidate.error)}", right
    elif not (isinstance(found, type) and issubclass(found, CampaignType)):
        yield f"is not a campaign type but {found!r:.80}", "name a class that derives from CampaignType"
    else:
        yield from _check_declarations(found)
        yield from _check_hooks(found)


def _check_declarations(found: type[CampaignType]) -> Iterator[Wrong]:
    contract = getattr(found, "contract", None)
    if contract != CONTRACT:
        right = f"this server has contract {CONTRACT}: install a version of the distribution for it"
        yield f"is written for contract {contract}", right
    for attribute in ("label", "template"):
        value = getattr(found, attribute, None)
        if not (isinstance(value, str) and value.strip()):
            yield f"has no {attribute}", f"set {attribute} to a text"
    for attribute, expected in (("package", PackageRules), ("preset", TemplatePreset)):
        value = getattr(found, attribute)
        if not isinstance(value, expected):
            yield f"has {attribute} = {value!r:.80}", f"set {attribute} to a {expected.__name__}"


def _check_hooks(found: type[CampaignType]) -> Iterator[Wrong]:
    if missing := sorted(found.__abstractmethods__):
        yield f"misses {', '.join(missing)}", "define every abstract hook of CampaignType"
    for hook, arguments in HOOKS.items():
        function = getattr(found, hook)
        right = f"def {hook}{inspect.signature(getattr(CampaignType, hook))}"
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            yield f"has an asynchronous {hook}", f"hooks are synchronous: {right}"
        bound = isinstance(inspect.getattr_static(found, hook), (staticmethod, classmethod))
        try:
            inspect.signature(function).bind(*range(arguments if bound else arguments + 1))
        except TypeError as error:
            yield f"has a {hook} that the server cannot call ({error})", right


def _duplicates(what: str, candidates: Sequence[Candidate], key: Callable[[Candidate], Any]) -> Iterator[str]:
    for value, group in groupby(sorted((each for each in candidates if isinstance(key(each), str)), key=key), key):
        same = [f"{each.name} = {each.value} of {each.distribution} {each.version}" for each in group]
        if len(same) > 1:
            yield f"The {what} {value} is used twice: {' and '.join(same)}. Right: rename or uninstall one of them."
