"""What the edge keeps between its servers: what callers may still spend, and the documents of trusted apps."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from server.domain.base import Base


class RateBucket(Base):
    """What one operator or address may still spend at `at`; servers take from it in portions."""

    __tablename__ = "rate_bucket"

    key: Mapped[str] = mapped_column(primary_key=True)
    left: Mapped[float]
    at: Mapped[datetime]


class TrustedDocument(Base):
    """A document that an app may ask for by `id`: the sha256 of its text, or what the app's build calls it."""

    __tablename__ = "trusted_document"

    id: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    text: Mapped[str]
    registered_at: Mapped[datetime]
