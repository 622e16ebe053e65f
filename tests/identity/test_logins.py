"""Logging in: who gets a token, how long it lasts, and how guessing is slowed down."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from sqlalchemy import select, update

from server.database import Database
from server.domain.network import FailedLogin, Login, Operator, Right
from server.errors import Refused, TooManyAttempts
from server.identity.attempts import FREE_PER_ADDRESS, FREE_PER_LOGIN, LONGEST_WAIT, wait
from server.identity.logins import Logins, revoke_logins
from server.identity.passwords import hash_password, verify
from server.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)


@pytest.fixture
async def anna(database: Database) -> Operator:
    """An active central operator; an inactive one and one without a password stand beside her."""
    stamps = {"created_at": NOW, "modified_at": NOW, "right": Right.CENTRAL}
    anna = Operator(login="anna", name="Anna", password_hash=HASH, **stamps)
    async with database.transaction() as session:
        session.add_all([
            anna,
            Operator(login="gone", name="Gone", password_hash=HASH, active=False, **stamps),
            Operator(login="blank", name="Blank", **stamps),
        ])
    return anna


@pytest.fixture
def logins(database: Database, settings: Settings) -> Logins:
    return Logins(database, settings)


async def fail(logins: Logins, login: str, now: datetime, address: str = "192.0.2.1") -> None:
    with pytest.raises(Refused):
        await logins.log_in(login, "wrong", address, now)


async def test_the_right_password_gives_a_token_of_its_owner(logins: Logins, anna: Operator) -> None:
    granted = await logins.log_in("anna", PASSWORD, "", NOW)
    caller = await logins.caller_of(granted.token, NOW)
    assert caller is not None
    assert (caller.id, caller.right) == (anna.id, Right.CENTRAL)


async def test_only_the_fingerprint_of_a_token_is_stored(logins: Logins, anna: Operator, database: Database) -> None:
    granted = await logins.log_in("anna", PASSWORD, "", NOW)
    async with database.reading() as session:
        [row] = (await session.execute(select(*Login.__table__.columns))).all()
    assert granted.token not in str(row)


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("anna", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("blank", ""), ("anna", ""), ("ANNA", PASSWORD),
        ("anna", PASSWORD + "x" * 300),
    ],
)
async def test_every_failure_is_told_in_the_same_words(
    logins: Logins, anna: Operator, login: str, password: str
) -> None:
    with pytest.raises(Refused, match=r"^The login or the password is wrong\.$"):
        await logins.log_in(login, password, "", NOW)


def test_checking_the_password_of_nobody_costs_as_much_as_a_wrong_one() -> None:
    def fastest(password_hash: str) -> float:
        times = []
        for _ in range(5):
            start = perf_counter()
            verify("wrong", password_hash)
            times.append(perf_counter() - start)
        return min(times)

    assert fastest("") > fastest(HASH) / 3


async def test_a_token_expires(logins: Logins, anna: Operator, settings: Settings) -> None:
    granted = await logins.log_in("anna", PASSWORD, "", NOW)
    assert granted.expires_at == NOW + timedelta(days=settings.token_days)
    assert await logins.caller_of(granted.token, granted.expires_at - timedelta(seconds=1))
    assert await logins.caller_of(granted.token, granted.expires_at) is None


async def test_logging_out_ends_one_login_and_no_other(logins: Logins, anna: Operator) -> None:
    first = await logins.log_in("anna", PASSWORD, "", NOW)
    second = await logins.log_in("anna", PASSWORD, "", NOW)
    await logins.log_out(first.token, NOW)
    assert await logins.caller_of(first.token, NOW) is None
    assert await logins.caller_of(second.token, NOW)


async def test_a_token_ends_when_the_operator_is_no_longer_active(
    logins: Logins, anna: Operator, database: Database
) -> None:
    granted = await logins.log_in("anna", PASSWORD, "", NOW)
    async with database.transaction() as session:
        await session.execute(update(Operator).where(Operator.id == anna.id).values(active=False))
    assert await logins.caller_of(granted.token, NOW) is None


async def test_revoking_keeps_the_named_login_only(logins: Logins, anna: Operator, database: Database) -> None:
    kept, other = [await logins.log_in("anna", PASSWORD, "", NOW) for _ in range(2)]
    async with database.transaction() as session:
        await revoke_logins(session, anna.id, NOW, but=kept.token)
    assert await logins.caller_of(kept.token, NOW)
    assert await logins.caller_of(other.token, NOW) is None


async def test_an_unknown_token_is_nobody(logins: Logins, anna: Operator) -> None:
    assert await logins.caller_of("made up", NOW) is None


@pytest.mark.parametrize("login", ["anna", "nobody"])  # the slowdown does not tell which names exist
async def test_failures_slow_down_a_login_name_from_any_address(logins: Logins, anna: Operator, login: str) -> None:
    for number in range(FREE_PER_LOGIN):
        await fail(logins, login, NOW, f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts) as slowed:
        await logins.log_in(login, PASSWORD, "192.0.2.99", NOW)
    assert slowed.value.seconds == 1


async def test_the_wait_doubles_and_is_kept_by_trying_too_soon(logins: Logins, anna: Operator) -> None:
    for _ in range(FREE_PER_LOGIN):
        await fail(logins, "anna", NOW)
    await fail(logins, "anna", NOW + timedelta(seconds=1))
    for seconds in (1, 2):
        with pytest.raises(TooManyAttempts):
            await logins.log_in("anna", PASSWORD, "192.0.2.1", NOW + timedelta(seconds=seconds))
    assert await logins.log_in("anna", PASSWORD, "192.0.2.1", NOW + timedelta(seconds=3))


async def test_the_right_password_lets_the_name_start_afresh(logins: Logins, anna: Operator) -> None:
    for _ in range(FREE_PER_LOGIN - 1):
        await fail(logins, "anna", NOW)
    await logins.log_in("anna", PASSWORD, "192.0.2.1", NOW)
    for _ in range(FREE_PER_LOGIN):
        await fail(logins, "anna", NOW)


@pytest.mark.parametrize(("first", "second"), [("192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::ffff:2")])
async def test_failures_slow_down_an_address_for_any_name(
    logins: Logins, anna: Operator, first: str, second: str
) -> None:
    for number in range(FREE_PER_ADDRESS):
        await fail(logins, f"guess{number}", NOW, first)
    with pytest.raises(TooManyAttempts):
        await logins.log_in("anna", PASSWORD, second, NOW)
    assert await logins.log_in("anna", PASSWORD, "198.51.100.1", NOW)


async def test_one_good_account_does_not_buy_guesses_at_others(logins: Logins, anna: Operator) -> None:
    for number in range(FREE_PER_ADDRESS - 1):
        await fail(logins, f"guess{number}", NOW)
    await logins.log_in("anna", PASSWORD, "192.0.2.1", NOW)
    await fail(logins, "other", NOW)
    with pytest.raises(TooManyAttempts):
        await logins.log_in("another", "wrong", "192.0.2.1", NOW)


async def test_attempts_made_at_once_are_all_counted(logins: Logins, anna: Operator) -> None:
    attempts = (logins.log_in("anna", "wrong", "", NOW) for _ in range(FREE_PER_LOGIN + 3))
    outcomes = [type(outcome) for outcome in await asyncio.gather(*attempts, return_exceptions=True)]
    assert outcomes.count(Refused) == FREE_PER_LOGIN
    assert outcomes.count(TooManyAttempts) == 3


async def test_failures_are_forgotten_after_a_day_and_swept(
    logins: Logins, anna: Operator, database: Database
) -> None:
    for _ in range(FREE_PER_LOGIN):
        await fail(logins, "anna", NOW)
        await fail(logins, "nobody", NOW)
    await logins.log_in("anna", PASSWORD, "198.51.100.1", NOW + timedelta(days=2))
    async with database.reading() as session:
        rows = (await session.execute(select(FailedLogin.key, FailedLogin.failures))).all()
    assert rows == [("address:198.51.100.1", 0)]


def test_the_wait_has_an_end() -> None:
    assert wait(10**9, FREE_PER_LOGIN) == LONGEST_WAIT
