"""Prometheus metrics. Labels come from the schema and from error codes, never from clients: their number is bounded."""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series beside each other one, which nobody asks for
CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MOST_OUTCOMES = 60
"""Codes that are told apart. They are all ours, so there are fewer; any more would be counted as OTHER."""

Add = Callable[[float], None]


def adding(metric: Any) -> Add:
    """Adds to a counter or gauge whose labels are known; its own methods look each time whether they are."""
    add: Add = metric._value.inc
    return add


OPERATIONS = Counter("samverkan_operations", "GraphQL operations by how they ended.", ["kind", "outcome"])
SECONDS = Histogram("samverkan_operation_seconds", "How long operations took.", ["kind", "executor"], buckets=BUCKETS)
ROOT_FIELDS = Counter("samverkan_root_fields", "Operations that ask for a root field of the schema.", ["kind", "field"])
STATEMENTS = Counter("samverkan_statements", "SQL statements, of operations and of everything else.", ["of"])
STATEMENT_SECONDS = Counter("samverkan_statement_seconds", "Time spent in SQL statements.", ["of"])
OF_OPERATIONS, OF_OTHERS = (
    (adding(STATEMENTS.labels(of)), adding(STATEMENT_SECONDS.labels(of))) for of in ("operation", "other")
)
ROWS = adding(Counter("samverkan_rows_read", "Rows that operations read."))
DOCUMENTS = Counter("samverkan_documents", "GraphQL documents by whether they were prepared before.", ["cache"])
DOCUMENT_HITS, DOCUMENT_MISSES = (adding(DOCUMENTS.labels(cache)) for cache in ("hit", "miss"))
SLOW = Counter("samverkan_slow_operations", "Operations that took longer than the setting slow_seconds.")
REQUESTS = Counter("samverkan_http_responses", "HTTP responses by status.", ["status"])
IN_FLIGHT, SOCKETS = (adding(Gauge(name, meaning, multiprocess_mode="livesum")) for name, meaning in (
    ("samverkan_requests_in_flight", "HTTP requests being answered."),
    ("samverkan_sockets_open", "Open WebSocket connections."),
))
ROUNDS = Counter("samverkan_job_rounds", "Rounds of the loop that watches over the jobs.", ["outcome"])
LAST_ROUND = Gauge(
    "samverkan_job_last_round_timestamp_seconds", "When the loop last ended a round without an error, in Unix time.",
    multiprocess_mode="livemax",
)
JOBS = Counter("samverkan_jobs", "Jobs by how they ended.", ["kind", "outcome"])
JOB_SECONDS = Histogram("samverkan_job_seconds", "How long jobs took.", ["kind"], buckets=BUCKETS)
JOBS_OPEN = Gauge(
    "samverkan_jobs_open", "Jobs of the installation that have not ended, as this process last saw it.",
    ["kind", "state"], multiprocess_mode="livemostrecent",
)
JOB_STATES = {"ENQUEUED": "queued", "DELAYED": "delayed", "PENDING": "running", "ERROR": "failed"}
WRITER_QUEUE = Gauge(
    "samverkan_writer_queue", "Mutations that wait for the writer of the database.", multiprocess_mode="livesum"
)
SUBSCRIPTIONS = Gauge("samverkan_subscriptions", "Subscriptions that follow changes.", multiprocess_mode="livesum")
LISTENS = Gauge(
    "samverkan_changes_listening", "Whether changes of other processes come in, which is so while somebody follows.",
    multiprocess_mode="livesum",
)

DISPATCHES = Counter("samverkan_dispatches", "Attempts to send a message, by channel.", ["channel", "outcome"])

_outcomes: set[str] = set()


@cache
def operations(kind: str, outcome: str) -> Add:
    return adding(OPERATIONS.labels(kind, outcome))


@cache
def seconds(kind: str, executor: str) -> Histogram:
    return SECONDS.labels(kind, executor)


@cache
def root_field(kind: str, field: str) -> Add:
    return adding(ROOT_FIELDS.labels(kind, field))


@cache
def responses(status: int) -> Add:
    return adding(REQUESTS.labels(str(status)))


def tell_jobs(found: Mapping[tuple[str, str], int], kinds: Iterable[str]) -> None:
    """How many jobs of each kind are in each of dbos' states."""
    for kind in kinds:
        for word, state in JOB_STATES.items():
            JOBS_OPEN.labels(kind, state).set(found.get((kind, word), 0))


def outcome_of(code: str) -> str:
    if code not in _outcomes and len(_outcomes) < MOST_OUTCOMES:
        _outcomes.add(code)
    return code if code in _outcomes else "OTHER"


def exposition() -> bytes:
    """Everything in Prometheus' text format: of all processes when PROMETHEUS_MULTIPROC_DIR names their folder,
    otherwise of this one."""
    registry: Any = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget_process() -> None:
    """Takes what this process has open out of the sums of all processes, at its end."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
