"""What every mapped class shares: keys, stamps, revisions, and column types that mean the same on both databases."""

import enum
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData, TypeDecorator, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine
from uuid_utils.compat import uuid7

Json = dict[str, Any]


def new_id() -> UUID:
    """A UUIDv7: ordered by time, so that new rows stand together in an index."""
    return uuid7()


def text_of_moment(moment: datetime) -> str:
    """A moment of UTC as answers have it: a fraction only when there is one, without zeros at its end. These texts are
    in the order of their moments."""
    text = moment.isoformat()
    return f"{text[:26].rstrip('0')}+00:00" if moment.microsecond else text


class _MomentAsText(DATETIME):
    """A moment of UTC as SQLite stores it: what an answer shows, so that SQL need not make it."""

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        return lambda value: None if value is None else text_of_moment(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], datetime | None]:
        return lambda value: None if value is None else datetime.fromisoformat(value)


class Moment(TypeDecorator[datetime]):
    """A point in time, always aware and in UTC; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_MomentAsText())  # type: ignore[no-untyped-call]
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a moment needs a time zone: {value!r}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all mapped classes: ORM classes are the domain classes."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: Moment(),
        UUID: Uuid(),
        enum.Enum: Enum(enum.Enum, native_enum=False, create_constraint=False, length=40),
        dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
        list[Any]: JSON().with_variant(JSONB(), "postgresql"),
    }


class Identified:
    """A row with a UUIDv7 key."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class Versioned(Identified):
    """A row that several people may change: `revision` counts the writes and refuses lost updates."""

    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    modified_at: Mapped[datetime]

    __mapper_args__: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.__mapper_args__ = {"version_id_col": cls.__dict__.get("revision", cls.revision)}
        super().__init_subclass__(**kwargs)
