"""Deadlines as a calendar for whoever has its address: GET /calendar/{token}.ics.

The token stands in the path: nothing here, and nothing around it, may write the path of a request anywhere.
"""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.domain.network import Operator
from server.domain.notification import CalendarFeed
from server.graphql.limits.rates import RateLimitedError, Rates
from server.graphql.transport.replies import has
from server.graphql.transport.streams import ContextFactory
from server.notifications.calendar import calendar
from server.reads.deadlines import deadlines
from server.reads.visibility import Caller
from server.services.calendar_feeds import fingerprint

COST = 500
"""What a calendar takes from the bucket of its reader's address: about what so many rows cost."""


def calendar_endpoint(context_of: ContextFactory, rates: Rates) -> Callable[[Request], Awaitable[Response]]:
    """An unknown address, one that was revoked and one of an inactive operator are answered alike, after the same
    statement. What is shown is what the operator may see now [2.3]."""

    async def endpoint(request: Request) -> Response:
        context = await context_of(request)
        try:
            await rates.spend(context, COST)
        except RateLimitedError as limited:
            return PlainTextResponse(limited.errors[0]["message"], 429, dict(limited.headers))
        async with context.database.reading() as session:
            found = (await session.execute(_holder(request.path_params["token"]))).one_or_none()
            if found is None:
                return PlainTextResponse("There is no such calendar.", 404, {"cache-control": "no-store"})
            since, locale, *caller = found
            listed = await deadlines(session, Caller(*caller), context.now)
        body = await asyncio.to_thread(calendar, listed, locale, context.settings)
        changed = max((each.modified_at for each in listed), default=since)
        return _answer(request, body, format_datetime(changed.replace(microsecond=0), usegmt=True))

    return endpoint


def _holder(token: str) -> Any:
    """The active operator whom the address belongs to: when it was made, their locale, id and right."""
    return (
        select(CalendarFeed.created_at, Operator.locale, Operator.id, Operator.right)
        .join(Operator, Operator.id == CalendarFeed.operator_id)
        .where(CalendarFeed.token_hash == fingerprint(token), CalendarFeed.revoked_at.is_(None), Operator.active)
    )


def _answer(request: Request, body: bytes, changed: str) -> Response:
    """Only the tag saves sending it again: a deadline that is gone leaves no later moment behind."""
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = {"etag": tag, "last-modified": changed, "cache-control": "private, no-cache"}
    if has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/calendar", headers=headers)
