"""Forms: definitions are checked, drawn as JSON Schema with hints, and values are held to them [6.7, 9.2-9.4]."""

from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.campaign_type import Choice, Field, FieldKind
from server.contract_tests import EVERY_KIND, sample_value
from server.domain.form import (
    check_form,
    check_values,
    json_schema,
    of_stored,
    to_stored,
    ui_schema,
    with_defaults,
)

K = FieldKind
COLOURS = (Choice("r", "Red"), Choice("g", "Green"), Choice("b", "Blue"))
FORM = (
    Field("slogan", "Slogan", required=True, min_length=3, max_length=10),
    Field("zip", "Postal code", pattern="^[0-9]{5}$"),
    Field("price", "Price", K.NUMBER, minimum=1, maximum=99.5),
    Field("count", "Count", K.INTEGER, minimum=1, maximum=10, default=2),
    Field("open", "Open on Sunday", K.BOOLEAN),
    Field("day", "Day", K.DATE),
    Field("colour", "Colour", K.CHOICE, choices=COLOURS),
    Field("colours", "Colours", K.MULTIPLE_CHOICE, choices=COLOURS, min_length=2),
    Field("logo", "Logo", K.IMAGE),
    Field("email", "E-mail", K.EMAIL),
    Field("page", "Page", K.URL),
    Field("brand", "Brand", default="Acme", editable=False),
    Field("brief", "Brief", K.RICH_TEXT, max_length=100),
)


def codes(values: dict[str, Any], *fields: Field) -> list[tuple[str, tuple[str, ...]]]:
    return [(problem.code, problem.path[1:]) for problem in check_values(fields or FORM, values)]


def faults(*form: Any) -> list[tuple[str, tuple[str, ...]]]:
    return [(problem.code, problem.path) for problem in check_form(form)]


FITTING = [
    ("slogan", "abc"), ("slogan", "ÅÄÖ abc de"), ("zip", "75001"), ("zip", None), ("price", 1), ("price", 99.5),
    ("count", 10), ("count", 3.0), ("open", False), ("day", "2024-02-29"), ("day", None), ("colour", "r"),
    ("colours", ["r", "b"]), ("colours", None), ("logo", "https://example.org/a.png"), ("logo", f"Document:{7:032x}"),
    ("email", "a.b+c@example.org"), ("page", "http://example.org/?q=1#top"), ("brand", "Acme"), ("brief", "<p>x</p>"),
]


@pytest.mark.parametrize(("name", "value"), FITTING)
def test_a_value_that_fits_is_no_problem(name: str, value: Any) -> None:
    assert codes({"slogan": "abc", name: value}) == []


BREAKING = [
    ("slogan", None, "REQUIRED"), ("slogan", "", "REQUIRED"), ("slogan", "ab", "MIN_LENGTH"),
    ("slogan", "x" * 11, "MAX_LENGTH"), ("slogan", 5, "TYPE"), ("slogan", "a\0bc", "CHARACTERS"),
    ("zip", "7500", "PATTERN"), ("zip", "75001\n", "PATTERN"), ("zip", "\u0667\u0665\u0660\u0660\u0661", "PATTERN"),
    ("zip", "x" * 1001, "MAX_LENGTH"),
    ("price", 0.99, "MINIMUM"), ("price", 100, "MAXIMUM"), ("price", "5", "TYPE"), ("price", True, "TYPE"),
    ("price", float("nan"), "TYPE"), ("price", float("inf"), "TYPE"), ("price", 2**70, "TYPE"),
    ("count", 2.5, "TYPE"), ("count", 0, "MINIMUM"), ("open", "yes", "TYPE"), ("open", 1, "TYPE"),
    ("day", "2023-02-29", "FORMAT"), ("day", "0000-01-01", "FORMAT"), ("day", "20240229", "FORMAT"),
    ("day", "2024-02-29T00:00:00Z", "FORMAT"), ("day", "", "FORMAT"), ("day", 20240229, "TYPE"),
    ("colour", "x", "CHOICE"), ("colour", "Red", "CHOICE"), ("colour", 1, "TYPE"), ("colour", ["r"], "TYPE"),
    ("colours", "r", "TYPE"), ("colours", ["r"], "MIN_LENGTH"), ("colours", ["r", "r"], "UNIQUE"),
    ("colours", ["r", "g", "b", "r"], "MAX_LENGTH"), ("logo", "", "FORMAT"), ("logo", "data:image/png,x", "FORMAT"),
    ("logo", f"Order:{7:032x}", "FORMAT"),
    ("email", "a@b", "FORMAT"), ("email", "Anna <a@example.org>", "FORMAT"), ("email", "a\n@example.org", "FORMAT"),
    ("page", "javascript:alert(1)", "FORMAT"), ("page", "example.org", "FORMAT"), ("page", "https://a b", "FORMAT"),
    ("brand", "Other", "NOT_EDITABLE"), ("brief", "x" * 101, "MAX_LENGTH"), ("slogan", {"a": 1}, "TYPE"),
]


