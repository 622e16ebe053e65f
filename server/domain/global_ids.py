"""Global ids as clients know them: a type's name and a UUID, opaque."""

from uuid import UUID


def encode(type_name: str, id: UUID) -> str:
    return f"{type_name}:{id.hex}"
