"""An installation's own texts of messages: saved when they work, with every fault at once, tried out, deleted [7]."""

from typing import Any

import pytest

from server.database import Database
from server.domain.base import new_id
from server.domain.network import Operator, Right
from server.domain.notification import MessageTemplate
from server.domain.record import EventKind, History
from server.errors import NotAllowed, NotFound, Refused
from server.notifications.links import Links
from server.notifications.wording.facts import Facts
from server.notifications.wording.own_templates import MessageTemplates, Preview, template_faults
from server.notifications.wording.samples import sample_facts
from server.notifications.wording.wordings import shipped
from server.plugins import CampaignTypes
from server.services.work import Work
from server.settings import Settings
from tests.builders import NOW, an_operator, caller_of, given
from tests.notifications.test_delivering import all_of
from tests.notifications.test_rendering import Stage

K = EventKind


class Desk:
    """An administrator at work on texts."""

    def __init__(self, database: Database, types: CampaignTypes, settings: Settings, who: Operator) -> None:
        self.database, self.types, self.settings, self.who = database, types, settings, who

    async def do(self, name: str, *arguments: Any) -> Any:
        async with self.database.transaction() as session:
            work = Work(session, caller_of(self.who), NOW, self.types, self.settings)
            return await getattr(MessageTemplates(work), name)(*arguments)

    async def faults(self, **parts: str) -> list[tuple[str, str, tuple[str, ...]]]:
        locale = parts.pop("locale", "en")
        with pytest.raises(Refused) as refused:
            await self.do("save", K.ORDER_REJECTED, locale, parts)
        return [(each.code, each.message, each.path) for each in refused.value.problems]


@pytest.fixture
async def desk(database: Database, types: CampaignTypes, settings: Settings) -> Desk:
    admin = an_operator(Right.ADMIN)
    await given(database, admin)
    return Desk(database, types, settings, admin)


async def test_an_own_text_is_saved_changed_and_deleted_with_its_history(desk: Desk) -> None:
    saved = await desk.do("save", K.ORDER_REJECTED, "sv", {"text": "Nej: {{ comment }}"})
    changed = await desk.do("save", K.ORDER_REJECTED, "sv", {"subject": "Nej", "html": "<p>Nej</p>"}, saved.revision)
    assert (changed.id, changed.subject, changed.text, changed.html) == (saved.id, "Nej", "", "<p>Nej</p>")
    await desk.do("delete", saved.id, changed.revision)
    assert await all_of(desk.database, MessageTemplate) == []
    entries = await all_of(desk.database, History)
    assert [(each.action, each.subject_code) for each in entries] == [
        (action, "ORDER_REJECTED/sv") for action in ("CREATE", "EDIT", "DELETE")
    ]
    assert entries[1].before["text"] == "Nej: {{ comment }}"


async def test_a_text_that_somebody_else_changed_is_read_again_first(desk: Desk) -> None:
    await desk.do("save", K.ORDER_REJECTED, "sv", {"subject": "Nej"})
    with pytest.raises(Refused, match="you read revision 0"):
        await desk.do("save", K.ORDER_REJECTED, "sv", {"subject": "Tyvärr"})


@pytest.mark.parametrize("right", [Right.CENTRAL, Right.LOCAL])
@pytest.mark.parametrize(("act", "arguments"), [
    ("save", (K.ORDER_REJECTED, "sv", {"subject": "Nej"})), ("delete", (new_id(), 1)),
    ("preview", (K.ORDER_REJECTED, "sv", {})),
])
async def test_texts_are_the_business_of_administrators(
    desk: Desk, right: Right, act: str, arguments: tuple[Any, ...]
) -> None:
    desk.who = an_operator(right)
    with pytest.raises(NotAllowed):
        await desk.do(act, *arguments)


async def test_what_is_not_there_cannot_be_deleted(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.do("delete", new_id(), 1)


# a template, and what is said about it
@pytest.mark.parametrize(("source", "fault"), [
    ("one\n{% if comment %}", "Line 2: Unexpected end of template"),
    ("{{ comment", "Line 1:"),
    ("{{ colour }}", "There is no variable colour."),
    ("{{ comment|urlize }}", "No filter named 'urlize'"),
    ("{{ order.price }}", "'price'"),
    ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ("{{ order.__init__.__globals__ }}", "unsafe"),
    ("{{ 'x' * 1000000000 }}", "operator *"),
    ("{% for i in range(10) %}{% endfor %}", "There is no variable range."),
    ("{% include '../../settings.py' %}", "settings.py"),
    ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "recursion"),
    ("{{ comment + 1 }}", "str"),
    ("{% if not comment %}{{ order.nothing }}{% endif %}", "nothing"),  # it must bear what is empty as well
])
@pytest.mark.parametrize("part", ["text", "html"])
def test_a_text_that_does_not_work_is_refused(part: str, source: str, fault: str) -> None:
    sample = sample_facts(K.ORDER_REJECTED, "en", Links(Settings()), Settings().zone)
    [found] = template_faults(part, source, (sample, Facts()))
    assert fault in found


async def test_all_faults_are_told_at_once(desk: Desk) -> None:
    found = await desk.faults(
        locale="svenska!", subject="[No]", text="{{ colour }} {{ size }}", html="{% endif %}" + "x" * 100_000
    )
    assert [(code, path) for code, _, path in found] == [
        ("INVALID", ("locale",)), ("INVALID", ("subject",)), ("TEMPLATE", ("text",)), ("TEMPLATE", ("text",)),
        ("TOO_LONG", ("html",)),
    ]


async def test_an_own_text_has_a_part_of_its_own(desk: Desk) -> None:
    assert [code for code, _, _ in await desk.faults()] == ["REQUIRED"]


@pytest.mark.parametrize("language", ["en", "sv"])
async def test_what_ships_can_be_taken_over_as_it_is(desk: Desk, language: str) -> None:
    for kind in EventKind:
        ships = shipped(kind, language)
        await desk.do("save", kind, language, {"text": ships.text, "html": ships.html})


async def test_a_preview_shows_the_message_and_saves_nothing(desk: Desk) -> None:
    seen: Preview = await desk.do(
        "preview", K.ORDER_REJECTED, "sv", {"subject": "Nej", "text": "Kommentar: {{ comment }}"}
    )
    assert (seen.subject, seen.problems) == ("[Nej] Spring sale (CAT12)", ())
    assert seen.text.startswith("Kommentar: Please look at the prices.")
    assert "har avslagits" in seen.html  # a part that is not given is as it ships
    assert await all_of(desk.database, MessageTemplate) == []


async def test_a_preview_can_show_a_real_event(desk: Desk) -> None:
    stage = Stage()
    stage.told(K.ORDER_REJECTED, stage.manager, payload={"comment": "Before"})
    stage.told(K.ORDER_REJECTED, stage.manager, payload={"comment": "No stock"})
    await given(desk.database, *stage.rows())
    seen: Preview = await desk.do("preview", K.ORDER_REJECTED, "en", {}, stage.package.id)
    assert stage.order.code in seen.subject
    assert "No stock" in seen.text
    with pytest.raises(Refused, match="no ORDER_CANCELED about this package"):
        await desk.do("preview", K.ORDER_CANCELED, "en", {}, stage.package.id)
