"""Global ids as clients know them: a type's name and a UUID, opaque."""

from binascii import b2a_base64
from collections.abc import Callable
from uuid import UUID


def encode(type_name: str, id: UUID) -> str:
    return encoder(type_name)(id.hex)


def encoder(type_name: str) -> Callable[[str], str]:
    """From the id of an object of that type, in hexadecimal, to its global id."""
    prefix = f"{type_name}:"
    return lambda hexadecimal: b2a_base64((prefix + hexadecimal).encode(), newline=False).decode()
