"""Failed logins slow down the next ones, per login name and per address."""

import hashlib
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.network import FailedLogin
from server.errors import TooManyAttempts

FREE_PER_LOGIN = 5
FREE_PER_ADDRESS = 20
"""Attempts before waiting begins; many people may sit behind one address."""
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


def wait(failures: int, free: int) -> timedelta:
    """How long to wait after that many failures: nothing at first, then a second, doubling."""
    if failures < free:
        return timedelta()
    return min(timedelta(seconds=2 ** min(failures - free, 20)), LONGEST_WAIT)


async def count_attempt(session: AsyncSession, login: str, address: str, now: datetime) -> None:
    """Counts an attempt as failed before its password is checked, so that attempts made at once count too; raises
    TooManyAttempts, and counts nothing, when it comes too soon."""
    for key, free in ((_login_key(login), FREE_PER_LOGIN), (address_key(address), FREE_PER_ADDRESS)):
        row = await _locked(session, key, now)
        if row.last_at < now - FORGOTTEN_AFTER:
            row.failures = 0
        if (left := row.last_at + wait(row.failures, free) - now) > timedelta():
            raise TooManyAttempts(ceil(left.total_seconds()))
        row.failures, row.last_at = row.failures + 1, now


async def forgive(session: AsyncSession, login: str, address: str, now: datetime) -> None:
    """After a right password: the name starts afresh. The address only gets this attempt back, so that one good
    account does not buy guesses at others. Old rows are swept on the way."""
    await session.execute(
        update(FailedLogin).where(FailedLogin.key == address_key(address)).values(failures=FailedLogin.failures - 1)
    )
    old = FailedLogin.last_at < now - FORGOTTEN_AFTER
    await session.execute(delete(FailedLogin).where((FailedLogin.key == _login_key(login)) | old))


async def _locked(session: AsyncSession, key: str, now: datetime) -> FailedLogin:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"key": key, "failures": 0, "last_at": now}
    await session.execute(insert(FailedLogin).values(values).on_conflict_do_nothing())
    return (await session.scalars(select(FailedLogin).where(FailedLogin.key == key).with_for_update())).one()


def _login_key(login: str) -> str:
    return "login:" + hashlib.sha256(login.encode()).hexdigest()


def address_key(address: str) -> str:
    """One IPv6 customer has a whole /64, so that is one address here."""
    try:
        found = ip_address(address)
    except ValueError:
        return "address:" + address
    if isinstance(found, IPv6Address) and not found.ipv4_mapped:
        return "address:" + found.exploded[:19]
    return f"address:{found}"
