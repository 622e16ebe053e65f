"""Passwords: what a good one is, and argon2 hashes instead of them."""

from collections.abc import Iterator

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from server.errors import Problem

SHORTEST, LONGEST = 12, 200
"""Length in characters. Length is what keeps a password safe; rules about digits and signs are not."""

_argon2 = PasswordHash((Argon2Hasher(),))


def hash_password(text: str) -> str:
    """The argon2id hash to store; takes some 50 ms and 64 MiB on purpose, so keep it out of the event loop."""
    return _argon2.hash(text)


def verify(text: str, password_hash: str) -> bool:
    """Whether `text` is the password; never with an empty or foreign hash, but in the same time as with any other."""
    try:
        return _argon2.verify(text, password_hash)
    except UnknownHashError:
        _argon2.hash(text)
        return False


def check_password(text: str, login: str) -> Iterator[Problem]:
    """What keeps `text` from being the password of `login`."""
    if not SHORTEST <= len(text) <= LONGEST:
        message = f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(text)}."
        yield Problem("INVALID", message, ("password",))
    elif login and login.casefold() in text.casefold() and len(text) < len(login) + SHORTEST // 2:
        yield Problem("INVALID", "The password is little more than the login: choose another one.", ("password",))
    elif len(set(text)) < 5:
        yield Problem("INVALID", "The password repeats a few characters: use at least 5 different ones.", ("password",))
