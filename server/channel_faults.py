"""What is wrong with the channels that were found: every fault at once, each with what would be right."""

import inspect
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from server.channel import CONTRACT, Channel, Reaches
from server.plugin_faults import Candidate, Wrong, cause, same_names, sentence

Fitting = list[tuple[Candidate, Channel]]


def examine_channels(candidates: Sequence[Candidate], settings: Any) -> tuple[Fitting, list[str]]:
    """The candidates that fit, each with its one instance, and a sentence for every fault of the others."""
    fitting: Fitting = []
    faults: list[str] = []
    for candidate in candidates:
        wrong = list(_check(candidate))
        if not wrong:
            try:
                fitting.append((candidate, candidate.found(settings)))
            except Exception as error:
                wrong = [(f"cannot be constructed: {cause(error)}", "correct the settings that it takes")]
        faults += [sentence(candidate, what, right) for what, right in wrong]
    return fitting, [*faults, *same_names(candidates)]


def _check(candidate: Candidate) -> Iterator[Wrong]:
    found = candidate.found
    if candidate.error:
        right = "repair it, install what it needs, or uninstall the distribution"
        yield f"cannot be imported: {cause(candidate.error)}", right
    elif not (isinstance(found, type) and issubclass(found, Channel)):
        yield f"is not a channel but {found!r:.80}", "name a class that derives from Channel"
    else:
        yield from _check_class(found)


def _check_class(found: type[Channel]) -> Iterator[Wrong]:
    contract, label = getattr(found, "contract", None), getattr(found, "label", None)
    if contract != CONTRACT:
        right = f"this server has contract {CONTRACT}: install a version of the distribution for it"
        yield f"is written for contract {contract}", right
    if not (isinstance(label, str) and label.strip()):
        yield "has no label", "set label to a text"
    if not isinstance(found.reaches, Reaches):
        yield f"has reaches = {found.reaches!r:.80}", "set reaches to Reaches.PEOPLE or Reaches.SYSTEMS"
    if not (isinstance(found.lanes, int) and 1 <= found.lanes <= 32):
        yield f"has lanes = {found.lanes!r:.80}", "set lanes to a whole number from 1 to 32"
    if not all(isinstance(wait, timedelta) and wait > timedelta() for wait in found.waits):
        yield f"has waits = {found.waits!r:.80}", "set waits to a tuple of positive timedeltas"
    if missing := sorted(found.__abstractmethods__):
        yield f"misses {', '.join(missing)}", "define every abstract method of Channel"
    elif inspect.iscoroutinefunction(found.opened) or inspect.isasyncgenfunction(found.opened):
        yield "has an opened that is no context manager", "decorate it with contextlib.asynccontextmanager"
