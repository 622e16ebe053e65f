"""The suite: reads, writes and the rush, each contender checked before it is timed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.batches import Batch, count_submitted, prepare
from benchmarks.cases import READS, WRITES, Read, writes
from benchmarks.contenders import Contender
from benchmarks.dataset import Size
from benchmarks.load import Expected, Plan
from benchmarks.measure import WARM_UP_SECONDS, Measuring, Result, in_turns
from server.database import Database

READERS = 16
WRITERS = 64
RUSH_CONNECTIONS = 500
WRITTEN = Expected(holds=b'"problems":[]')
FIRST_GUESS = 256
"""How many orders the warm-up of a write takes; its rate says how many a round needs."""

Chosen = Callable[[str, str], bool]


class Suite:
    """What is to be measured, on which data, for how long."""

    def __init__(
        self, measuring: Measuring, contenders: Sequence[Contender], chosen: Chosen, size: Size,
        databases: dict[str, Database], seconds: float, rounds: int,
    ) -> None:
        self.measuring, self.contenders, self.chosen, self.size = measuring, contenders, chosen, size
        self.databases, self.seconds, self.rounds = databases, seconds, rounds

    async def run(self) -> list[Result]:
        results = []
        for read in READS:
            results += self.read(read)
        for write in WRITES:
            results += await self.write(write)
        return results + await self.rush()

    def read(self, read: Read) -> list[Result]:
        """Every contender gives the same number of objects, and under load always the same number of bytes."""
        results = [
            Result(each, read.name) for each in self.contenders
            if each.takes(read) and self.chosen(each.name, read.name)
        ]
        plans, found = {}, {}
        for result in results:
            wire, expected, objects = result.contender.prepare(read, self.size)
            found[result.contender.name] = objects
            plan = Plan(result.contender.ports, [wire], expected, READERS, WARM_UP_SECONDS)
            plans[result.contender.name] = plan
        if len(set(found.values())) > 1:
            raise RuntimeError(f"The contenders do not answer the same to {read.name}: {found}")
        for result in results:
            print(f"  {read.name}: {result.contender.title} ...", flush=True)
            self.measuring.run(result.contender, plans[result.contender.name])
        for result in in_turns(results, self.rounds):
            plan = replace(plans[result.contender.name], seconds=self.seconds)
            result.rounds.append(self.measuring.run(result.contender, plan))
        return results

    async def write(self, name: str) -> list[Result]:
        """As many orders as a round can use are made before it; none is asked for twice."""
        results, rates = self._writing(name), {}
        for result in results:
            print(f"  {name}: {result.contender.title} ...", flush=True)
            rates[result.contender.name] = await self._round(Result(result.contender, name), FIRST_GUESS)
        for result in in_turns(results, self.rounds):
            rate = rates[result.contender.name]
            rates[result.contender.name] = max(rate, await self._round(result, int(rate * self.seconds * 2) + 500))
        return results

    async def rush(self) -> list[Result]:
        """Every entity submits an order of the same package within one second; none may be lost or doubled."""
        results = self._writing("rush")
        for result in results:
            print(f"  rush: {result.contender.title} ...", flush=True)
            database = self.databases[result.contender.database]
            batch = await prepare(database, self.size, self.size.entities, submitted=False)
            plan = Plan(result.contender.ports, writes("submit", batch), WRITTEN, RUSH_CONNECTIONS, 1.0, within=1.0)
            result.rounds.append(self.measuring.run(result.contender, plan))
            await self._verify(result, batch, batch.count)
        return results

    def _writing(self, name: str) -> list[Result]:
        return [
            Result(each, name) for each in self.contenders
            if each.writes(name) and self.chosen(each.name, name)
        ]

    async def _round(self, result: Result, count: int) -> float:
        """One round of a write; its rate."""
        database = self.databases[result.contender.database]
        batch = await prepare(database, self.size, count, submitted=result.case == "decide")
        requests = writes(result.case, batch, "/graphql" if result.contender.is_samverkan else "/submit")
        plan = Plan(result.contender.ports, requests, WRITTEN, WRITERS, self.seconds, once=True)
        figures = self.measuring.run(result.contender, plan)
        result.rounds.append(figures)
        if result.case == "submit":
            await self._verify(result, batch, figures.answered)
        return figures.rate

    async def _verify(self, result: Result, batch: Batch, wanted: int) -> None:
        found = await count_submitted(self.databases[result.contender.database], batch)
        result.wrong += [
            f"{right} right of {all} {what}, not {wanted}" for what, (right, all) in found.items()
            if not right == all == wanted
        ]
