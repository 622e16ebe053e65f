"""Keeps dbos from asking in vain. For each kind of job, by itself, it would read several times a second what it knows,
count what runs and look for what waits: a seventh of what a server can do."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, literal_column, select, union_all

from server.jobs.tables import jobs_table, waiting


class Spared:
    """The part of dbos that its threads ask for work, with the settings of our queues by name: one statement for all of
    them, not more often than every so many seconds, says which have any."""

    def __init__(self, system: Any, queues: Mapping[str, Any], seconds: float) -> None:
        self._engine, self._queues, self._seconds = system.engine, queues, seconds
        self._get_queue, self._scopes_of = system.get_queue, system.dequeue_scopes
        system.get_queue, system.dequeue_scopes = self.get_queue, self.dequeue_scopes
        jobs = jobs_table(system.engine.dialect.name)
        names: list[ColumnElement[str]] = [literal_column(f"'{name}'") for name in queues]
        self._which_wait = union_all(*[
            select(name).where(select(jobs.c.name).where(waiting(jobs), jobs.c.queue_name == name).exists())
            for name in names
        ])
        self._waiting: set[str] = set()
        self._asked = monotonic() - seconds

    def get_queue(self, name: str, **named: Any) -> Any:
        return self._queues.get(name) or self._get_queue(name, **named)

    def dequeue_scopes(self, name: str) -> list[str | None]:
        """Where dbos looks for jobs of a queue: nowhere while none waits."""
        if monotonic() - self._asked >= self._seconds:
            self._asked = monotonic()
            with self._engine.connect() as connection:
                self._waiting = {*connection.execute(self._which_wait).scalars()}
        return [] if name in self._queues and name not in self._waiting else self._scopes_of(name)
