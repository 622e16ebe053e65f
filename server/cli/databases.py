"""Commands on the database, and what is said when it cannot be used."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from alembic.util import CommandError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from server import migrations
from server.cli.screen import out
from server.database import Database, async_url
from server.domain.network import Entity
from server.errors import InvalidArgument, Problem, StartupError, refuse_any
from server.plugins import CampaignTypes
from server.reads.visibility import SYSTEM
from server.services.operators import Operators
from server.services.work import Work
from server.settings import Settings

T = TypeVar("T")


def migrate(settings: Settings) -> None:
    with database_faults(settings):
        before = migrations.current(settings.database)
        migrations.upgrade(settings.database)
    after = migrations.newest()
    moved = f"stays at revision {after}" if before == after else f"went from {before or 'nothing'} to revision {after}"
    out.print(f"{named(settings)} {moved}.", markup=False)


def require_migrated(settings: Settings) -> None:
    """StartupError unless the database has the tables that this version needs."""
    with database_faults(settings):
        revision, newest = migrations.current(settings.database), migrations.newest()
    if revision is None:
        raise StartupError(f"{named(settings)} has no tables yet: run `samverkan migrate` first.")
    if revision != newest:
        raise StartupError(
            f"{named(settings)} is at revision {revision}, this version needs {newest}: run `samverkan migrate` first."
        )


def create_operator(settings: Settings, fields: Mapping[str, Any], entities: Sequence[str], password: str) -> None:
    """Creates the operator; Refused with every problem at once."""
    async def create(session: AsyncSession) -> None:
        work = Work(session, SYSTEM, datetime.now(UTC), CampaignTypes(()), settings)
        rows = await session.execute(select(Entity.code, Entity.id).where(Entity.code.in_(entities)))
        known = {row.code: row.id for row in rows}
        refuse_any(Problem("NOT_FOUND", f'There is no entity "{code}".') for code in entities if code not in known)
        ids = [known[code] for code in entities]
        await Operators(work).create({**fields, "entity_ids": ids, "password": password})

    in_transaction(settings, create)


def read_password() -> str:
    """Asked for twice without showing it, or the first line of standard input."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise InvalidArgument("The two passwords differ: nothing was created.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InvalidArgument("No password was given: nothing was created.")
    return password


def in_transaction(settings: Settings, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """What `act` returns, done in one transaction of the migrated database; StartupError when there is none."""
    async def run() -> T:
        database = Database(settings.database)
        try:
            async with database.transaction() as session:
                return await act(session)
        finally:
            await database.dispose()

    require_migrated(settings)
    with database_faults(settings):
        return asyncio.run(run())


@contextmanager
def database_faults(settings: Settings) -> Iterator[None]:
    """What the driver says, as a StartupError of one line."""
    try:
        yield
    except CommandError as error:  # a revision that these files do not know
        raise StartupError(f"{named(settings)} was made by another version of samverkan: {error}.") from error
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StartupError(f"{named(settings)} cannot be used: {cause}.") from error


def named(settings: Settings) -> str:
    """The database as people may read it, without its password."""
    url = async_url(settings.database)
    shown = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    return f"The database {shown}"
