"""One settings object, read once at start and passed down; every setting is an environment variable SAMVERKAN_…."""

import re
from base64 import urlsafe_b64decode
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?|https?://\[[0-9a-f:]+\](:\d+)?")

WEB_ADDRESS = re.compile(r"https?://[^\s/?#\"<>]+(/[^\s?#\"<>]*)?")


class Introspection(StrEnum):
    EVERYONE = "everyone"
    OPERATORS = "operators"
    OFF = "off"


class TrustedDocuments(StrEnum):
    """OFF: ids are refused; ACCEPT: ids and texts are taken; ONLY: texts are refused."""

    OFF = "off"
    ACCEPT = "accept"
    ONLY = "only"


class SmtpSecurity(StrEnum):
    """NONE: in the clear; STARTTLS: encrypted before anything is said, or not at all; TLS: from the first byte."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Jobs(StrEnum):
    """EMBEDDED: the server does them; WORKERS: it leaves them to `samverkan worker`."""

    EMBEDDED = "embedded"
    WORKERS = "workers"


class LogFormat(StrEnum):
    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class LoggedOperations(StrEnum):
    SLOW = "slow"
    ALL = "all"


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
    web_address: str = Field(
        "", description="where operators reach the web interface, for links in messages; if empty, http://HOST:PORT"
    )
    time_zone: str = Field("Europe/Stockholm", description="the organisation's time zone, an IANA name [4.3]")
    token_days: int = Field(14, ge=1, description="how long a login lasts")
    secure_cookies: bool | None = Field(
        None, description="the login cookie over HTTPS only; unset: when the request came over HTTPS"
    )
    trusted_proxies: str = Field(
        "", description="addresses of proxies whose X-Forwarded-For and -Proto are believed, with commas; none if empty"
    )
    allowed_origins: frozenset[str] = Field(
        frozenset(),
        description='other origins whose pages may use the API with bearer tokens, e.g. ["https://app.example.org"]',
    )
    max_document_bytes: int = Field(20_000_000, ge=1, description="largest document accepted")
    max_body_bytes: int = Field(1_000_000, ge=1_000, description="largest GraphQL request without files")
    max_batch: int = Field(0, ge=0, description="most operations in the list that one POST may bring; 0: no lists")
    compress_from_bytes: int = Field(2_000, ge=0, description="answers from this size are compressed; 0: none is")
    header_seconds: float = Field(10.0, gt=0, description="how long the head of a request may take")
    body_seconds: float = Field(10.0, gt=0, description="how long a request body may take, beside its size at 16 kB/s")
    send_seconds: float = Field(20.0, gt=0, description="how long a client may leave its answers unread")
    shutdown_seconds: int = Field(30, ge=1, description="how long running requests may take when the server stops")
    max_streams: int = Field(10_000, ge=1, description="most open WebSockets and event streams")
    max_streams_per_address: int = Field(100, ge=1, description="most of them from one address")
    max_socket_operations: int = Field(100, ge=1, description="most operations that run at once on one WebSocket")
    socket_init_seconds: float = Field(10.0, gt=0, description="how long a WebSocket may wait before connection_init")
    ping_seconds: float = Field(20.0, gt=0, description="how often streams are kept alive and logins checked")
    max_tokens: int = Field(2_500, ge=10, description="most tokens of one GraphQL document")
    max_depth: int = Field(20, ge=1, description="most fields within fields")
    max_fields: int = Field(2_000, ge=1, description="most fields of one document, fragments spread")
    max_aliases: int = Field(100, ge=0, description="most aliases of one document, fragments spread")
    max_root_fields: int = Field(20, ge=1, description="most root fields of one operation")
    max_pages: int = Field(30, ge=1, description="most pages of lists of one document, fragments spread")
    max_cost: int = Field(50_000, ge=100, le=50_000, description="most rows that one operation may ask for")
    operator_cost_per_minute: int = Field(
        3_000_000, ge=0, description="what one operator may spend; a minute's worth may be saved up; 0: any"
    )
    address_cost_per_minute: int = Field(
        60_000, ge=0, description="what one address may spend without a login, logins included; 0: any"
    )
    operation_seconds: float = Field(30.0, ge=0, description="how long one operation may take; 0: for ever")
    max_operations: int = Field(
        1_000, ge=1, description="most operations that one process runs at once; as many may wait"
    )
    introspection: Introspection = Field(Introspection.OPERATORS, description="who may read the schema from the API")
    trusted_documents: TrustedDocuments = Field(
        TrustedDocuments.ACCEPT,
        description="documents of `samverkan trust` by their ids: off, accept (texts too), only (no texts)",
    )
    document_types: frozenset[str] = Field(
        frozenset({
            "application/pdf", "application/zip", "image/gif", "image/jpeg", "image/png", "image/webp", "text/csv",
            "text/plain", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        }),
        description="media types accepted as documents",
    )
    jobs: Jobs = Field(
        Jobs.EMBEDDED, description="what is done later is done by the server itself (embedded) or by workers only"
    )
    poll_seconds: float = Field(0.5, gt=0, description="how often a process looks for jobs of each kind")
    sweep_seconds: float = Field(60.0, gt=0, description="how often what may have been forgotten is looked for")
    job_days: int = Field(7, ge=1, description="how long finished jobs are kept")
    fan_out_from: int = Field(
        200, ge=0, description="what concerns more entities than this is done in chunks, after the commit [6.5]"
    )
    type_job_seconds: float = Field(
        300.0, gt=0, description="how long a job of a campaign type may take before it counts as failed"
    )
    reminder_grace_minutes: int = Field(60, ge=1, description="a reminder later than this is skipped [5.4]")
    registration_notice_hours: int = Field(48, ge=1, description="how long before the registration deadline to tell")
    log_format: LogFormat = Field(LogFormat.AUTO, description="auto: text on a terminal, JSON lines elsewhere")
    log_operations: LoggedOperations = Field(LoggedOperations.SLOW, description="which operations are logged")
    slow_seconds: float = Field(1.0, ge=0, description="operations that take longer are logged with their SQL")
    metrics_token: str = Field(
        "", repr=False,
        description="bearer token of at least 16 characters that opens /metrics; there is no /metrics if empty",
    )
    smtp_host: str = Field("", description="mail server; if empty, mail is written as .eml files into mail_folder")
    smtp_port: int = Field(0, ge=0, le=65535, description="its port; 0: 25, with starttls 587, with tls 465")
    smtp_security: SmtpSecurity = Field(SmtpSecurity.STARTTLS, description="how it is spoken to: none, starttls, tls")
    smtp_login: str = Field("", description="login at the mail server; none if empty")
    smtp_password: str = Field("", repr=False, description="its password")
    smtp_timeout_seconds: float = Field(
        30.0, gt=0, le=45, description="how long the mail server may take for an answer"
    )
    mail_from: str = Field(
        "samverkan <samverkan@localhost>", description="sender of mails, e.g. Marketing <marketing@example.org>"
    )
    mail_folder: Path = Field(Path("var/mail"), description="folder of .eml files where there is no mail server")
    webhook_timeout_seconds: float = Field(
        15.0, gt=0, le=60, description="how long a webhook may take for its answer"
    )
    webhook_private_targets: bool = Field(
        False, description="webhooks may go to private networks and over plain http; only for trying things out"
    )
    secret_keys: str = Field(
        "", repr=False,
        description="keys that encrypt the secrets of webhooks in the database, with commas, the one that encrypts "
        "first: 32 bytes each as URL-safe base64; the secrets stand there as they are if empty",
    )
    login_cache_seconds: float = Field(
        1.0, ge=0, le=60, description="how long a login that another process ended may still be taken for valid"
    )
    fast_path: bool = Field(
        True, description="answer queries without the executor where that gives the same; off only to compare"
    )
    graphiql: bool = Field(True, description="serve GraphiQL at /graphiql")

    @field_validator("allowed_origins")
    @classmethod
    def _exact_origins(cls, value: frozenset[str]) -> frozenset[str]:
        for origin in value:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.org")
        return value

    @field_validator("web_address")
    @classmethod
    def _web_page(cls, value: str) -> str:
        if value and not WEB_ADDRESS.fullmatch(value):
            raise ValueError(f"{value!r} is not an address such as https://marketing.example.org")
        return value.rstrip("/")

    @field_validator("metrics_token")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if 0 < len(value) < 16:
            raise ValueError("a token that is worth it has at least 16 characters")
        return value

    @field_validator("secret_keys")
    @classmethod
    def _of_the_right_length(cls, value: str) -> str:
        for number, key in enumerate(value.split(",") if value else ()):
            try:
                length = len(urlsafe_b64decode(key))
            except ValueError:
                length = 0
            if length != 32:
                raise ValueError(f"key {number + 1} is not 32 bytes as URL-safe base64, 44 characters")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception:
            raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Stockholm") from None
        return value

    @property
    def serves_graphiql(self) -> bool:
        """It sends texts, which are not run where only trusted documents are."""
        return self.graphiql and self.trusted_documents is not TrustedDocuments.ONLY

    @property
    def web_base(self) -> str:
        """The address before every link, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.web_address or f"http://{host}:{self.port}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)
