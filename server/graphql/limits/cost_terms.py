"""Costs with open numbers: sums and products that variables decide, worked out as far as they are known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

REMEMBERED = 100
"""Sets of numbers whose total is kept with an operation."""

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Open:
    """A number that a variable decides: a page's size, the length of a list, 0 or 1 for a condition."""

    variable: str
    number: Callable[[Any], int]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """`factors` multiplied with the sum of `parts`, or with the greatest of them."""

    factors: "Sequence[Open | int]"
    parts: "Sequence[Cost]"
    greatest: bool = False


Cost = int | Term


def times(factors: Sequence[Open | int], parts: Sequence[Cost]) -> Cost:
    """The factors multiplied with the sum of the parts."""
    known = sum(part for part in parts if isinstance(part, int))
    unknown = [part for part in parts if not isinstance(part, int)]
    factor = prod(each for each in factors if isinstance(each, int))
    open_ = [each for each in factors if isinstance(each, Open)]
    if factor == 0 or not (known or unknown):
        return 0
    return Term([factor, *open_], [known, *unknown]) if open_ or unknown else factor * known


def greatest(parts: Sequence[Cost]) -> Cost:
    if any(isinstance(part, Term) for part in parts):
        return Term((), parts, greatest=True)
    return max((part for part in parts if isinstance(part, int)), default=0)


class Price:
    """The cost of one operation under any variables; `defaults` are those of its own."""

    def __init__(self, cost: Cost, defaults: Variables) -> None:
        self._cost = cost
        self._defaults = defaults
        self._open = tuple(dict.fromkeys(_open(cost, set())))
        self._known: dict[tuple[int, ...], int] = {}

    def of(self, variables: Variables) -> int:
        if isinstance(self._cost, int):
            return self._cost
        numbers = tuple([
            each.number(variables.get(each.variable, self._defaults.get(each.variable))) for each in self._open
        ])
        if (total := self._known.get(numbers)) is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            total = self._known[numbers] = _total(self._cost, dict(zip(self._open, numbers, strict=True)), {})
        return total


def _open(cost: Cost, seen: set[int]) -> Iterator[Open]:
    if isinstance(cost, int) or id(cost) in seen:
        return
    seen.add(id(cost))
    yield from (each for each in cost.factors if isinstance(each, Open))
    for part in cost.parts:
        yield from _open(part, seen)


def _total(cost: Cost, numbers: Mapping[Open, int], known: dict[int, int]) -> int:
    """Terms are shared where fragments are spread several times, and worked out once."""
    if isinstance(cost, int):
        return cost
    if id(cost) not in known:
        parts = [_total(part, numbers, known) for part in cost.parts]
        factors = [each if isinstance(each, int) else numbers[each] for each in cost.factors]
        known[id(cost)] = prod(factors) * (max(parts) if cost.greatest else sum(parts))
    return known[id(cost)]
