"""How the database would run a statement: its plan, made without its values and without running it."""

import re
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import Database

QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
PLACE = re.compile(r"\?(\d*)|\$(\d+)")
NAME = "samverkan_explained"


async def explain(database: Database, text: str) -> list[str]:
    """The lines of the plan that holds for any parameters."""
    async with database.reading() as session:
        connection = await session.connection()
        if database.is_sqlite:
            nulls = (None,) * _places(text)  # SQLite wants them, and does not look at them
            rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", nulls)).all()
            return [str(row.detail) for row in rows]
        return await _explain_prepared(connection, text)


async def _explain_prepared(connection: AsyncConnection, text: str) -> list[str]:
    """PostgreSQL plans a prepared statement for any parameters when it is told to; bound NULLs would be planned for."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    nulls = ", ".join(["NULL"] * _places(text))
    await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    await driver.execute(f"PREPARE {NAME} AS {text}")
    try:
        rows = await driver.fetch(f"EXPLAIN EXECUTE {NAME}" + (f"({nulls})" if nulls else ""))
    finally:
        await driver.execute(f"DEALLOCATE {NAME}")
    return [row[0] for row in rows]


def _places(text: str) -> int:
    """How many parameters the statement takes."""
    found = [int(match[1] or match[2] or 0) for match in PLACE.finditer(QUOTED.sub("", text))]
    return max(found) if any(found) else len(found)
