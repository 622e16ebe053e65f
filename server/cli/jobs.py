"""`samverkan jobs`: what is done later, how it goes, and a hand on a single job."""

from typing import TypeVar

from rich.markup import escape

from server.cli.databases import in_transaction
from server.cli.screen import out, table
from server.jobs.listing import OPEN, JobRow, JobState, cancel_job, list_jobs, retry_job
from server.settings import Settings

T = TypeVar("T")


def show_jobs(settings: Settings, *, failed: bool, most: int) -> None:
    states = (JobState.FAILED,) if failed else OPEN
    rows = in_transaction(settings, lambda session: list_jobs(session, states, first=most))
    if not rows:
        out.print("No job has failed." if failed else "No job is waiting, running or failed.")
        return
    table("Id", "Kind", "Status", "Attempts", "Created", "Error", rows=map(_shown, rows), numbers=("Attempts",))
    if len(rows) == most:
        out.print(f"These are the newest {most}; see more with --most.")


def retry(settings: Settings, id: str) -> None:
    in_transaction(settings, lambda session: retry_job(session, id))
    out.print(f"The job {id} begins at once.", markup=False)


def cancel(settings: Settings, id: str) -> None:
    in_transaction(settings, lambda session: cancel_job(session, id))
    out.print(f"The job {id} is canceled.", markup=False)


def _shown(job: JobRow) -> tuple[str, ...]:
    until = f" until {job.until:%Y-%m-%d %H:%M:%S}" if job.until and job.state is JobState.DELAYED else ""
    again = f", again at {job.until:%H:%M:%S}" if job.until and job.state is JobState.FAILED else ""
    state = f"{job.state.name.lower()}{until}{again}"
    created = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
    return escape(job.id), job.kind.value, state, str(job.attempts), created, escape(job.error)
