"""Mutations that come again under the client's key: done once, answered with the first result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from server.domain.order import IdempotencyKey
from server.errors import Refused, refuse
from server.services.work import Work

ROW = tuple_(IdempotencyKey.operator_id, IdempotencyKey.key)
KEPT = (
    update(IdempotencyKey).where(
        IdempotencyKey.operator_id == bindparam("whose"), IdempotencyKey.key == bindparam("named")
    ).values(object_id=bindparam("result"))
)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an operator's own, and what came with it: the mutation, and the sha256 of its input."""

    operator_id: UUID
    key: str
    mutation: str = field(compare=False)
    input_hash: str = field(compare=False)


async def take_keys(work: Work, keys: Sequence[Key]) -> set[Key]:
    """Those that nobody has used before. One that another transaction has taken is waited for."""
    if not keys:
        return set()
    rows = [
        {"operator_id": each.operator_id, "key": each.key, "mutation": each.mutation, "input_hash": each.input_hash,
         "created_at": work.now}
        for each in sorted(keys, key=lambda each: (each.operator_id, each.key))
    ]
    dialect = postgresql if work.session.get_bind().dialect.name == "postgresql" else sqlite
    taking = dialect.insert(IdempotencyKey).values(rows).on_conflict_do_nothing()
    taken = {(row[0], row[1]) for row in await work.session.execute(
        taking.returning(IdempotencyKey.operator_id, IdempotencyKey.key)
    )}
    return {each for each in keys if (each.operator_id, each.key) in taken}


async def results_of(work: Work, keys: Sequence[Key]) -> dict[Key, UUID | Refused | None]:
    """What the mutations that took the keys have returned; Refused when a key came with something else."""
    if not keys:
        return {}
    found = await work.session.execute(
        select(IdempotencyKey.operator_id, IdempotencyKey.key, IdempotencyKey.mutation, IdempotencyKey.input_hash,
               IdempotencyKey.object_id)
        .where(ROW.in_([(each.operator_id, each.key) for each in keys]))
    )
    rows = {(row.operator_id, row.key): row for row in found}
    results: dict[Key, UUID | Refused | None] = {}
    for each in keys:
        row = rows[each.operator_id, each.key]
        same = (row.mutation, row.input_hash) == (each.mutation, each.input_hash)
        results[each] = row.object_id if same else refuse(
            "IDEMPOTENCY_KEY_REUSED",
            f"This key came with another {row.mutation} before; take a new key for a new change.", "idempotency_key",
        )
    return results


async def keep_results(work: Work, results: Mapping[Key, UUID | None]) -> None:
    """Writes down what the mutations have returned."""
    rows = [{"whose": key.operator_id, "named": key.key, "result": id} for key, id in results.items()]
    if rows:
        connection = await work.session.connection()
        await connection.run_sync(lambda sync: sync.execute(KEPT, rows))


async def give_back(work: Work, keys: Sequence[Key]) -> None:
    """Nothing was done under these keys: they may be used again."""
    if keys:
        await work.session.execute(
            delete(IdempotencyKey).where(ROW.in_([(each.operator_id, each.key) for each in keys]))
            .execution_options(synchronize_session=False)
        )
