"""A network in CSV files, and a hand that imports files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.database import Database
from server.domain.network import EntityClosure
from server.services.importing.importer import Import, Outcome, find_files

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"

ENTITIES = """code,label,kind,parent,email,locale,time_zone,order_reviewers
S1,Store One,LOCAL,R1,one@example.org,sv,Europe/Stockholm,G1
R1,Region,LOCAL,HQ,,nb,Europe/Oslo,
HQ,Head office,CENTRAL,,,,,
"""
GROUPS = "code,label\nG1,Reviewers\n"
OPERATORS = f"""login,name,email,right,entities,groups,locale,password
anna,Anna Ek,anna@example.org,ADMIN,,,sv,{PASSWORD}
bo,Bo Li,bo@example.org,LOCAL,S1|R1,G1,sv,{PASSWORD}
"""
CONTACTS = """email,entity,first_name,score,opted_out,segment
Eva@Example.org,S1,Eva,7,yes,gold
ola@example.org,S1,Ola,,,
"""
NETWORK = {"groups.csv": GROUPS, "entities.csv": ENTITIES, "operators.csv": OPERATORS, "contacts.csv": CONTACTS}


@dataclass
class Result:
    outcomes: dict[str, Outcome]
    bad: list[str]


Bring = Callable[..., Awaitable[Result]]


@pytest.fixture
def bring(database: Database, tmp_path: Path) -> Bring:
    """Writes the files and imports them, in the order given."""
    async def bring(files: dict[str, str | bytes], *, skip: bool = False) -> Result:
        paths = []
        for name, content in files.items():
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        bad: list[str] = []
        work = Import(
            database, NOW, skip_bad_rows=skip, bad=lambda row: bad.append(str(row).removeprefix(f"{tmp_path}/"))
        )
        outcomes = await work.run(find_files(paths))
        return Result({outcome.kind: outcome for outcome in outcomes}, bad)
    return bring


async def rows(database: Database, statement: Any) -> list[Any]:
    async with database.reading() as session:
        return list(await session.execute(statement))


async def column(database: Database, statement: Any) -> set[Any]:
    return {row[0] for row in await rows(database, statement)}


async def closure(session: AsyncSession) -> set[Any]:
    table = EntityClosure
    return {tuple(row) for row in await session.execute(select(table.ancestor_id, table.entity_id, table.depth))}
