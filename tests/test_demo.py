"""The main job over HTTP, against a real server with the example network, for all four types [3, 4.4, 6.2, 9]."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.database import Database
from server.demo import DemoError, People, run
from server.services.importing.importer import Import, find_files
from tests.running import running

NETWORK = Path(__file__).parent.parent / "examples" / "network"


@pytest.fixture
async def network(database: Database) -> None:
    faults: list[object] = []
    await Import(database, datetime.now(UTC), bad=faults.append).run(find_files([NETWORK]))
    assert not faults


@pytest.mark.usefixtures("network")
def test_the_demo_walks_the_main_job_of_every_type(address: str, tmp_path: Path) -> None:
    lines: list[str] = []
    with running(address, tmp_path) as url:
        run(url, lines.append, People())
    told = "\n".join(lines)
    assert told.count("· AVAILABLE") == 4  # an order of every type
    assert told.count("· PUBLISHED") == 4
    assert "(OU1_OP" in told  # the child campaign [9.7]
    assert "9 contacts stay" in told  # the trimmed list [9.14]


def test_the_demo_says_in_one_line_that_nobody_answers() -> None:
    with pytest.raises(DemoError, match=r"^http://127\.0\.0\.1:1 does not answer"):
        run("http://127.0.0.1:1", print, People())
