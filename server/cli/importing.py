"""`samverkan import`: a progress bar while it runs, every fault as it is found, and what became of the rows."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from server.cli.databases import database_faults, require_migrated
from server.cli.screen import err, fail, out, table
from server.database import Database
from server.services.importing.csv_files import BadRow
from server.services.importing.importer import Import, Outcome, bytes_to_read, find_files, is_empty
from server.settings import Settings

COLUMNS = (TextColumn("Importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())


def import_files(settings: Settings, paths: Sequence[Path], *, skip_bad_rows: bool, if_empty: bool) -> None:
    files = find_files(paths)
    require_migrated(settings)

    async def run() -> tuple[Import, list[Outcome]] | None:
        database = Database(settings.database)
        try:
            if if_empty and not await is_empty(database):
                return None
            with Progress(*COLUMNS, console=err, transient=True, disable=not err.is_terminal) as progress:
                task = progress.add_task("import", total=bytes_to_read(files))
                work = Import(
                    database, datetime.now(UTC), skip_bad_rows=skip_bad_rows, bad=_reporter(progress),
                    progress=lambda count: progress.advance(task, count),
                )
                return work, await work.run(files)
        finally:
            await database.dispose()

    with database_faults(settings):
        done = asyncio.run(run())
    if done is None:
        out.print("There is a network already: nothing was imported.")
        return
    _conclude(*done, skip_bad_rows=skip_bad_rows)


def _reporter(progress: Progress) -> Callable[[BadRow], None]:
    """Above the progress bar on a terminal; straight out elsewhere, since there may be a million."""
    if err.is_terminal:
        return lambda row: progress.print(str(row), markup=False)
    return lambda row: print(row, file=sys.stderr)  # noqa: T201


def _conclude(work: Import, outcomes: Sequence[Outcome], *, skip_bad_rows: bool) -> None:
    counts = ("Created", "Updated", "Unchanged", "Skipped")
    rows = [
        (each.kind.capitalize(), f"{each.created:,}", f"{each.updated:,}", f"{each.unchanged:,}", f"{each.skipped:,}")
        for each in outcomes
    ]
    if rows:
        table("", *counts, rows=rows, numbers=counts)
    if work.faults and not skip_bad_rows:
        fail(
            *(f"{file}: {count} fault{'s' if count > 1 else ''}, nothing of this file was imported."
              for file, count in work.faults.items()),
            "Correct the rows, or leave them out with --skip-bad-rows.",
        )
