"""Programs on the connection of an open transaction: they see what it has flushed."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from server.direct import Steps
from server.observability.records import begin_statement


async def run_within(session: AsyncSession, steps: Steps) -> Any:
    """What a read returns, as `server.direct` has it, in the session's transaction."""
    connection: Any = (await session.connection()).sync_connection
    driver, system = connection.connection.driver_connection, connection.dialect.name
    try:
        text, arguments = next(steps)
        while True:
            with begin_statement(text, system) as running:
                rows = await driver.fetch(text, *arguments)
                running.end(len(rows))
            text, arguments = steps.send(rows)
    except StopIteration as finished:
        return finished.value
