"""What is asked of every contender: documents, variables and the requests on the wire."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.batches import Batch
from benchmarks.dataset import Size, token
from benchmarks.numbered import Kind, key

DOCUMENTS = Path(__file__).parent / "documents"
CENTRAL = token(Kind.CENTRAL, 0)
"""The login of the central operator, who sees everything."""


@dataclass(frozen=True)
class Read:
    """A query: `name` is its document; `local`: asked by the manager of a region, who sees its stores only. `objects`
    is how many things with an id the answer holds for central."""

    name: str
    title: str
    document: str
    local: bool = False


READS = (
    Read("catalogue", "catalogue page: 50 packages, 10 orders each, entity, approvals", "catalogue"),
    Read("order", "one order by id, with package, entity, approvals", "order"),
    Read("flat", "1,000 orders, flat", "flat"),
    Read("inbox", "inbox: 50 approvals with package, order, entity", "inbox"),
    Read("targets", "target list page: 100 contacts", "targets"),
    Read("local", "catalogue page of a regional manager (100 stores)", "catalogue", local=True),
)
WRITES = ("submit", "decide")


def document(dialect: str, name: str) -> str:
    """The naive server speaks samverkan's schema, but for what it has a file of its own."""
    path = DOCUMENTS / dialect / f"{name}.graphql"
    return (path if path.is_file() else DOCUMENTS / "samverkan" / f"{name}.graphql").read_text()


def variables(dialect: str, name: str, size: Size) -> dict[str, Any]:
    """Ids as the dialect writes them: an order in the middle of the data, and the first order with a target list."""
    chosen = {"order": {"order": size.orders // 2}, "targets": {"list": size.orders}}.get(name, {})
    write = order_id if dialect in ("samverkan", "naive") else lambda number: str(key(Kind.ORDER, number))
    return {variable: write(number) for variable, number in chosen.items()}


def global_id(type_name: str, kind: Kind, number: int) -> str:
    return f"{type_name}:{key(kind, number).hex}"


def order_id(number: int) -> str:
    return global_id("Order", Kind.ORDER, number)


def submission(order: int) -> dict[str, Any]:
    return {"input": {"id": order_id(order), "revision": 1}}


def decision(order: int) -> dict[str, Any]:
    approval = global_id("Approval", Kind.APPROVAL, order)
    return {"input": {"approvalId": approval, "revision": 1, "decision": "APPROVE"}}


def writes(name: str, batch: Batch, path: str = "/graphql") -> list[bytes]:
    """A request for each order of the batch: submitted by the clerk of its store, decided by central."""
    text = document("samverkan", name)
    if name == "submit":
        return [
            request(path, {"query": text, "variables": submission(order)}, token(Kind.CLERK, store))
            for order, store in batch.orders()
        ]
    return [request("/graphql", {"query": text, "variables": decision(order)}, CENTRAL) for order, _ in batch.orders()]


def request(path: str, body: dict[str, Any], bearer: str = "") -> bytes:
    """A POST as a browser's client would write it, without what only browsers send."""
    content = orjson.dumps(body)
    lines = [
        f"POST {path} HTTP/1.1", "host: 127.0.0.1", "accept: application/graphql-response+json, application/json",
        "content-type: application/json", f"content-length: {len(content)}",
        *([f"authorization: Bearer {bearer}"] if bearer else []), "", "",
    ]
    return "\r\n".join(lines).encode() + content


def objects(answer: Any) -> int:
    """How many things with an id there are in an answer."""
    if isinstance(answer, dict):
        return ("id" in answer) + sum(objects(value) for value in answer.values())
    return sum(objects(value) for value in answer) if isinstance(answer, list) else 0


def parsed(body: bytes) -> Any:
    """The data of an answer; ValueError when it holds errors."""
    answer = json.loads(body)
    if not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
        raise ValueError(body[:1000].decode(errors="replace"))
    return answer["data"]
