"""What is read for one window of a person serves the others, as long as it knows what they heard of."""

import asyncio
from collections.abc import Mapping

import pytest

from server.graphql.telling import Tellers
from tests.graphql.asking import SCHEMA


class Reads:
    """Counts what is read; none comes to its end before `end` is set."""

    def __init__(self) -> None:
        self.begun = 0
        self.end = asyncio.Event()

    async def __call__(self) -> Mapping[str, str]:
        self.begun += 1
        number = self.begun
        await self.end.wait()
        return {"order": str(number)}


async def test_windows_that_hear_of_one_change_share_what_is_read() -> None:
    tellers, reads = Tellers(SCHEMA._schema), Reads()
    asked = [asyncio.create_task(tellers.read("luc", 1, 1, reads)) for _ in range(5)]
    await asyncio.sleep(0)
    reads.end.set()
    assert await asyncio.gather(*asked) == [{"order": "1"}] * 5
    assert await tellers.read("luc", 1, 2, reads) == {"order": "1"}


async def test_who_hears_of_a_newer_change_or_is_somebody_else_reads_anew() -> None:
    tellers, reads = Tellers(SCHEMA._schema), Reads()
    reads.end.set()
    assert await tellers.read("luc", 1, 1, reads) == {"order": "1"}
    assert await tellers.read("luc", 2, 2, reads) == {"order": "2"}
    assert await tellers.read("carla", 1, 2, reads) == {"order": "3"}


async def test_who_waits_for_a_window_that_is_closed_goes_its_own_way() -> None:
    tellers, reads = Tellers(SCHEMA._schema), Reads()
    closed, other = (asyncio.create_task(tellers.read("luc", 1, 1, reads)) for _ in range(2))
    await asyncio.sleep(0)
    closed.cancel()
    assert await other is None
    with pytest.raises(asyncio.CancelledError):
        await closed
