"""PostGraphile with login and row security: the roles and policies of the database, and tokens as its callers show."""

import base64
import hmac
from pathlib import Path

import asyncpg
import orjson

from benchmarks.numbered import Kind, key

SECRET = "a secret of the benchmark"
POLICIES = Path(__file__).parent / "postgraphile" / "security.sql"
ROLES = {Kind.CENTRAL: "benchmark_central", Kind.MANAGER: "benchmark_local"}


async def secure(address: str) -> None:
    """Makes the policies; they hold for the roles of the benchmark only."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(POLICIES.read_text())
    finally:
        await connection.close()


def restricted(address: str) -> str:
    """The address for the role that has no rights of its own."""
    return address.replace("://postgres:", "://benchmark_web:", 1)


def web_token(kind: Kind, number: int) -> str:
    """A JSON Web Token (HS256) of an operator."""
    claims = {"role": ROLES[kind], "operator": str(key(kind, number))}
    signed = b".".join(_encoded(orjson.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return b".".join((signed, _encoded(hmac.digest(SECRET.encode(), signed, "sha256")))).decode()


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")