@pytest.mark.parametrize(("name", "value", "code"), BREAKING)
def test_a_wrong_value_is_a_problem_at_its_field(name: str, value: Any, code: str) -> None:
    assert (code, (name,)) in codes({"slogan": "abc", name: value})


def test_all_errors_come_back_at_once_in_the_order_of_the_form() -> None:  # [6.7]
    found = codes({"nonsense": 1, "day": "tomorrow", "colours": ["r", "x", "y"], "price": 0, "count": 0.5})
    assert found == [
        ("REQUIRED", ("slogan",)), ("MINIMUM", ("price",)), ("TYPE", ("count",)), ("MINIMUM", ("count",)),
        ("FORMAT", ("day",)), ("CHOICE", ("colours", "1")), ("CHOICE", ("colours", "2")),
        ("UNKNOWN_FIELD", ("nonsense",)),
    ]


MESSAGES = [
    ({}, "Slogan is required."),
    ({"slogan": "ab"}, "Slogan must have at least 3 characters."),
    ({"slogan": "abc", "price": 100}, "Price must be at most 99.5."),
    ({"slogan": "abc", "count": 0}, "Count must be at least 1."),
    ({"slogan": "abc", "count": "x"}, "Count must be a whole number."),
    ({"slogan": "abc", "zip": "x"}, "Postal code must match the pattern ^[0-9]{5}$."),
    ({"slogan": "abc", "day": "x"}, "Day must be a day of the calendar such as 2026-11-30."),
    ({"slogan": "abc", "colour": "x"}, "Colour must be one of Red (r), Green (g), Blue (b)."),
    ({"slogan": "abc", "colours": ["r", "x"]}, "Colours, option 2, must be one of Red (r), Green (g), Blue (b)."),
    ({"slogan": "abc", "colours": ["r"]}, "Colours must have at least 2 options."),
    ({"slogan": "abc", "brand": "x"}, "Brand cannot be changed; it is 'Acme'."),
    ({"slogan": "abc", "email": "x"}, "E-mail must be an e-mail address such as name@example.org."),
]


@pytest.mark.parametrize(("values", "message"), MESSAGES)
def test_a_message_names_the_label_and_the_limit(values: dict[str, Any], message: str) -> None:
    assert [problem.message for problem in check_values(FORM, values)] == [message]


def test_a_required_list_needs_an_option_and_a_required_answer_may_be_no() -> None:
    colours, answer = Field("c", "C", K.MULTIPLE_CHOICE, True, choices=COLOURS), Field("a", "A", K.BOOLEAN, True)
    assert codes({"c": [], "a": False}, colours, answer) == [("REQUIRED", ("c",))]


def test_values_are_limited_in_size_as_a_whole() -> None:
    texts = [Field(f"t{number}", "T", K.RICH_TEXT) for number in range(6)]
    assert codes({text.name: "x" * 100_000 for text in texts}, *texts) == [("TOO_LARGE", ())]


@pytest.mark.parametrize("value", ["\ud800", {1: 2}, object()])
def test_what_json_cannot_hold_is_a_problem_and_no_crash(value: Any) -> None:
    assert codes({"slogan": value}) == [("TYPE", ("slogan",))]


@pytest.mark.parametrize("values", [None, 5, "slogan", [["slogan", "abc"]]])
def test_values_are_an_object(values: Any) -> None:
    assert codes(values) == [("TYPE", ())]


def test_hostile_values_get_a_short_answer() -> None:
    many = tuple(Choice(f"v{number}", f"V{number}") for number in range(500))
    field = Field("m", "M", K.MULTIPLE_CHOICE, choices=many)
    assert len(check_values([field], {"m": [str(number) for number in range(50_000)]})) == 1
    assert len(check_values([field], {str(number): 1 for number in range(100_000)})) == 20
    assert codes({"p": "a" * 900 + "b"}, Field("p", "P", pattern="^(a+)+$")) == [("PATTERN", ("p",))]  # linear time


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(
    ["2024-02-29", "2023-02-29", "a@example.org", "https://example.org", "r", "x", "Acme", "abc", "75001", ""]
)


