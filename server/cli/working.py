"""`samverkan worker`: a process that does what is done later, beside any number of others."""

import asyncio
import signal
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from server.background import Background
from server.cli.databases import named, require_migrated
from server.cli.screen import out
from server.database import Database
from server.jobs.enqueue import JobKind
from server.logs import configure_logs
from server.observability.tracing import configure_tracing, flush_traces
from server.plugins import load_campaign_types, load_channels
from server.settings import Settings


def work(settings: Settings) -> None:
    """Works until it is told to stop. StartupError when the database is not ready."""
    require_migrated(settings)
    configure_logs(settings.log_format)
    configure_tracing()
    database = Database(settings.database)
    types, channels = load_campaign_types(), load_channels(settings)
    background = Background(database, types, channels, settings, partial(datetime.now, UTC))
    with suppress(KeyboardInterrupt):
        asyncio.run(_work(settings, database, background))


async def _work(settings: Settings, database: Database, background: Background) -> None:
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):  # on Windows Ctrl+C raises KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    try:
        async with background.running():
            out.print(f"[bold]samverkan[/bold] works on the {named(settings)[4:]}, stop it with Ctrl+C.")
            out.print(f"  Jobs  {', '.join(kind.value for kind in JobKind)}")
            await stopping.wait()
    finally:
        await database.dispose()
        await asyncio.to_thread(flush_traces)
    out.print("Stopped.")
