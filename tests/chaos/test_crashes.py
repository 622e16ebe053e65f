"""Workers are killed with -9 at random, again and again: nothing is lost, doubled or left [4.4, 5.3, 5.4, 6.2, 7]."""

from pathlib import Path

from tests.chaos.chaos import chaos

KILLS = 30


async def test_whatever_is_killed_every_move_happens_once_and_every_message_arrives(
    address: str, tmp_path: Path
) -> None:
    account = await chaos(address, tmp_path, KILLS, seed=4)
    assert account.faults == []
    assert account.kills == KILLS
