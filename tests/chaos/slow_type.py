"""A campaign type of a third party with a slow job, which sees for itself whether anybody else does it too."""

import fcntl
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from server.campaign_type import (
    CONTRACT,
    CampaignType,
    Effect,
    Field,
    Need,
    Notify,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    Receivers,
    RunJob,
    TakePart,
)

FOLDER = "CHAOS_JOBS"
"""The variable that names the folder where each job leaves a file of its own."""


class SlowType(CampaignType):
    contract = CONTRACT
    label = "Chaos"
    template = "chaos"
    package = PackageRules(audience=Need.OPTIONAL, registration_deadline=Need.OPTIONAL)

    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        return ()

    def after_publication(self, package: PackageSnapshot) -> Iterable[Effect]:
        yield Notify(Receivers.OWNER, f"{package.label} is out.")
        yield RunJob("published", {"of": package.code})

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        yield TakePart()

    def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
        """The lock goes with the process, so that one that was killed does not count."""
        folder = Path(os.environ[FOLDER])
        with (folder / arguments["of"]).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                (folder / "overlaps").touch()
            file.write(f"begun by {os.getpid()}\n")
            file.flush()
            time.sleep(0.1)
            file.write("done\n")


def install(folder: Path) -> dict[str, str]:
    """The variables of processes in which the type is installed and its jobs leave their files in `folder/jobs`."""
    metadata = folder / "packages" / "samverkan_chaos-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: samverkan-chaos\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[samverkan.campaign_types]\nchaos = tests.chaos.slow_type:SlowType\n")
    (folder / "jobs").mkdir()
    return {"PYTHONPATH": str(folder / "packages"), FOLDER: str(folder / "jobs")}


def jobs_done(folder: Path) -> dict[str, list[str]]:
    """The lines of each job's file, by what it is of."""
    return {path.name: path.read_text().splitlines() for path in (folder / "jobs").iterdir()}
