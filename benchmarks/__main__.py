"""`make bench`: this server beside a naive one, PostGraphile and the limit, on the same data, as Markdown tables."""

import argparse
import asyncio
import json
import time
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path

from benchmarks.contenders import Contender, contenders
from benchmarks.dataset import Size, fill
from benchmarks.machines import postgresql, slowdown, working_folder
from benchmarks.measure import Measuring
from benchmarks.report import Report, conditions, memory
from benchmarks.secured import secure
from benchmarks.suite import Suite
from server.database import Database
from server.migrations import upgrade


def main() -> None:
    arguments = parsed()
    size = Size(orders=arguments.orders, packages=arguments.packages, entities=arguments.entities)
    header = conditions(size, arguments.seconds, arguments.rounds, slowdown())
    with ExitStack() as stack:
        folder = stack.enter_context(working_folder(arguments.folder))
        postgres = stack.enter_context(postgresql(folder))
        addresses = {"postgresql": postgres.get_uri(), "sqlite": f"sqlite:///{folder / 'samverkan.db'}"}
        stack.callback((measuring := Measuring(postgres.get_pid() or 0)).end)
        taking_part = [each for each in contenders() if any(fnmatch(each.name, of) for of, _ in arguments.only)]
        for each in sorted({each.database for each in taking_part}):
            asyncio.run(make_data(addresses[each], size))
        for each in taking_part:
            stack.callback(each.end)
            each.start(addresses, folder)
        tables = asyncio.run(measure(arguments, size, addresses, measuring, taking_part))
        print("", *header, *tables, sep="\n", flush=True)


async def make_data(address: str, size: Size) -> None:
    began = time.perf_counter()
    upgrade(address)
    database = Database(address)
    await fill(database, size)
    await database.dispose()
    if not database.is_sqlite:
        await secure(address)
    print(f"{address.partition(':')[0]}: {size} in {time.perf_counter() - began:.1f} s", flush=True)


async def measure(
    arguments: argparse.Namespace, size: Size, addresses: dict[str, str], measuring: Measuring,
    taking_part: list[Contender],
) -> list[str]:
    def chosen(contender: str, case: str) -> bool:
        return any(fnmatch(contender, of) and fnmatch(case, at) for of, at in arguments.only)

    databases = {name: Database(addresses[name]) for name in {each.database for each in taking_part}}
    suite = Suite(measuring, taking_part, chosen, size, databases, arguments.seconds, arguments.rounds)
    results = await suite.run()
    if arguments.json:
        arguments.json.write_text(json.dumps([each.plain() for each in results], indent=1))
    for database in databases.values():
        await database.dispose()
    return [*Report(results).lines(), *memory(taking_part)]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.25, help="length of a round (1.25)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contender at each case (5)")
    parser.add_argument("--orders", type=int, default=Size.orders, help="size of the database (20,000)")
    parser.add_argument("--packages", type=int, default=Size.packages)
    parser.add_argument("--entities", type=int, default=Size.entities, help="also how many order in the rush (5,000)")
    parser.add_argument("--only", action="append", type=pattern, metavar="CONTENDER/CASE",
                        help="such as one/catalogue, one (all of its cases), /submit (of all); as often as needed")
    parser.add_argument("--folder", help="where the databases are made; on a real disk (the temporary folder)")
    parser.add_argument("--json", type=Path, help="every round of everything, into this file")
    arguments = parser.parse_args()
    arguments.only = arguments.only or [("*", "*")]
    return arguments


def pattern(text: str) -> tuple[str, str]:
    contender, _, case = text.partition("/")
    return contender or "*", case or "*"


if __name__ == "__main__":
    main()