NAMES = st.sampled_from([field.name for field in FORM] + ["other"])


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(NAMES, ANY | st.lists(st.sampled_from(["r", "g", "x", 1]), max_size=4), max_size=3))
def test_the_server_accepts_nothing_that_the_served_schema_refuses(values: dict[str, Any]) -> None:  # [9.4]
    kept = {"slogan": "abc"} | {name: value for name, value in values.items() if value is not None}
    served = jsonschema_rs.validator_for(json_schema(FORM), validate_formats=True)
    assert check_values(FORM, kept) or served.is_valid(kept)


@pytest.mark.parametrize("field", EVERY_KIND, ids=lambda field: field.kind.value)
def test_a_sample_of_every_kind_fits_and_null_does_not_do_for_a_required_one(field: Field) -> None:  # [9.2]
    assert codes({field.name: sample_value(field)}, field) == []
    assert codes({field.name: None}, field) == [("REQUIRED", (field.name,))]
    assert codes({field.name: None}, replace(field, required=False)) == []


def test_new_orders_start_with_the_defaults() -> None:
    assert with_defaults(FORM, {"slogan": "abc"}) == {"slogan": "abc", "count": 2, "brand": "Acme"}


def test_null_takes_a_default_away() -> None:
    assert with_defaults(FORM, {"slogan": "abc", "count": None}) == {"slogan": "abc", "brand": "Acme"}


def test_a_default_is_not_shared_between_orders() -> None:
    field = Field("c", "C", K.MULTIPLE_CHOICE, default=["r"], choices=COLOURS)
    with_defaults([field], {})["c"].append("g")
    assert with_defaults([field], {}) == {"c": ["r"]}


def test_rich_texts_are_stored_as_safe_html_and_others_as_they_are() -> None:
    html = '<p onclick="x()">Hi<script>x()</script></p>'
    fields = [Field("rich", "R", K.RICH_TEXT), Field("plain", "P", K.LONG_TEXT)]
    assert with_defaults(fields, {"rich": html, "plain": html}) == {"rich": "<p>Hi</p>", "plain": html}


def test_a_form_survives_being_stored() -> None:
    fields = (*FORM, *EVERY_KIND)
    assert of_stored(to_stored(fields)) == fields
    assert check_form(to_stored(FORM)) == []


TOO_LONG = ("LIMITS", ("min_length",))
DEFINITIONS: list[tuple[dict[str, Any], str, tuple[str, ...]]] = [
    ({"name": None}, "REQUIRED", ("name",)),
    ({"name": "two words"}, "NAME", ("name",)),
    ({"name": "_hidden"}, "NAME", ("name",)),
    ({"name": "x" * 64}, "NAME", ("name",)),
    ({"name": 5}, "TYPE", ("name",)),
    ({"label": ""}, "MIN_LENGTH", ("label",)),
    ({"label": "a\0b"}, "PATTERN", ("label",)),
    ({"kind": "COLOUR"}, "CHOICE", ("kind",)),
    ({"colour": "red"}, "UNKNOWN_FIELD", ("colour",)),
    ({"required": "yes"}, "TYPE", ("required",)),
    ({"minimum": "1", "kind": "NUMBER"}, "TYPE", ("minimum",)),
    ({"minimum": 2, "maximum": 1, "kind": "NUMBER"}, "LIMITS", ("minimum",)),
    ({"maximum": 2**60, "kind": "NUMBER"}, "MAXIMUM", ("maximum",)),
    ({"min_length": 2, "max_length": 1}, "LIMITS", ("min_length",)),
    ({"min_length": -1}, "MINIMUM", ("min_length",)),
    ({"max_length": 5_000}, "LIMITS", ("max_length",)),
    ({"max_length": 0, "required": True}, "LIMITS", ("max_length",)),
    ({"minimum": 1}, "NOT_APPLICABLE", ("minimum",)),
    ({"max_length": 1, "kind": "DATE"}, "NOT_APPLICABLE", ("max_length",)),
    ({"choices": [{"value": "r", "label": "Red"}]}, "NOT_APPLICABLE", ("choices",)),
    ({"pattern": "["}, "PATTERN", ("pattern",)),
    ({"pattern": "(?=x)"}, "PATTERN", ("pattern",)),
    ({"pattern": "x", "kind": "URL"}, "NOT_APPLICABLE", ("pattern",)),
    ({"kind": "CHOICE"}, "REQUIRED", ("choices",)),
    ({"kind": "CHOICE", "choices": [{"value": "r"}]}, "REQUIRED", ("choices", "0", "label")),
    ({"kind": "CHOICE", "choices": [{"value": "r", "label": "R"}] * 2}, "DUPLICATE", ("choices", "1", "value")),
    ({"kind": "MULTIPLE_CHOICE", "choices": [{"value": "r", "label": "R"}], "min_length": 2}, *TOO_LONG),
    ({"kind": "CHOICE", "choices": [{"value": "r", "label": "R"}], "default": "x"}, "CHOICE", ("default",)),
    ({"kind": "INTEGER", "default": "x"}, "TYPE", ("default",)),
    ({"kind": "DATE", "default": "2023-02-30"}, "FORMAT", ("default",)),
    ({"max_length": 2, "default": "abc"}, "MAX_LENGTH", ("default",)),
    ({"required": True, "editable": False}, "REQUIRED", ("default",)),
]


