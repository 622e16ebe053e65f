"""The network as the database has it, by code and login, while files are checked against it and written."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.network import Entity, Operator, OperatorEntity, OperatorGroup, Right


@dataclass
class Known:
    """Writing adds what is new. `linked` are the operators that act for an entity."""

    groups: dict[str, OperatorGroup]
    entities: dict[str, Entity]
    operators: dict[str, Operator]
    linked: set[UUID]

    @classmethod
    async def load(cls, session: AsyncSession) -> "Known":
        return cls(
            groups={group.code: group for group in await session.scalars(select(OperatorGroup))},
            entities={entity.code: entity for entity in await session.scalars(select(Entity))},
            operators={operator.login: operator for operator in await session.scalars(select(Operator))},
            linked=set(await session.scalars(select(OperatorEntity.operator_id).distinct())),
        )

    def parents(self) -> dict[str, str]:
        """The code of each entity's parent; "" for roots."""
        codes = {entity.id: code for code, entity in self.entities.items()}
        return {
            code: codes[entity.parent_id] if entity.parent_id else "" for code, entity in self.entities.items()
        }

    def administrators(self) -> set[str]:
        """Logins of the active administrators."""
        return {login for login, who in self.operators.items() if who.active and who.right == Right.ADMIN}
