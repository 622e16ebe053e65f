"""SQL that writes JSON by concatenation, which costs PostgreSQL about two thirds of what json_build_object does.

Each function gives operands of `||`, literals and expressions of which none is NULL.
"""

from itertools import pairwise

Parts = tuple[str, ...]


def quoted(sql: str) -> Parts:
    """What needs no escapes: ids and statuses."""
    return "'\"'", f"{sql}::text", "'\"'"


def value(sql: str) -> Parts:
    return (f"to_json({sql})::text",)


def or_null(sql: str) -> Parts:
    return (f"coalesce(to_json({sql})::text, 'null')",)


def json_object(**values: Parts) -> Parts:
    inside = [part for name, value in values.items() for part in (f"',\"{name}\":'", *value)]
    return "'{'", f"'{inside[0][2:]}", *inside[1:], "'}'"


def array(element: Parts, order: str) -> Parts:
    return "'['", f"coalesce(string_agg({text(element)}, ',' ORDER BY {order}), '')", "']'"


def page(cursor: Parts, node: Parts, order: str, **info: Parts) -> Parts:
    return json_object(edges=array(json_object(cursor=cursor, node=node), order), pageInfo=json_object(**info))


def selected(value: Parts, source: str) -> Parts:
    return (f"(SELECT {text(value)} {source})",)


def text(parts: Parts) -> str:
    """One expression; literals that stand beside each other are one."""
    joined = parts[0]
    for left, right in pairwise(parts):
        both_literal = left[-1] == right[0] == "'"
        joined = joined[:-1] + right[1:] if both_literal else f"{joined} || {right}"
    return joined
