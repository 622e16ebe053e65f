"""The channel "webhook": events as CloudEvents by HTTP POST, signed, and never into a private network [7]."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version

import httpx
import orjson

from server.channel import (
    CONTRACT,
    Channel,
    Endpoint,
    Gone,
    Message,
    NotSent,
    Reaches,
    Rejected,
    Send,
    TryLater,
    Unreachable,
)
from server.notifications.channels.networks import resolve
from server.notifications.channels.signing import signed
from server.settings import Settings

EXCERPT = 300
"""Bytes of an answer that are read and kept."""
GONE = 410
BUSY = (429, 503)


class WebhookChannel(Channel):
    """One client for a batch. The secret is in the signature only; redirects are refused, proxies of the environment
    are not used, and the connection goes to the address that was checked."""

    contract = CONTRACT
    label = "Webhook"
    reaches = Reaches.SYSTEMS
    lanes = 16
    waits = (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *(
        timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)
    ))

    def __init__(self, settings: Settings) -> None:
        self._private = settings.webhook_private_targets
        self._seconds = settings.webhook_timeout_seconds
        self._sealed = bool(settings.secret_keys)
        self._tls = ssl.create_default_context()

    def target(self) -> str:
        private = ", also in private networks" if self._private else ""
        open_ = "" if self._sealed else "; secrets are not encrypted, since SAMVERKAN_SECRET_KEYS is not set"
        return f"the endpoints that administrators name{private}{open_}"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Send]:
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=self._seconds) as client:
            async def send(message: Message) -> int:
                return await self._post(client, message)

            yield send

    async def _post(self, client: httpx.AsyncClient, message: Message) -> int:
        if not isinstance(message.to, Endpoint):
            raise TypeError("webhooks go to endpoints")
        body = orjson.dumps(message.event)
        headers = signed(message.to.secret, message.id, datetime.now(UTC), body)
        try:
            async with asyncio.timeout(self._seconds):
                request = await self._request(client, httpx.URL(message.to.url), body, headers)
                return await _answer_to(client, request)
        except httpx.InvalidURL:
            raise Rejected("The address is not one.") from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(f"No connection: {error}"[:EXCERPT]) from error
        except (httpx.HTTPError, TimeoutError) as error:
            reason = f"No answer within {self._seconds:g} seconds" if isinstance(error, TimeoutError) else str(error)
            raise TryLater(f"{type(error).__name__}: {reason}"[:EXCERPT]) from error

    async def _request(
        self, client: httpx.AsyncClient, url: httpx.URL, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Request:
        """A request to the address that the host has now; its certificate must be that of the host."""
        if not self._private and url.scheme != "https":
            raise Rejected("Webhooks are sent over https only.")
        address = await resolve(url.host, url.port or (443 if url.scheme == "https" else 80), private=self._private)
        return client.build_request(
            "POST", url.copy_with(host=address), content=body, extensions={"sni_hostname": url.host},
            headers={**headers, "host": url.netloc.decode(), "content-type": "application/cloudevents+json",
                     "user-agent": f"samverkan/{version('samverkan')}"},
        )


async def _answer_to(client: httpx.AsyncClient, request: httpx.Request) -> int:
    """The status of a success; NotSent with the status and the beginning of the answer otherwise."""
    response = await client.send(request, stream=True, follow_redirects=False)
    try:
        if response.is_success:
            return response.status_code
        raise _verdict(response, await _beginning(response))
    finally:
        await response.aclose()


def _verdict(response: httpx.Response, said: str) -> NotSent:
    status = response.status_code
    if status == GONE:
        return Gone("410: the endpoint is gone", status)
    if 300 <= status <= 399:
        return TryLater(f"{status}: redirects are not followed", status)
    asked = _asked(response.headers.get("retry-after", "")) if status in BUSY else timedelta()
    return TryLater(f"{status}: {said}".rstrip(": "), status, asked)


def _asked(retry_after: str) -> timedelta:
    """What Retry-After says in seconds or with a date (RFC 9110, 10.2.3); nothing when it is neither."""
    if retry_after.isdecimal():
        return timedelta(seconds=min(float(retry_after), 1e9))
    try:
        return parsedate_to_datetime(retry_after) - datetime.now(UTC)
    except (TypeError, ValueError):
        return timedelta()


async def _beginning(response: httpx.Response) -> str:
    async for chunk in response.aiter_raw(EXCERPT):
        return " ".join(chunk.decode(errors="replace").split())
    return ""
