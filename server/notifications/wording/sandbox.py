"""Templates of messages run here: they see their variables and nothing else of the server."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from server.notifications.wording.facts import VARIABLES, Facts, Thing
from server.notifications.wording.wordings import FOLDER, shipped_language

FILTERS = (
    "capitalize", "default", "e", "escape", "first", "join", "last", "length", "list", "lower", "replace", "reverse",
    "sort", "title", "trim", "truncate", "upper",
)
SUFFIXES = {"text": "txt", "html": "html"}
PARTS = ("bullets", "button", "facts", "link", "quote")
"""Functions of templates, which make HTML in the one part and plain lines in the other."""


BLOCK = re.compile(r"<(blockquote|div|h[1-6]|hr|ol|p|pre|table|ul)\b", re.IGNORECASE)
PARAGRAPH = Markup('<p style="margin:0 0 16px">{}</p>')


class _Environment(ImmutableSandboxedEnvironment):
    """Without the functions and operators that can eat up memory."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"the operator {operator} is not for templates of messages")


@cache
def _environment(part: str) -> _Environment:
    made = _Environment(
        loader=FileSystemLoader(FOLDER), autoescape=part == "html", undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS} | {
        "lines": _html_lines if part == "html" else _text_lines
    }
    parts: Any = made.get_template(f"parts.{SUFFIXES[part]}").module
    made.globals.update({name: getattr(parts, name) for name in PARTS})
    return made


@cache
def _compiled(part: str, source: str) -> Template:
    return _environment(part).from_string(source)


def faults_of(part: str, source: str) -> Iterator[str]:
    """What is wrong with a template before it is run: its syntax, or names that it does not know."""
    environment = _environment(part)
    try:
        environment.from_string(source)
        used = meta.find_undeclared_variables(environment.parse(source))
    except TemplateSyntaxError as error:
        yield f"Line {error.lineno}: {(error.message or '').rstrip('.')}."
        return
    for name in sorted(used - VARIABLES.keys() - set(PARTS)):
        yield f"There is no variable {name}."


def run(part: str, source: str, facts: Facts) -> str:
    """The finished content of one part, "text" or "html"; TemplateError and whatever a template can provoke."""
    content = _compiled(part, source).render(facts.variables())
    return _paragraphs(content) if part == "html" else re.sub(r"\n{3,}", "\n\n", content).strip() + "\n"


def dressed(part: str, content: str, language: str, subject: str, facts: Facts) -> str:
    """The content within the layout that all messages share."""
    environment = _environment(part)
    footer = environment.get_template(f"{shipped_language(language)}/footer.jinja").render(facts.variables()).strip()
    word, _, heading = subject[1:].partition("] ")
    return environment.get_template(f"layout.{SUFFIXES[part]}").render(
        content=content, language=language, word=word, heading=heading,
        footer=Markup(footer) if part == "html" else footer,  # noqa: S704 (a template of ours made it)
    )


def _html_lines(value: object) -> Markup:
    """A text of several lines; what is HTML already stays so."""
    if hasattr(value, "__html__"):
        return escape(value)
    return Markup("<br>").join(line.strip() for line in str(value).splitlines())


def _text_lines(value: object) -> str:
    """An object with its link behind it."""
    return f"{value}, {value.link}" if isinstance(value, Thing) and value.link else str(value)


def _paragraphs(content: str) -> Markup:
    """HTML of blocks with blank lines between them; one that does not begin with the tag of a block is a paragraph."""
    blocks = (Markup(block.strip()) for block in re.split(r"\n\s*\n", content))  # noqa: S704 (escaped by the template)
    return Markup("\n").join(
        block if BLOCK.match(block) else PARAGRAPH.format(block) for block in blocks if block
    )
