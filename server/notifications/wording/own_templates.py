"""An installation's own texts of messages, for administrators: saved when they work, tried out, deleted again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from server.domain.base import new_id
from server.domain.network_rules import locale as check_locale
from server.domain.notification import MessageTemplate, Notification
from server.domain.record import Event, EventKind, SubjectKind
from server.errors import NotFound, Problem, refuse, refuse_any
from server.notifications.wording.facts import Facts
from server.notifications.wording.gathering import gather
from server.notifications.wording.rendering import Renderer, dress
from server.notifications.wording.samples import CODE, LABEL, sample_facts
from server.notifications.wording.sandbox import faults_of, run
from server.notifications.wording.wordings import language_of, merged, subject_line
from server.reads.visibility import visible_message_templates
from server.services.loading import check_revision
from server.services.work import Work

LONGEST = {"subject": 60, "text": 20_000, "html": 100_000}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a message would look like; empty beside the problems of a template that does not work."""

    subject: str = ""
    text: str = ""
    html: str = ""
    problems: tuple[Problem, ...] = ()


class MessageTemplates:
    """A text of one's own for a kind of message and a locale. What is left empty of it is as it ships."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def save(self, kind: EventKind, locale: str, parts: dict[str, str], revision: int = 0) -> MessageTemplate:
        """Makes it, or changes the one of this kind and locale in the `revision` that was read; 0: there is none."""
        self.work.require_admin("change the texts of messages")
        if not any(parts.get(name) for name in LONGEST):
            raise refuse("REQUIRED", "Give at least one part of your own.", "text")
        refuse_any(_faults(locale, parts, self._samples(kind, locale)))
        found: MessageTemplate | None = await self.work.session.scalar(
            select(MessageTemplate).where(MessageTemplate.kind == kind, MessageTemplate.locale == locale)
            .with_for_update()
        )
        if found:
            await check_revision(self.work, found, revision, f"template of {found.code}")
        template = found or MessageTemplate(id=new_id(), kind=kind, locale=locale)
        for name in LONGEST:
            setattr(template, name, parts.get(name) or "")
        await self.work.record(SubjectKind.MESSAGE_TEMPLATE, template, "EDIT" if found else "CREATE")
        return template

    async def delete(self, template_id: UUID, revision: int) -> None:
        """Messages are as they ship again."""
        self.work.require_admin("change the texts of messages")
        template = await self.work.session.scalar(
            select(MessageTemplate)
            .where(MessageTemplate.id == template_id, visible_message_templates(self.work.caller)).with_for_update()
        )
        if template is None:
            raise NotFound("There is no such message template.")
        await check_revision(self.work, template, revision, f"template of {template.code}")
        gone = {name: getattr(template, name) for name in ("kind", "locale", *LONGEST)}
        await self.work.record(SubjectKind.MESSAGE_TEMPLATE, template, "DELETE", before=gone)
        await self.work.session.delete(template)
        await self.work.session.flush()

    async def preview(
        self, kind: EventKind, locale: str, parts: dict[str, str], package_id: UUID | None = None
    ) -> Preview:
        """With invented facts, or with those of the newest event of the kind about a package."""
        self.work.require_admin("try out the texts of messages")
        if problems := tuple(_faults(locale, parts, self._samples(kind, locale))):
            return Preview(problems=problems)
        wording = merged(parts.get("subject", ""), parts.get("text", ""), parts.get("html", ""), kind,
                         language_of(locale))
        subject, facts = subject_line(wording.subject, LABEL, CODE), self._sample(kind, locale)
        if package_id:
            subject, facts = await self._real(kind, package_id, wording.subject, wording.language)
        return Preview(subject, *dress(wording, subject, facts))

    async def _real(self, kind: EventKind, package_id: UUID, word: str, language: str) -> tuple[str, Facts]:
        session = self.work.session
        event = await session.scalar(
            select(Event).where(Event.kind == kind, Event.package_id == package_id).order_by(Event.id.desc()).limit(1)
        )
        if event is None:
            raise refuse("NOT_FOUND", f"There has been no {kind} about this package yet.", "package_id")
        told = Notification(
            id=new_id(), event_id=event.id, operator_id=self.work.caller.id, kind=kind, at=event.at,
            package_id=event.package_id, entity_id=event.entity_id,
        )
        renderer = Renderer(self.work.types, self.work.settings)
        facts = renderer.facts(told, await gather(session, [told], self.work.types, self.work.settings), language)
        about = facts.campaign if kind is EventKind.CAMPAIGN_AVAILABLE else facts.order or facts.package
        return subject_line(word, about.label, about.code), facts

    def _sample(self, kind: EventKind, locale: str) -> Facts:
        renderer = Renderer(self.work.types, self.work.settings)
        return sample_facts(kind, language_of(locale), renderer.links, self.work.settings.zone)

    def _samples(self, kind: EventKind, locale: str) -> tuple[Facts, ...]:
        """A full one, and one in which everything is missing."""
        return self._sample(kind, locale), Facts()


def _faults(locale: str, parts: dict[str, str], samples: Iterable[Facts]) -> Iterator[Problem]:
    """Everything that is wrong with it, at once."""
    if fault := check_locale(locale):
        yield Problem("INVALID", fault, ("locale",))
    if any(letter in "[]\r\n" for letter in parts.get("subject", "")):
        yield Problem("INVALID", "The subject is the word in the brackets: one line without brackets.", ("subject",))
    for name, longest in LONGEST.items():
        if (size := len(parts.get(name, ""))) > longest:
            yield Problem("TOO_LONG", f"It has {size} characters; at most {longest} are possible.", (name,))
        elif name != "subject":
            for fault in template_faults(name, parts.get(name, ""), samples):
                yield Problem("TEMPLATE", fault, (name,))


def template_faults(part: str, source: str, samples: Iterable[Facts]) -> Iterator[str]:
    """What is wrong with the template of one part: by itself, or when it is run on these samples."""
    faults = list(faults_of(part, source))
    for facts in () if faults else samples:
        try:
            run(part, source, facts)
        except Exception as error:  # whatever a template can provoke
            faults.append(f"{_said(error)}.")
    yield from dict.fromkeys(faults)


def _said(error: Exception) -> str:
    line: Any = next((frame.tb_lineno for frame in _frames(error) if frame.tb_frame.f_code.co_name == "root"), None)
    return f"Line {line}: {error}" if line else str(error)


def _frames(error: Exception) -> Iterator[Any]:
    """Jinja writes the lines of templates into the trace."""
    frame = error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename == "<template>":
            yield frame
        frame = frame.tb_next
