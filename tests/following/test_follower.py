"""One subscription's place: bounded, without repetitions, and nothing that matters is lost."""

import asyncio
from uuid import UUID, uuid4

import pytest

from server.changes import Subject
from server.following import follower as module
from server.following.follower import MOST_WAITING, Change, Follower, Wanted

RELOAD = Change(None, reload=True)


@pytest.fixture
def follower() -> Follower:
    return Follower(Wanted(Subject.ORDER, uuid4()))


async def test_an_object_that_changes_often_waits_once(follower: Follower) -> None:
    first, second = uuid4(), uuid4()
    for _ in range(10):
        follower.tell([first, second])
    follower.tell([marker := uuid4()])
    assert [await follower.next() for _ in range(3)] == [Change(first), Change(second), Change(marker)]


async def test_what_changed_while_it_was_told_is_told_again(follower: Follower) -> None:
    follower.tell([id := uuid4()])
    assert await follower.next() == Change(id)
    follower.tell([id])
    assert await follower.next() == Change(id)


async def test_who_has_too_much_before_them_reads_again(follower: Follower) -> None:
    for number in range(10_000):
        follower.tell([UUID(int=number)])
        assert len(follower._waiting) <= MOST_WAITING
    assert await follower.next() == RELOAD
    follower.tell([id := uuid4()])
    assert await follower.next() == Change(id)


async def test_who_follows_one_object_is_given_it_when_anything_may_have_changed() -> None:
    follower = Follower(Wanted(Subject.ORDER, uuid4(), id := uuid4()))
    follower.tell_all()
    assert await follower.next() == Change(id, reload=True)


async def test_reading_again_is_asked_for_now_and_then(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RELOAD_SECONDS", 0.2)
    began = asyncio.get_running_loop().time()
    for _ in range(3):
        follower.tell_all()
        assert await follower.next() == RELOAD
    assert asyncio.get_running_loop().time() - began >= 0.4
