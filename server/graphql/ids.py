"""Global ids: opaque for clients, a type's name and a UUID for us."""

from uuid import UUID

from server.domain.global_ids import encode
from server.errors import InvalidArgument

__all__ = ["decode", "decode_as", "encode"]


def decode(where: str, global_id: str) -> tuple[str, UUID]:
    """The type and the id; InvalidArgument that names the argument `where` when it is not an id of this server."""
    try:
        type_name, _, hexadecimal = global_id.partition(":")
        id = UUID(hexadecimal)
        if encode(type_name, id) == global_id and type_name.isidentifier():
            return type_name, id
    except ValueError:
        pass
    raise InvalidArgument(f"{where}: {global_id[:60]!r} is not an id; give one that this API has returned.")


def decode_as(type_name: str, where: str, global_id: str) -> UUID:
    """The id of an object of that type; InvalidArgument when it is one of another type."""
    found, id = decode(where, global_id)
    if found == type_name:
        return id
    raise InvalidArgument(f"{where}: this is the id of a {found[:30]}; the id of a {type_name} is needed here.")
