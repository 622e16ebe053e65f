"""The values of an order against its form and its type: on every write, all errors at once, each at its path [6.7]."""

from typing import Any

import pytest

from server.domain.campaign import Campaign
from server.domain.order import Order
from server.errors import Problem
from server.services.orders import Orders
from tests.plugins.every_hook import EveryHook
from tests.services.conftest import World

FORM: list[dict[str, Any]] = [
    {"name": "headline", "label": "Headline", "kind": "TEXT", "required": True, "max_length": 10},
    {"name": "discount", "label": "Discount", "kind": "INTEGER", "minimum": 0, "maximum": 50, "default": 10},
    {"name": "story", "label": "Story", "kind": "RICH_TEXT"},
    {"name": "shop", "label": "Shop", "kind": "CHOICE", "choices": [
        {"value": "main", "label": "Main street"}, {"value": "mall", "label": "Mall"},
    ]},
    {"name": "price", "label": "Price", "kind": "INTEGER", "default": 12, "editable": False},
]
WRONG = {"headline": "far too long a headline", "discount": 51, "shop": "pier", "price": 13, "colour": "red"}
BROKEN = {
    ("MAX_LENGTH", ("parameters", "headline")), ("MAXIMUM", ("parameters", "discount")),
    ("CHOICE", ("parameters", "shop")), ("NOT_EDITABLE", ("parameters", "price")),
    ("UNKNOWN_FIELD", ("parameters", "colour")),
}


def broken(problems: tuple[Problem, ...]) -> set[tuple[str, tuple[str, ...]]]:
    return {(problem.code, problem.path) for problem in problems}


async def a_draft(world: World, **parameters: Any) -> Order:
    package = await world.published("by_form", campaign={"form": FORM})
    return await world.draft(package, parameters=parameters)


async def change(world: World, order: Order, parameters: Any) -> Order:
    return await world.do(
        world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, {"parameters": parameters})
    )


async def test_a_new_order_names_every_wrong_value(world: World) -> None:
    package = await world.published("by_form", campaign={"form": FORM})
    problems = await world.refused(
        world.paris_manager, lambda w: Orders(w).create(package.id, world.paris.id, {"parameters": WRONG})
    )
    assert broken(problems) == BROKEN


async def test_a_change_names_every_wrong_value(world: World) -> None:
    draft = await a_draft(world)
    problems = await world.refused(
        world.paris_manager, lambda w: Orders(w).update(draft.id, draft.revision, {"parameters": WRONG})
    )
    assert broken(problems) == BROKEN


async def test_a_draft_may_miss_what_is_required_and_a_submitted_order_may_not(world: World) -> None:
    draft = await a_draft(world)
    [problem] = await world.refused(world.paris_manager, lambda w: Orders(w).submit(draft.id, draft.revision))
    assert (problem.code, problem.path) == ("REQUIRED", ("parameters", "headline"))
    assert "Headline" in problem.message


async def test_a_submitted_order_stays_complete_when_it_is_changed(world: World) -> None:
    draft = await a_draft(world, headline="Spring")
    order = await world.do(world.paris_manager, lambda w: Orders(w).submit(draft.id, draft.revision))
    problems = await world.refused(world.paris_manager, lambda w: Orders(w).update(
        order.id, order.revision, {"parameters": {"discount": -1}, "label": "x" * 201}
    ))
    assert broken(problems) == {
        ("REQUIRED", ("parameters", "headline")), ("MINIMUM", ("parameters", "discount")), ("TOO_LONG", ("label",))
    }


@pytest.mark.parametrize(("given", "kept"), [
    ({"headline": "Spring"}, {"headline": "Spring", "discount": 10, "price": 12}),  # absent: the default
    ({"headline": "Spring", "discount": None}, {"headline": "Spring", "price": 12}),  # null: no value at all
    ({"headline": "Spring", "price": 12}, {"headline": "Spring", "discount": 10, "price": 12}),  # as it is anyway
    (None, {"discount": 10, "price": 12}),
])
async def test_the_values_given_replace_those_there_were(
    world: World, given: dict[str, Any] | None, kept: dict[str, Any]
) -> None:
    draft = await a_draft(world, headline="Old", discount=5)
    assert (await change(world, draft, given)).parameters == kept


