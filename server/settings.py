"""One settings object, read once at start and passed down; every setting is an environment variable SAMVERKAN_…."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an installation can choose. Durations are in the unit that the name ends with."""

    model_config = SettingsConfigDict(env_prefix="SAMVERKAN_", frozen=True)

    database: str = Field(
        "sqlite:///var/samverkan.db",
        description="sqlite:///PATH, or postgresql://USER:PASSWORD@HOST/NAME",
    )
    documents: Path = Field(Path("var/documents"), description="folder of uploaded documents")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    time_zone: str = Field("Europe/Stockholm", description="the organisation's time zone, an IANA name [4.3]")
    token_days: int = Field(14, ge=1, description="how long a login lasts")
    secure_cookies: bool = Field(False, description="cookies over HTTPS only; set it behind TLS")
    max_document_bytes: int = Field(20_000_000, ge=1, description="largest document accepted")
    max_body_bytes: int = Field(1_000_000, ge=1_000, description="largest GraphQL request without files")
    document_types: frozenset[str] = Field(
        frozenset({
            "application/pdf", "application/zip", "image/gif", "image/jpeg", "image/png", "image/webp", "text/csv",
            "text/plain", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        }),
        description="media types accepted as documents",
    )
    advance_seconds: float = Field(5.0, gt=0, description="how often due moves are looked for")
    reminder_grace_minutes: int = Field(60, ge=1, description="a reminder later than this is skipped [5.4]")
    registration_notice_hours: int = Field(48, ge=1, description="how long before the registration deadline to tell")
    graphiql: bool = Field(True, description="serve GraphiQL at /graphiql")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception:
            raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Stockholm") from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
