"""Moments around deadlines, and what a package has become by then."""

from datetime import timedelta
from typing import Any

from server.domain.lifecycles import PackageStatus
from server.domain.package import Package
from tests.builders import DAY, NOW
from tests.services.conftest import World

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
LATE = NOW + 3 * DAY + TICK
"""Just after the deadline of a question that was asked NOW."""


async def status_of(world: World, package: Package) -> PackageStatus:
    return (await world.read(Package, id=package.id)).status


REMINDERS: list[dict[str, Any]] = [
    {"anchor": "SUBMISSION", "hours": 24},
    {"anchor": "DEADLINE", "hours": 12},
    {"at": "2026-03-03T12:00:00+01:00"},
]
AFTER_SUBMISSION, AT_DATE, BEFORE_DEADLINE = NOW + DAY, NOW + DAY + 2 * HOUR, NOW + 3 * DAY - 12 * HOUR
