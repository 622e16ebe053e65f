"""What tests of channels share: servers of the other side, and a certificate of an authority that nobody knows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.database import Database
from server.plugins import CampaignTypes
from server.settings import Settings, SmtpSecurity
from tests.certificates import Certificate, make_certificate
from tests.http_receiver import Receiver, http_receiver
from tests.notifications.mailing import Mailing
from tests.smtp_sink import Sink, smtp_sink


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The same, trusted by the server as an organisation does it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    return certificate


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with smtp_sink() as sink:
        yield sink


def smtp_to(port: int, folder: Path = Path("unused"), **settings: object) -> Settings:
    """Settings for the mail server on that port, in the clear unless told otherwise."""
    chosen = {"smtp_security": SmtpSecurity.NONE, "smtp_timeout_seconds": 5.0} | settings
    return Settings(smtp_host="127.0.0.1", smtp_port=port, mail_folder=folder, **chosen)  # type: ignore[arg-type]


@pytest.fixture
async def shop() -> AsyncIterator[Receiver]:
    """The endpoint of a webhook."""
    async with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def mailing(database: Database, types: CampaignTypes, settings: Settings) -> Mailing:
    """What is to be sent, in a database of each kind."""
    return Mailing(database, types, settings)
