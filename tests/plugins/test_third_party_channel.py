"""A third party adds a channel: the one of the README, installed by pip, told by the server, answered by a chat [7]."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.channel import Message, NotSent, Person
from server.domain.base import new_id
from tests.http_receiver import http_receiver
from tests.plugins.test_third_party import installed, run

SOURCE = Path(__file__).parent / "third_party_channel"


@pytest.fixture(scope="module")
def chat_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(SOURCE, tmp_path_factory.mktemp("chat"))


def test_an_installed_package_adds_its_channel(chat_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_URL", "https://chat.example.org/hooks/1")
    lines = [line.split() for line in run(chat_environment, "-m", "server", "channels").splitlines()]
    assert ["chat", "Chat", "1.0.0", "samverkan-chat", "PEOPLE", "chat.example.org"] in lines


@pytest.mark.parametrize(("status", "became"), [(200, "200"), (400, "Rejected 400"), (503, "TryLater 503")])
async def test_its_messages_arrive_or_say_why_not(
    monkeypatch: pytest.MonkeyPatch, status: int, became: str
) -> None:
    monkeypatch.syspath_prepend(SOURCE)
    import samverkan_chat  # type: ignore[import-not-found]  # found on the path of this test

    message = Message(new_id(), datetime.now(UTC), Person("eva", "Eva", "", "sv"), "[Package] Spring", "Hej")
    async with http_receiver() as chat:
        chat.answers = [(status, "")]
        monkeypatch.setenv("CHAT_URL", f"http://127.0.0.1:{chat.port}/")
        async with samverkan_chat.Chat(None).opened() as send:
            try:
                found = str(await send(message))
            except NotSent as error:
                found = f"{type(error).__name__} {error.answer}"
    assert found == became
    assert json.loads(chat.requests[0].body) == {"id": str(message.id), "text": "@eva: [Package] Spring\nHej"}
