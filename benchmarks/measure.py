"""Rounds: every contender in turn, so that the machine's moods hit all the same; the median counts."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from statistics import median
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.load import Outcome, Plan, run
from benchmarks.machines import seconds_used

WARM_UP_SECONDS = 1.5


@dataclass(frozen=True)
class Figures:
    """One round of one contender; milliseconds of processor time are per request."""

    rate: float
    p50: float
    p99: float
    server_ms: float
    database_ms: float
    generator_ms: float
    answered: int
    errors: int
    elapsed: float
    first_error: str = ""


@dataclass
class Result:
    """All rounds of one contender at one case, and what was found in the database afterwards."""

    contender: Contender
    case: str
    rounds: list[Figures] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def median(self, name: str) -> float:
        return median(getattr(each, name) for each in self.rounds)

    @property
    def errors(self) -> int:
        return sum(each.errors for each in self.rounds) + len(self.wrong)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"contender": self.contender.name, "case": self.case, "wrong": self.wrong,
                "rounds": [asdict(each) for each in self.rounds]}


class Measuring:
    """Runs plans in the generator's process and reads the clocks of all others."""

    def __init__(self, postgres_pid: int) -> None:
        self.postgres = [postgres_pid]
        self._generator = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def run(self, contender: Contender, plan: Plan) -> Figures:
        server, database = contender.seconds_used(), seconds_used(self.postgres)
        outcome: Outcome = self._generator.submit(run, plan).result()
        server, database = contender.seconds_used() - server, seconds_used(self.postgres) - database
        return figures(outcome, server, database if contender.database == "postgresql" else 0.0)

    def end(self) -> None:
        self._generator.shutdown()


def figures(outcome: Outcome, server: float, database: float) -> Figures:
    latencies = sorted(outcome.latencies)
    answered = len(latencies)
    each = 1000 / max(answered, 1)
    return Figures(
        rate=answered / outcome.elapsed if answered else 0.0, p50=1000 * quantile(latencies, 0.5),
        p99=1000 * quantile(latencies, 0.99), server_ms=server * each, database_ms=database * each,
        generator_ms=outcome.generator_seconds * each, answered=answered, errors=outcome.errors,
        elapsed=outcome.elapsed, first_error=outcome.first_error,
    )


def quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


def in_turns(results: Sequence[Result], rounds: int) -> Iterator[Result]:
    """Each result once per round; another begins each time."""
    for place in range(rounds):
        first = place % max(len(results), 1)
        yield from (*results[first:], *results[:first])