async def test_a_change_of_something_else_leaves_the_values_alone(world: World) -> None:
    draft = await a_draft(world, headline="Spring", discount=None)
    changed = await world.do(
        world.paris_manager, lambda w: Orders(w).update(draft.id, draft.revision, {"comment": "soon"})
    )
    assert changed.parameters == {"headline": "Spring", "price": 12}


async def test_rich_texts_are_made_safe(world: World) -> None:
    script = "<p>Hi</p><script>alert(1)</script>"
    draft = await a_draft(world, story=script)
    changed = await change(world, draft, {"story": script + "<b onclick='x()'>!</b>"})
    assert (draft.parameters["story"], changed.parameters["story"]) == ("<p>Hi</p>", "<p>Hi</p><b>!</b>")


@pytest.mark.parametrize("parameters", ["text", ["a"], 5])
async def test_values_come_by_the_name_of_their_field(world: World, parameters: Any) -> None:
    draft = await a_draft(world)
    problems = await world.refused(
        world.paris_manager, lambda w: Orders(w).update(draft.id, draft.revision, {"parameters": parameters})
    )
    assert ("TYPE", ("parameters",)) in broken(problems)


async def test_a_field_that_entities_cannot_change_keeps_its_value_whatever_the_campaigns_defaults_say(
    world: World,
) -> None:
    package = await world.published("by_form", campaign={"form": FORM, "default_values": {"discount": 20}})
    async with world.database.transaction() as session:  # a default that older versions of the form allowed
        (await session.get_one(Campaign, package.campaign_id)).default_values = {"discount": 20, "price": 1}
    draft = await world.draft(package, parameters={"headline": "Spring"})
    assert draft.parameters == {"headline": "Spring", "discount": 20, "price": 12}


class TestTheTypesOwnSay:
    """`check_order` of the campaign type, when the values fit the fields [6.7]."""

    async def an_order(self, world: World, slogan: str) -> tuple[World, Order]:
        world = await world.with_type(EveryHook)
        return world, await world.draft(await world.published("every_hook"), parameters={"slogan": slogan})

    async def test_it_keeps_an_order_from_being_submitted(self, world: World) -> None:
        world, draft = await self.an_order(world, "forbidden")
        [problem] = await world.refused(world.paris_manager, lambda w: Orders(w).submit(draft.id, draft.revision))
        assert (problem.code, problem.path) == ("SLOGAN", ("parameters", "slogan"))

    async def test_and_a_submitted_one_from_being_changed(self, world: World) -> None:
        world, draft = await self.an_order(world, "Hello")
        order = await world.do(world.paris_manager, lambda w: Orders(w).submit(draft.id, draft.revision))
        values = {"parameters": {"slogan": "forbidden"}}
        problems = await world.refused(
            world.paris_manager, lambda w: Orders(w).update(order.id, order.revision, values)
        )
        assert broken(problems) == {("SLOGAN", ("parameters", "slogan"))}

    async def test_a_draft_is_still_free(self, world: World) -> None:
        _, draft = await self.an_order(world, "forbidden")
        assert draft.parameters["slogan"] == "forbidden"

    async def test_a_hook_cannot_change_the_values_that_it_sees(self, world: World) -> None:
        class Writing(EveryHook):
            def check_order(self, package: Any, order: Any) -> Any:
                order.parameters["slogan"] = "mine"
                return ()

        world = await world.with_type(Writing)
        draft = await world.draft(await world.published("every_hook"), parameters={"slogan": "yours"})
        order = await world.do(world.paris_manager, lambda w: Orders(w).submit(draft.id, draft.revision))
        assert order.parameters["slogan"] == "yours"
