"""Secrets that sign, and so must be read again: encrypted in the database when the settings give keys [7]."""

from functools import cache
from typing import TYPE_CHECKING

from server.channel import TryLater
from server.notifications.channels.signing import PREFIX

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class SecretUnreadable(TryLater):
    """No key fits: nothing can be signed until the right one is among the settings."""

    def __init__(self) -> None:
        super().__init__("The secret cannot be read: no key of SAMVERKAN_SECRET_KEYS fits.")


def sealed(secret: str, keys: str) -> str:
    """The secret as it is stored: encrypted with the first key, or as it is when there are none."""
    return _cipher(keys).encrypt(secret.encode()).decode() if keys else secret


def unsealed(stored: str, keys: str) -> str:
    """The secret itself, whichever key encrypted it; SecretUnreadable when none fits."""
    if stored.startswith(PREFIX):
        return stored
    secret = _read(stored, keys)
    if secret is None:
        raise SecretUnreadable
    return secret


def resealed(stored: str, keys: str) -> str:
    """The same under the first key, as it is stored already if it was that one."""
    return sealed(unsealed(stored, keys), keys) if _read(stored, keys.partition(",")[0]) is None else stored


def _read(stored: str, keys: str) -> str | None:
    from cryptography.fernet import InvalidToken

    try:
        return _cipher(keys).decrypt(stored.encode()).decode() if keys else None
    except InvalidToken:
        return None


@cache
def _cipher(keys: str) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet  # which most commands do not need

    return MultiFernet([Fernet(key) for key in keys.split(",")])
