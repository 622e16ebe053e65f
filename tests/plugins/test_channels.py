"""Installed channels are found; one that does not fit stops the start with a message for people [7]."""

import re
from pathlib import Path

import pytest

from server.channel import CONTRACT, Reaches
from server.errors import StartupError
from server.plugins import load_channels
from server.settings import Settings
from tests.plugins.conftest import Install

CHANNELS = "samverkan.channels"
GOOD = '''
from contextlib import asynccontextmanager
from server.channel import CONTRACT, Channel

class Good(Channel):
    contract = CONTRACT
    label = "Good"
    def __init__(self, settings):
        self.sender = settings.mail_from
    @asynccontextmanager
    async def opened(self):
        async def send(message):
            return 250
        yield send
'''


def test_mail_and_webhooks_come_through_the_door_that_everybody_uses() -> None:
    found = [(name, each.distribution, each.channel.contract, each.channel.reaches)
             for name, each in load_channels(Settings()).items()]
    assert found == [
        ("email", "samverkan", CONTRACT, Reaches.PEOPLE), ("webhook", "samverkan", CONTRACT, Reaches.SYSTEMS),
    ]


def test_a_channel_of_another_distribution_stands_beside_them_and_is_given_the_settings(install: Install) -> None:
    install("aaa", GOOD, distribution="acme-chat", group=CHANNELS)
    found = load_channels(Settings(mail_from="Shop <shop@example.org>"))
    assert list(found) == ["aaa", "email", "webhook"]
    assert (found["aaa"].distribution, found["aaa"].version) == ("acme-chat", "1.0")
    assert vars(found["aaa"].channel) == {"sender": "Shop <shop@example.org>"}


FAULTS = {
    "a missing module": ("import no_such_module", "cannot be imported: ModuleNotFoundError: No module named 'no_such_"),
    "another class": ("class Good: pass", "is not a channel but <class"),
    "an old contract": (GOOD.replace("= CONTRACT", "= 0"), "is written for contract 0. Right: this server has"),
    "no label": (GOOD.replace('label = "Good"', ""), "has no label. Right: set label to a text"),
    "nobody to reach": (GOOD + "    reaches = 'ALL'\n", "has reaches = 'ALL'. Right: set reaches to Reaches.PEOPLE or"),
    "no lanes": (GOOD + "    lanes = 0\n", "has lanes = 0. Right: set lanes to a whole number from 1 to 32"),
    "waits in minutes": (GOOD + "    waits = (1, 5)\n", "has waits = (1, 5). Right: set waits to a tuple of positive"),
    "a missing method": (GOOD.replace("def opened", "def open"), "misses opened. Right: define every abstract method"),
    "no context manager": (
        GOOD.replace("    @asynccontextmanager\n", ""), "has an opened that is no context manager. Right: decorate it",
    ),
    "a setting that it cannot take": (
        GOOD.replace("self.sender = settings.mail_from", "raise ValueError('CHAT_URL is not set')"),
        "cannot be constructed: ValueError: CHAT_URL is not set. Right: correct the settings that it takes",
    ),
}


@pytest.mark.parametrize(("code", "cause"), FAULTS.values(), ids=FAULTS.keys())
def test_a_channel_that_does_not_fit_is_named_with_its_origin_and_cause(
    install: Install, code: str, cause: str
) -> None:
    install("chat", code, group=CHANNELS)
    with pytest.raises(StartupError) as stop:
        load_channels(Settings())
    assert re.search(rf"chat = made_up_\d+:Good of samverkan-chat 1\.0 {re.escape(cause)}", str(stop.value))


def test_all_faults_are_told_at_once_and_so_are_names_that_are_used_twice(install: Install) -> None:
    install("chat", "import no_such_module", group=CHANNELS)
    install("fax", GOOD.replace("= CONTRACT", "= 0"), group=CHANNELS)
    install("email", GOOD, distribution="acme-mail", group=CHANNELS)
    with pytest.raises(StartupError) as stop:
        load_channels(Settings())
    first, *faults = str(stop.value).splitlines()
    assert first == "The channels (entry points of group samverkan.channels) have 3 fault(s):" and len(faults) == 3
    assert "The name email is used twice: " in faults[2] and "acme-mail 1.0" in faults[2]


def test_a_wrong_sender_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"SAMVERKAN_MAIL_FROM is 'nobody'; it must look like Marketing <"):
        load_channels(Settings(mail_from="nobody"))
