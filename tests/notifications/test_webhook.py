"""Webhooks as the other side sees them: signed CloudEvents, tried again, and never into a private network [7]."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Any

import pytest

from server.channel import Endpoint, Message, NotSent, Rejected, TryLater, Unreachable
from server.domain.base import new_id
from server.notifications.channels.networks import is_public, resolve
from server.notifications.channels.webhook import EXCERPT, WebhookChannel
from server.settings import Settings
from tests.certificates import Certificate
from tests.http_receiver import Posted, Receiver, http_receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = {"specversion": "1.0", "id": "1", "source": "https://samverkan.example.org", "type": "org.samverkan.test"}
OPEN = Settings(webhook_private_targets=True, webhook_timeout_seconds=5.0)


def is_signed(request: Posted, secret: str = SECRET) -> bool:
    """As a receiver checks it, from the specification and not by our code."""
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(request.headers["webhook-signature"], f"v1,{expected}")


def post_to(url: str) -> Message:
    return Message(new_id(), datetime.now(UTC), Endpoint(url, SECRET), event=EVENT)


async def outcome(url: str, settings: Settings = OPEN) -> Any:
    """The status of a success, or what was raised."""
    async with WebhookChannel(settings).opened() as send:
        try:
            return await send(post_to(url))
        except NotSent as error:
            return error


async def test_an_event_is_posted_as_a_signed_cloud_event() -> None:
    async with http_receiver() as receiver, WebhookChannel(OPEN).opened() as send:
        message = post_to(f"http://127.0.0.1:{receiver.port}/hook?shop=1")
        assert await send(message) == 200
    [request] = receiver.requests
    assert request.path == "/hook?shop=1" and json.loads(request.body) == EVENT
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["webhook-id"] == str(message.id) and is_signed(request)
    assert not is_signed(request, "whsec_" + base64.b64encode(b"another secret").decode())
    assert abs(int(request.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize(("answer", "expected"), [
    ((200, ""), "200"), ((204, ""), "204"), ((299, ""), "299"),
    ((500, "oh\n no"), "TryLater 500 500: oh no"), ((404, ""), "TryLater 404 404"),
    ((429, "slow down"), "TryLater 429 429: slow down"), ((410, "bye"), "Gone 410 410: the endpoint is gone"),
    ((302, ""), "TryLater 302 302: redirects are not followed"),
])
async def test_what_an_answer_means(answer: tuple[int, str], expected: str) -> None:
    async with http_receiver() as receiver:
        receiver.answers, receiver.extra = [answer], f"location: http://127.0.0.1:{receiver.port}/elsewhere\r\n"
        found = await outcome(f"http://127.0.0.1:{receiver.port}/")
    said = f"{type(found).__name__} {found.answer} {found.reason}" if isinstance(found, NotSent) else str(found)
    assert said == expected and len(receiver.requests) == 1


@pytest.mark.parametrize(("status", "said", "seconds"), [
    (429, "7", 7), (503, "120", 120), (429, "9" * 400, 1e9), (503, "0", 0), (429, "", 0), (429, "soon", 0),
    (503, "-5", 0), (429, "1.5", 0), (500, "7", 0), (302, "7", 0),
])
async def test_a_busy_endpoint_says_how_long_it_wants_to_be_left_alone(status: int, said: str, seconds: float) -> None:
    found = await busy_with(status, said)
    assert isinstance(found, TryLater) and found.after == timedelta(seconds=seconds)


@pytest.mark.parametrize("hours", [2, -2])
async def test_it_may_say_so_with_a_date(hours: int) -> None:
    found = await busy_with(503, format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True))
    assert abs(found.after - timedelta(hours=hours)) < timedelta(minutes=1)


async def busy_with(status: int, retry_after: str) -> Any:
    async with http_receiver() as receiver:
        receiver.answers, receiver.extra = [(status, "")], f"retry-after: {retry_after}\r\n"
        return await outcome(f"http://127.0.0.1:{receiver.port}/")


async def test_of_a_long_answer_only_the_beginning_is_kept() -> None:
    async with http_receiver() as receiver:
        receiver.answers = [(500, "x" * 1_000_000)]
        found = await outcome(f"http://127.0.0.1:{receiver.port}/")
    assert found.reason == "500: " + "x" * EXCERPT


async def test_an_endpoint_that_does_not_answer_costs_one_timeout() -> None:
    async with http_receiver() as receiver:
        receiver.answers = [(0, "")]
        settings = OPEN.model_copy(update={"webhook_timeout_seconds": 0.2})
        found = await outcome(f"http://127.0.0.1:{receiver.port}/", settings)
    assert type(found).__name__ == "TryLater" and found.answer is None


async def test_an_endpoint_that_is_not_there_is_unreachable() -> None:
    async with http_receiver() as receiver:
        pass
    assert isinstance(await outcome(f"http://127.0.0.1:{receiver.port}/"), Unreachable)


async def test_over_https_the_certificate_is_that_of_the_name_although_the_address_is_used(
    trusted: Certificate
) -> None:
    async with http_receiver(trusted.server) as receiver:
        assert await outcome(f"https://localhost:{receiver.port}/") == 200
    assert receiver.requests[0].headers["host"] == f"localhost:{receiver.port}"


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Certificate) -> None:
    async with http_receiver(certificate.server) as receiver:
        assert isinstance(await outcome(f"https://localhost:{receiver.port}/"), Unreachable)
    assert not receiver.requests


CLOSED = Settings()


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2002:a00:1::]", "[ff02::1]", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "192.0.2.1", "198.18.0.1",
])
async def test_private_networks_are_out_of_reach_however_they_are_written(host: str) -> None:
    found = await outcome(f"https://{host}/", CLOSED)
    assert isinstance(found, Rejected | Unreachable), found
    if isinstance(found, Unreachable):
        assert "has no address" in found.reason  # nobody tried to connect


async def test_a_server_inside_is_not_even_connected_to(receiver_inside: Receiver) -> None:
    assert isinstance(await outcome(f"https://127.0.0.1:{receiver_inside.port}/", CLOSED), Rejected)
    assert not receiver_inside.requests


async def test_plain_http_is_refused() -> None:
    found = await outcome("http://example.org/", CLOSED)
    assert isinstance(found, Rejected) and found.reason == "Webhooks are sent over https only."


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
def test_the_internet_is_open(address: str) -> None:
    assert is_public(ip_address(address))


async def test_a_name_of_which_one_address_is_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS answers with a public address and an inner one: whichever is connected to later, it is not ours to try."""
    async def answers(*_: object, **__: object) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answers, raising=False)
    with pytest.raises(Rejected, match="private network"):
        await resolve("rebinding.example.org", 443, private=False)


@pytest.fixture
async def receiver_inside() -> Any:
    async with http_receiver() as receiver:
        yield receiver


def test_attempts_are_spread_over_days() -> None:
    waits = WebhookChannel.waits
    assert waits[:3] == (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30))
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=4)
