"""A hook that fails at run time ends as one error that says whose fault it is; nothing of it leaks further [3.2]."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.campaign_type import Effect, Field, Notify, Problem, Receivers, RunJob, TakePart
from server.contract_tests import FULL, ORDER
from server.errors import CampaignTypeFailed
from server.plugins import CampaignTypes, InstalledType
from tests.plugins.every_hook import DONE, EveryHook

QUESTIONS: dict[str, Callable[[InstalledType], object]] = {
    "fields": lambda installed: installed.fields(FULL),
    "check_package": lambda installed: installed.check_package(FULL),
    "check_order": lambda installed: installed.check_order(FULL, ORDER),
    "after_approval": lambda installed: installed.after_approval(FULL, ORDER),
    "after_publication": lambda installed: installed.after_publication(FULL),
    "after_start": lambda installed: installed.after_start(FULL),
    "after_cancellation": lambda installed: installed.after_cancellation(FULL, ORDER),
    "run_job": lambda installed: installed.run_job("published", {}),
}
every_hook = pytest.mark.parametrize("hook", QUESTIONS)


def answering(hook: str, answer: Callable[..., Any]) -> InstalledType:
    """EveryHook with one hook replaced."""
    changed = type("Mine", (EveryHook,), {hook: answer, "__module__": __name__})
    return CampaignTypes.of({"mine": changed}).require("mine")


def broken(*_: object) -> Any:
    raise ValueError("no such region")


def broken_late(*_: object) -> Any:
    yield from ()
    raise ValueError("no such region")


@every_hook
def test_a_hook_that_raises_names_type_distribution_hook_and_cause(hook: str) -> None:
    with pytest.raises(CampaignTypeFailed) as failure:
        QUESTIONS[hook](answering(hook, broken))
    assert str(failure.value).startswith(
        f"The campaign type Every hook (mine) of {__name__} 0 failed in {hook}: ValueError: no such region. Nothing was"
    )
    assert isinstance(failure.value.__cause__, ValueError)


@every_hook
def test_a_hook_cannot_end_the_server(hook: str) -> None:
    with pytest.raises(CampaignTypeFailed, match=f"failed in {hook}: SystemExit: 1"):
        QUESTIONS[hook](answering(hook, lambda *_: sys.exit(1)))


@pytest.mark.parametrize("hook", [hook for hook in QUESTIONS if hook != "run_job"])
def test_a_hook_that_raises_while_it_yields_is_caught_too(hook: str) -> None:
    with pytest.raises(CampaignTypeFailed, match=f"failed in {hook}: ValueError: no such region"):
        QUESTIONS[hook](answering(hook, broken_late))


def test_the_log_has_the_traceback_under_the_id_of_the_message() -> None:
    with capture_logs() as entries, pytest.raises(CampaignTypeFailed) as failure:
        answering("fields", broken).fields(FULL)
    [entry] = entries
    assert (entry["type"], entry["hook"], entry["log_level"]) == ("mine", "fields", "error")
    assert entry["exc_info"] is failure.value.__cause__
    assert f"under {entry['reference']}." in str(failure.value)


@dataclass(frozen=True)
class Drop:
    """An effect that the server does not know."""


WRONG = [
    ("fields", [Field("a", "A", pattern="(")], 'ValidationError: "(" is not a "regex"'),
    ("fields", [Field("a", "A"), Field("a", "B")], "ValueError: two fields are named a"),
    ("fields", ["prize"], "it answered 'prize', expected Field"),
    ("fields", None, "'NoneType' object is not iterable"),
    ("check_package", "no", "TypeError: it answered 'n', expected Problem"),
    ("check_order", [Field("a", "A")], "expected Problem"),
    ("after_approval", [Drop()], "expected TakePart or CreateChildCampaign or OpenTargetLists or Notify or RunJob"),
    ("after_publication", [TakePart], "it answered <class 'server.campaign_type.TakePart'>, expected"),
    ("after_start", [RunJob("j", {"when": object()})], "JSON"),
    ("after_cancellation", [RunJob("j", {"number": 2**70})], "Integer exceeds 64-bit range"),
]


@pytest.mark.parametrize(("hook", "answer", "cause"), WRONG)
def test_a_wrong_answer_is_a_failure_of_the_type(hook: str, answer: Any, cause: str) -> None:
    with pytest.raises(CampaignTypeFailed, match=f"failed in {hook}: .*{re.escape(cause)}"):
        QUESTIONS[hook](answering(hook, lambda *_: answer))


def test_good_answers_arrive_as_tuples() -> None:
    installed = CampaignTypes.of([EveryHook]).require("every_hook")
    effects: tuple[Effect, ...] = installed.after_publication(FULL)
    assert effects == (Notify(Receivers.OWNER, "Spring is out."), RunJob("published", {"package": "CAT1"}))
    assert installed.check_package(FULL) == ()
    assert all(isinstance(field, Field) for field in installed.fields(FULL))


def test_problems_of_a_hook_arrive_as_they_are() -> None:
    problem = Problem("CLOSED", "The store is closed.", ("parameters", "slogan"))
    assert answering("check_order", lambda *_: iter([problem])).check_order(FULL, ORDER) == (problem,)


def test_a_job_is_run_by_its_type() -> None:
    DONE.clear()
    CampaignTypes.of([EveryHook]).require("every_hook").run_job("approved", {"order": "ORD1"})
    assert DONE == [("approved", {"order": "ORD1"})]


def test_an_unknown_job_is_a_failure_of_the_type(types: CampaignTypes) -> None:
    with pytest.raises(CampaignTypeFailed, match="failed in run_job: LookupError: Simple has no job 'draw'"):
        types.require("simple").run_job("draw", {})
