"""Documents that ask for more work than they look like, each under 100 kB; made here, so that one can be read."""

import json
from collections.abc import Iterator
from typing import Any

from graphql import Lexer, Source, TokenKind, get_introspection_query

from server.graphql.limits.guard import Limits

LARGEST = 100_000
FILTERED = "{{ packages(first: 1, filter: {}) {{ totalCount }} }}"
Request = dict[str, Any]


def hostile() -> dict[str, Request]:
    """Every request by name."""
    kinds = (_fragments, _floods, _overlaps, _depths, _literals, _texts, _values, _introspection, _lists)
    made = {name: document for kind in kinds for name, document in kind().items()}
    return {name: made if isinstance(made, dict) else {"query": made} for name, made in made.items()}


def chain(count: int, spread: str, last: str, on: str = "Query") -> str:
    """Fragments that each spread the next one; `spread` says how, `{}` standing for it."""
    links = (f"fragment F{i} on {on} {{ {spread.format(f'...F{i + 1}')} }}" for i in range(count))
    return " ".join(links) + f" fragment F{count} on {on} {{ {last} }}"


def many(part: str, share: float = 0.97) -> str:
    """The part as often as the limit of tokens lets it, or that share of it."""
    lexer, tokens = Lexer(Source(part.format(0))), 0
    while lexer.advance().kind is not TokenKind.EOF:
        tokens += 1
    return times(int(Limits().tokens * share) // tokens, part)


def times(count: int, part: str) -> str:
    """The part so often, `{0}` counting."""
    return " ".join(part.format(i) for i in range(count))


def _fragments() -> dict[str, Any]:
    return {
        "fragment bomb": "{ ...F0 } " + chain(30, "{0} {0}", "__typename"),
        "fragment bomb of objects": "{ campaigns(first: 1) { nodes { ...F0 } } } "
                                    + chain(18, "parent {{ {0} }} b: parent {{ {0} }}", "id", "Campaign"),
        "fragment bomb that ends nowhere": "{ ...F0 } " + chain(60, "{0} {0} {0}", "...Nowhere"),
        "long fragment chain": "{ ...F0 } " + chain(500, "{0}", "__typename"),
        "fragment that contains itself": "{ ...A } fragment A on Query { ...A }",
        "fragments in a ring": "{ ...F0 } " + chain(100, "{0}", "...F0"),
        "rings of all fragments": "{ ...F0 } " + times(60, "fragment F{0} on Query {{ " + times(20, "...F{0}") + " }}"),
        "unused fragments": "{ __typename } " + many("fragment F{0} on Query {{ __typename }}"),
        "fragments of one name": "{ ...F } " + many("fragment F on Query {{ __typename }}"),
        "overlapping fields in a fragment that another hides":
            "{ ...F } fragment F on Query { " + many("__typename") + " } fragment F on Query { __typename }",
        "fragment spread often": "{ " + many("...F") + " } fragment F on Query { __typename }",
        "every fragment spreads all later ones":
            "{ ...F0 } " + " ".join(
                f"fragment F{i} on Query {{ __typename {times(40, '...F{0}') if i < 40 else ''} }}" for i in range(41)
            ),
        "fragments on wrong types": "{ " + many("... on Package {{ a{0}: id }}") + " }",
        "unknown types": many("fragment F{0} on Nothing{0} {{ a }}", 0.75) + " { " + many("...F{0}", 0.2) + " }",
        "undefined fragments": "{ " + many("...F{0}") + " }",
    }


def _floods() -> dict[str, Any]:
    return {
        "alias flood": "{ " + many("a{0}: __typename") + " }",
        "aliases within the limit": "{ viewer { " + times(100, "a{0}: name") + " } }",
        "root fields within the limit": "{ " + times(20, "a{0}: viewer {{ id name }}") + " }",
        "root fields": "{ " + times(60, "a{0}: server {{ name }}") + " }",
        "thousands of operations": many("query Q{0} {{ __typename }}"),
        "operations of one name": many("query Q {{ __typename }}"),
        "anonymous operations": many("{{ __typename }}"),
        "directives": "{ __typename " + many("@a{0}") + " }",
        "one directive": "{ __typename " + many("@include(if: true)") + " }",
        "directives on fields": "{ " + many("__typename @skip(if: false)") + " }",
        "unknown fields": "{ " + many("nothing{0}") + " }",
        "unknown arguments": "{ server(" + many("a{0}: 1") + ") { name } }",
        "repeated arguments": "{ packages(" + many("first: 1") + ") { totalCount } }",
        "variables": "query (" + many("$v{0}: Int") + ") { __typename }",
        "variables used everywhere":
            "query (" + times(99, "$v{0}: Int!") + ") { "
            + times(20, "a{0}: packages(first: $v{0}) {{ totalCount }}") + " }",
        "variables of one name": "query (" + many("$v: Int") + ") { __typename }",
        "variables in every operation":
            times(50, "query Q{0}($a: Int!) {{ ...F }}")
            + " fragment F on Query { packages(first: $a) { totalCount } }",
        "mutations": "mutation { " + times(100, "a{0}: logout {{ __typename }}") + " }",
        "__typename everywhere": "{ packages(first: 100) { nodes { " + times(100, "a{0}: __typename") + " } } }",
        "subscriptions": "subscription { " + many("a{0}: __typename") + " }",
    }


def _overlaps() -> dict[str, Any]:
    return {
        "same field": "{ " + many("__typename") + " }",
        "too many tokens": "{ " + times(9_000, "__typename") + " }",
        "same object": "{ " + many("viewer {{ id }}") + " }",
        "same object within the limit": "{ " + times(20, "viewer {{ id name login email }}") + " }",
        "overlapping fields": "{ viewer { " + many("a: id a: name") + " } }",
        "overlapping aliases": "{ " + times(20, "viewer {{ " + times(20, "a{0}: name") + " }}") + " }",
        "overlapping fragments":
            "{ viewer { " + times(60, "...F{0}") + " } } "
            + times(60, "fragment F{0} on Operator {{ id name login email }}"),
        **{
            f"{count} overlapping {what}": "{ " + times(count, "viewer {{ " + many(inner, 0.75 / count) + " }}") + " }"
            for count in (10, 20, 40) for what, inner in (("objects", "a{0}"), ("trees", "a{0} {{{{ b }}}}"))
        },
        "overlapping trunks": "{ " + times(40, "viewer {{ " * 10 + "x " + "}} " * 10) + " }",
        "overlapping arguments": "{ " + times(20, "packages(first: {0}) {{ totalCount }}") + " }",
    }


def _depths() -> dict[str, Any]:
    return {
        "deep fields": "{ viewer " * 1300 + "{ id" + " }" * 1301,
        "deep inline fragments": "{ " + "... { " * 1300 + "__typename" + " }" * 1301,
        "deep inline fragments within the limit": "{ " + "... { " * 90 + "__typename" + " }" * 91,
        "deep list literal": "{ nodes(ids: " + "[" * 1900 + "]" * 1900 + ") { id } }",
        "deep object literal": FILTERED.format("{text: " * 900 + "1" + "}" * 900),
        "deep list type": "query ($a: " + "[" * 1900 + "Int" + "]" * 1900 + ") { __typename }",
        "unclosed braces": "{" * 90_000,
        "unclosed brackets": "{ a(b: " + "[" * 90_000,
        "wide and deep": ("{ " + "campaigns(first: 1) { nodes { children(first: 1) { nodes { parent { " * 3
                          + times(30, "a{0}: id") + " } " * 15 + " }"),
    }


def _literals() -> dict[str, Any]:
    return {
        "huge string": f'{{ node(id: "{"x" * 99_000}") {{ id }} }}',
        "huge block string": f'{{ node(id: """{(" " * 40 + chr(10)) * 2_000}""") {{ id }} }}',
        "huge escapes": '{ node(id: "' + "\\u00e9" * 14_000 + '") { id } }',
        "huge integer": "{ packages(first: " + "9" * 99_000 + ") { totalCount } }",
        "huge negative integer": "{ packages(first: -" + "9" * 99_000 + ") { totalCount } }",
        "huge float": "{ packages(first: 1." + "9" * 90_000 + "e99999999) { totalCount } }",
        "huge list": "{ nodes(ids: [" + many('"{0}"') + "]) { id } }",
        "huge list of numbers": "{ nodes(ids: [" + "1," * 45_000 + "]) { id } }",
        "huge object": "{ packages(first: 1, filter: {" + many("a{0}: 1") + "}) { totalCount } }",
        "repeated input fields": "{ packages(first: 1, filter: {" + many("text: 1") + "}) { totalCount } }",
        "huge enum list": "{ packages(first: 1, filter: {status: [" + many("PUBLISHED") + "]}) { totalCount } }",
        "unknown enums": "{ packages(first: 1, filter: {status: [" + many("S{0}") + "]}) { totalCount } }",
        "huge name": "{ " + "a" * 99_000 + " }",
        "names that are nearly right": "{ " + many("packagess{0}") + " }",
        "huge alias": "{ " + "a" * 99_000 + ": __typename }",
        "huge json literal": FILTERED.format("{text: {and: [" + many("{{a: 1}}") + "]}}"),
    }


def _texts() -> dict[str, Any]:
    return {
        "comments": "#\n" * 33_000 + "{ __typename }",
        "one long comment": "#" + "x" * 99_000 + "\n{ __typename }",
        "comment that goes on": "{ __typename } #" + "é" * 45_000,
        "commas": "," * 99_000 + "{ __typename }",
        "spaces": " " * 99_000 + "{ __typename }",
        "newlines": "\r\n" * 24_000 + "{ __typename }",
        "byte order marks": "\ufeff" * 30_000 + "{ __typename }",
        "unicode names": "{ " + "\u2139" * 30_000 + " }",
        "unicode string": '{ node(id: "' + "\U0001f600" * 24_000 + '") { id } }',
        "surrogate escapes": '{ node(id: "' + "\\uD83D\\uDE00" * 7_000 + '") { id } }',
        "lone surrogates": '{ node(id: "' + "\\uD800" * 14_000 + '") { id } }',
        "right to left": '{ node(id: "' + "\u202e" * 30_000 + '") { id } }',
        "punctuation": "!" * 99_000,
        "only dots": "." * 99_000,
        "quotes": '"' * 49_000,
        "backslashes": '{ a(b: "' + "\\\\" * 24_000 + '") }',
        "numbers that run on": "{ a(b: " + "0" * 99_000 + ") }",
    }


def _values() -> dict[str, Any]:
    ids = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    page = "query ($n: Int!) { packages(first: $n) { totalCount } }"
    contacts = "query ($f: JSON) { contacts(first: 1, filter: {contact: $f}) { totalCount } }"
    deep: Any = 1
    for _ in range(45):
        deep = {"and": [deep]}
    return {
        "many ids": {"query": ids, "variables": {"ids": ["x"] * 9_900}},
        "long id": {"query": ids, "variables": {"ids": ["x" * 90_000]}},
        "huge number": {"query": page, "variables": {"n": 10**300}},
        "number as text": {"query": page, "variables": {"n": "9" * 90_000}},
        "deep value": {"query": contacts, "variables": {"f": deep}},
        "wide value": {"query": contacts, "variables": {"f": {f"a{i}": i for i in range(5_000)}}},
        "unused values": {"query": "{ __typename }", "variables": {f"v{i}": i for i in range(5_000)}},
        "wrong values": {"query": "query (" + many("$v{0}: Int!") + ") { __typename }",
                         "variables": {f"v{i}": "x" for i in range(500)}},
        "too many values": {"query": ids, "variables": {"ids": [1] * 30_000}},
        "wrong list": {"query": ids, "variables": {"ids": [{}] * 9_900}},
        "long operation name": {"query": "{ __typename }", "operationName": "x" * 90_000},
        "many operations, none named": {"query": many("query Q{0} {{ __typename }}"), "operationName": "x"},
        "nothing but an id": {"documentId": "x" * 200},
        "extensions": {"query": "{ __typename }", "extensions": {f"e{i}": [{}] * 10 for i in range(1_900)}},
    }


def _introspection() -> dict[str, Any]:
    whole = get_introspection_query()
    types = "__schema { types { name fields { name args { name } type { name } } } }"
    return {
        "introspection": whole,
        "introspection with a comment": whole + "# 1",
        "introspection in circles": "{ __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }",
        "introspection under aliases": "{ " + times(20, "a{0}: " + types.replace("{", "{{").replace("}", "}}")) + " }",
        "introspection of names under aliases": "{ __schema { types { fields { " + times(90, "a{0}: name") + " } } } }",
        "every type under an alias": "{ " + times(20, 'a{0}: __type(name: "Package") {{ fields {{ name }} }}') + " }",
        "types of types": "{ __type(name: \"Package\") " + "{ fields { type " * 8 + "{ name }" + " } }" * 8 + " }",
        "possible types": "{ __schema { types { possibleTypes { possibleTypes { interfaces { possibleTypes { "
                          "interfaces { possibleTypes { name } } } } } } } } }",
        "introspection beside data": "{ viewer { id } __schema { types { fields { type { fields { name } } } } } }",
    }


def _lists() -> dict[str, Any]:
    def nested(*names: str) -> str:
        opening = " ".join(f"{name}(first: 100) {{ nodes {{ id" for name in names)
        return "{ " + opening + " } }" * len(names) + " }"

    node = '{ node(id: "UGFja2FnZTow") { ... on Package { history(first: 100) { nodes { '
    return {
        "nested connections": nested("packages", "orders", "approvals", "history"),
        "recursive connections": nested("campaigns", *["children"] * 6),
        "nested connections by variables": {
            "query": "query ($n: Int = 100) { packages(first: $n) { nodes { orders(last: $n) { nodes { "
                     "approvals(first: $n) { nodes { id } } } } } } }", "variables": {"n": 100.0},
        },
        "nested connections by a default":
            "query ($n: Int! = 100) { packages(first: $n) { nodes { orders(first: $n) { nodes { "
            "approvals(first: $n) { edges { node { id } } } } } } } }",
        "pages under aliases":
            "{ " + times(15, "a{0}: packages(first: 9) {{ nodes {{ orders(first: 9) {{ nodes {{ id }} }} }} }}") + " }",
        "nested node chains": "{ " + times(20, "a{0}: node(id: \"UGFja2FnZTow\") {{ ... on Package {{ id }} }}") + " }",
        "history of a node": node + "id } } } } }",
        "many lists": "{ packages(first: 100) { nodes { " + times(
            9, "a{0}: orders(first: 9) {{ nodes {{ approvals(first: 1) {{ nodes {{ id }} }} }} }}"
        ) + " } } }",
    }


def texts_of(requests: dict[str, Request]) -> Iterator[tuple[str, bytes]]:
    """The bodies as they are sent."""
    for name, request in requests.items():
        yield name, json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogatepass")
