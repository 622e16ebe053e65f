"""Human codes: CAT12, ORD340, OP7, DIST3, from one counter per prefix."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.order import Counter


async def next_codes(session: AsyncSession, prefix: str, count: int = 1) -> list[str]:
    """The next `count` codes of a prefix, taken in one statement; a rolled-back transaction gives them back."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    taken = insert(Counter).values(prefix=prefix, next=1 + count)
    statement = taken.on_conflict_do_update(
        index_elements=[Counter.prefix], set_={"next": Counter.next + count}
    ).returning(Counter.next)
    after = (await session.execute(statement)).scalar_one()
    return [f"{prefix}{number}" for number in range(after - count, after)]


async def next_code(session: AsyncSession, prefix: str) -> str:
    """One new code."""
    return (await next_codes(session, prefix))[0]
