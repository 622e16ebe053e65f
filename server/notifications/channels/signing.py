"""Signatures in the format of Standard Webhooks (standardwebhooks.com), and the secrets that they are made with."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(secret: str, id: UUID, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers that prove where a body comes from and when it was sent."""
    moment = int(at.timestamp())
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{id}.{moment}.".encode() + body, sha256)
    return {
        "webhook-id": str(id), "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
