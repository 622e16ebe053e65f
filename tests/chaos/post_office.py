"""Where the workers send their mail, and what arrived there by the id of the message."""

from collections import Counter
from uuid import UUID

from tests.smtp_sink import Sink


def mail_to(port: int) -> dict[str, str]:
    """The variables of processes that send their mail there."""
    return {
        "SAMVERKAN_SMTP_HOST": "127.0.0.1", "SAMVERKAN_SMTP_PORT": str(port), "SAMVERKAN_SMTP_SECURITY": "none",
    }


def accepted_by(sink: Sink) -> Counter[UUID]:
    """How often each message was accepted; the id before the @ is that of its dispatch."""
    return Counter(UUID(str(mail["message-id"]).strip("<>").partition("@")[0]) for mail in sink.mails)
