"""What administrators do with webhooks: who is told of what, secrets, replays [7]."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import httpx
import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain.base import new_id
from server.domain.field_rules import Rule, assign_fields, flag, text
from server.domain.network import Entity
from server.domain.notification import Dispatch, DispatchStatus, Webhook
from server.domain.record import Event, SubjectKind
from server.errors import NotFound, Problem, refuse, refuse_any
from server.jobs.enqueue import JobKind, enqueue
from server.notifications.channels.networks import is_public
from server.notifications.channels.sealing import SecretUnreadable, resealed, sealed
from server.notifications.channels.signing import new_secret
from server.services.loading import check_revision
from server.services.network import check_exist
from server.services.work import Work

CHANNEL = "webhook"
RULES: dict[str, Rule] = {"label": text(200, required=True), "url": text(2_000, required=True), "active": flag}
FILTERS = ("kinds", "types", "entity_ids")
log = structlog.get_logger(__name__)


class Webhooks:
    """Fields: label, url, active, kinds, types, entity_ids (lists; an empty one means all)."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, fields: Mapping[str, Any]) -> Webhook:
        """The only answer that holds the secret."""
        self.work.require_admin("create webhooks")
        webhook = Webhook(
            id=new_id(), label="", url="", secret=self._new_secret(), filter={}, active=True,
            created_by_id=self.work.caller.id,
        )
        return await self._save(webhook, fields, "CREATE")

    async def update(self, webhook_id: UUID, revision: int, fields: Mapping[str, Any]) -> Webhook:
        return await self._save(await self._load(webhook_id, revision), fields, "EDIT")

    async def deactivate(self, webhook_id: UUID, revision: int) -> Webhook:
        """It is told of nothing any more, and what waits for it is canceled; its deliveries can still be read."""
        return await self._save(await self._load(webhook_id, revision), {"active": False}, "DEACTIVATE")

    async def rotate(self, webhook_id: UUID, revision: int) -> Webhook:
        """A new secret, which signs from now on."""
        webhook = await self._load(webhook_id, revision)
        webhook.secret = self._new_secret()
        await self.work.record(SubjectKind.WEBHOOK, webhook, "ROTATE_SECRET", after={"secret": "changed"})
        return webhook

    async def replay(self, webhook_id: UUID, event_id: str) -> Dispatch:
        """Sends an event again, or for the first time if the filter kept it back."""
        self.work.require_admin("replay webhooks")
        webhook = await find_webhook(self.work.session, webhook_id)
        if not webhook.active:
            raise refuse("INACTIVE", f"The webhook {webhook.label} is not active: activate it first.", "id")
        event = await self._event(event_id)
        dispatch = await self.work.session.scalar(
            select(Dispatch).where(Dispatch.webhook_id == webhook.id, Dispatch.event_id == event).with_for_update()
        )
        if dispatch is None:
            dispatch = Dispatch(id=new_id(), channel=CHANNEL, webhook_id=webhook.id, event_id=event,
                                created_at=self.work.now)
            self.work.session.add(dispatch)
        dispatch.status, dispatch.attempts, dispatch.due_at = DispatchStatus.PENDING, 0, self.work.now
        dispatch.sent_at = dispatch.claimed_by = None
        await self.work.session.flush()
        enqueue(self.work.session, JobKind.SEND)
        return dispatch

    def _new_secret(self) -> str:
        return sealed(new_secret(), self.work.settings.secret_keys)

    async def _event(self, event_id: str) -> UUID:
        try:
            found = await self.work.session.scalar(select(Event.id).where(Event.id == UUID(event_id)))
        except ValueError:
            found = None
        if found is None:
            raise refuse("NOT_FOUND", "There is no such event; give the id of a CloudEvent.", "event")
        return found

    async def _load(self, webhook_id: UUID, revision: int) -> Webhook:
        self.work.require_admin("change webhooks")
        webhook = await find_webhook(self.work.session, webhook_id)
        await check_revision(self.work, webhook, revision, f"webhook {webhook.label}")
        return webhook

    async def _save(self, webhook: Webhook, fields: Mapping[str, Any], action: str) -> Webhook:
        problems = list(assign_fields(webhook, RULES, fields))
        if "url" in fields and not problems:
            problems += check_url(webhook.url, private=self.work.settings.webhook_private_targets)
        problems += [
            Problem("TYPE_NOT_INSTALLED", f"The campaign type {name} is not installed.", ("types", str(place)))
            for place, name in enumerate(fields.get("types") or ()) if self.work.types.get(name) is None
        ]
        entities = fields.get("entity_ids") or ()
        refuse_any(problems + await check_exist(self.work, Entity, entities, "entity_ids", "entity"))
        given = {name: [str(each) for each in fields[name] or ()] for name in FILTERS if name in fields}
        webhook.filter = {**webhook.filter, **given}
        if webhook.paused_until:  # for the endpoint as it was; it says so again if it wants to
            webhook.paused_until = None
            enqueue(self.work.session, JobKind.SEND)
        await self.work.record(SubjectKind.WEBHOOK, webhook, action)
        return webhook


async def seal_secrets(session: AsyncSession, keys: str) -> None:
    """Has the first key encrypt all secrets: those that stand there as they are, and those of a former key."""
    rows = await session.execute(select(Webhook.id, Webhook.secret).order_by(Webhook.id).with_for_update())
    for id, stored in rows.all():
        try:
            secret = resealed(stored, keys)
        except SecretUnreadable as error:
            log.error("secret_unreadable", webhook=str(id), reason=error.reason)
            continue
        if secret != stored:
            await session.execute(
                update(Webhook).where(Webhook.id == id).values(secret=secret)
                .execution_options(synchronize_session=False)
            )


async def find_webhook(session: AsyncSession, webhook_id: UUID) -> Webhook:
    webhook: Webhook | None = await session.get(Webhook, webhook_id)
    if webhook is None:
        raise NotFound("There is no such webhook.")
    return webhook


def check_url(url: str, *, private: bool) -> Iterator[Problem]:
    """What can be known of a URL before it is used; where its name leads to is checked at every delivery."""
    try:
        parsed = httpx.URL(url)
        known = parsed.scheme in ("http", "https") and bool(parsed.host)
    except httpx.InvalidURL:
        known = False
    if not known:
        yield Problem("URL", "Give the whole address, such as https://hooks.example.org/samverkan.", ("url",))
        return
    if parsed.scheme != "https" and not private:
        yield Problem("URL", "Webhooks are sent over https only.", ("url",))
    if parsed.userinfo:
        yield Problem("URL", "Put no login into the address; the signature proves who sends.", ("url",))
    if not private and _is_inside(parsed.host):
        yield Problem("PRIVATE_TARGET", "Webhooks may not go to private networks.", ("url",))


def _is_inside(host: str) -> bool:
    try:
        return not is_public(ip_address(host))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