@pytest.mark.parametrize(("changes", "code", "path"), DEFINITIONS)
def test_a_fault_of_a_definition_is_found_at_its_place(changes: Any, code: str, path: tuple[str, ...]) -> None:
    sound = {"name": "first", "label": "First", "kind": "TEXT"}
    faulty = {"name": "second", "label": "Second", "kind": "TEXT"} | changes
    assert faults(sound, faulty) == [(code, ("form", "1", *path))]


def test_all_faults_of_a_form_come_back_at_once() -> None:
    first = {"name": "a", "label": "A", "kind": "CHOICE", "minimum": 1}
    second = {"name": "a", "label": "A", "kind": "NUMBER", "minimum": 2, "maximum": 1}
    assert faults(first, second) == [
        ("NOT_APPLICABLE", ("form", "0", "minimum")), ("REQUIRED", ("form", "0", "choices")),
        ("LIMITS", ("form", "1", "minimum")), ("DUPLICATE", ("form", "1", "name")),
    ]


def test_a_message_of_a_definition_names_the_field() -> None:
    [problem] = check_form([{"name": "price", "label": "Price", "kind": "NUMBER", "minimum": 2, "maximum": 1.5}])
    assert problem.message == "Field 1 (price): minimum 2 is above maximum 1.5; no value fits."


@pytest.mark.parametrize("form", [{}, "text", None, [5], [None], [[]], [{"name": "a", "label": "\ud800"}]])
def test_what_is_no_form_at_all_is_one_problem(form: Any) -> None:
    assert [(problem.code, problem.path) for problem in check_form(form)] == [("TYPE", ("form",))]


def test_a_form_has_a_sensible_number_of_fields() -> None:
    assert faults(*({"name": f"f{number}", "label": "F"} for number in range(201))) == [("MAX_LENGTH", ("form",))]


def test_the_form_is_served_as_json_schema() -> None:  # [9.4]
    schema = json_schema(FORM)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (schema["required"], schema["additionalProperties"]) == (["slogan"], False)
    served = schema["properties"]
    assert served["slogan"] == {"title": "Slogan", "type": "string", "minLength": 3, "maxLength": 10}
    assert served["count"] == {"title": "Count", "type": "integer", "minimum": 1, "maximum": 10, "default": 2}
    assert served["colour"]["oneOf"][0] == {"const": "r", "title": "Red"}
    assert served["colours"]["items"]["oneOf"][2] == {"const": "b", "title": "Blue"}
    assert (served["colours"]["uniqueItems"], served["colours"]["minItems"]) == (True, 2)
    assert [served[name]["format"] for name in ("email", "page", "day")] == ["email", "uri", "date"]
    assert (served["brand"]["readOnly"], served["brand"]["default"]) == (True, "Acme")
    assert json_schema([Field("a", "A", help="Few words.")])["properties"]["a"]["description"] == "Few words."


def test_every_served_schema_is_a_valid_schema() -> None:
    assert jsonschema_rs.meta.is_valid(json_schema((*FORM, *EVERY_KIND)))


def test_hints_tell_a_renderer_how_to_draw_the_form() -> None:  # [9.4]
    hints = ui_schema((*FORM, Field("text", "T", K.LONG_TEXT)))
    assert hints["ui:order"] == [field.name for field in FORM] + ["text"]
    widgets = {name: hint.get("ui:widget") for name, hint in hints.items() if isinstance(hint, dict)}
    assert widgets == {
        "day": "date", "colour": "radio", "colours": "checkboxes", "logo": None, "email": "email", "page": "uri",
        "brand": None, "brief": "textarea", "text": "textarea",
    }
    assert hints["brief"]["ui:options"]["richText"] and hints["logo"]["ui:options"]["image"]
    assert hints["brand"] == {"ui:readonly": True}


def test_many_choices_are_drawn_as_a_list() -> None:
    many = tuple(Choice(str(number), str(number)) for number in range(6))
    assert ui_schema([Field("c", "C", K.CHOICE, choices=many)])["c"] == {"ui:widget": "select"}
