"""Who is measured: this server in its forms, a naive one, PostGraphile, and the limit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.cases import Read, document, objects, parsed, request, variables
from benchmarks.dataset import Size, token
from benchmarks.load import Expected
from benchmarks.machines import POSTGRAPHILE, PYTHON, ROOT, Process, install_postgraphile, peak_bytes, seconds_used
from benchmarks.numbered import Kind
from benchmarks.secured import SECRET, restricted, web_token

POOL = "20"
"""Connections to PostgreSQL of every contender but samverkan, whose own pool holds as many."""
SERVE = (PYTHON, "-m", "server", "serve")
UVICORN = (PYTHON, "-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "--no-access-log")
PAGES = "query($after: String) { orders(first: 100, after: $after) { pageInfo { endCursor } } }"


@dataclass
class Contender:
    """One row of the tables. `database`: postgresql or sqlite; `secured`: PostGraphile that asks for a login."""

    name: str
    title: str
    dialect: str = "samverkan"
    database: str = "postgresql"
    number: int = 1
    secured: bool = False
    command: tuple[str, ...] = SERVE
    settings: Mapping[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    @property
    def is_samverkan(self) -> bool:
        return self.dialect == "samverkan"

    @property
    def ports(self) -> list[int]:
        return [each.port for each in self.processes]

    def start(self, addresses: Mapping[str, str], folder: Path) -> None:
        address = restricted(addresses[self.database]) if self.secured else addresses[self.database]
        command = (install_postgraphile(), "server.mjs") if self.dialect == "postgraphile" else self.command
        environment = {
            "SAMVERKAN_DATABASE": address, "SAMVERKAN_PORT": "{port}", "SAMVERKAN_DOCUMENTS": str(folder / "documents"),
            "SAMVERKAN_ADVANCE_SECONDS": "3600", "SAMVERKAN_GRAPHIQL": "false",
            "SAMVERKAN_OPERATOR_COST_PER_MINUTE": str(10**12),  # counted as ever, but one operator asks it all here
            "DATABASE_URL": address, "POOL": POOL, "PORT": "{port}",
            "NODE_ENV": "production", "GRAPHILE_ENV": "production", **self.settings,
        }
        log, where = folder / f"{self.name}.log", POSTGRAPHILE if self.dialect == "postgraphile" else ROOT
        for _ in range(self.number):
            self.processes.append(Process(command, environment, log, where))
            self.processes[-1].wait_until_it_listens()

    def end(self) -> None:
        for process in self.processes:
            process.end()

    def pids(self) -> list[int]:
        return [each.process.pid for each in self.processes]

    def seconds_used(self) -> float:
        return seconds_used(self.pids())

    def peak_bytes(self) -> int:
        return peak_bytes(self.pids())

    def takes(self, read: Read) -> bool:
        return self.is_samverkan or self.secured or not read.local

    def writes(self, name: str) -> bool:
        """The limit submits too, for orientation."""
        return (self.is_samverkan and self.name != "plain") or (self.dialect, name) == ("limit", "submit")

    def prepare(self, read: Read, size: Size) -> tuple[bytes, Expected, int]:
        """The request, checked once on every process: what all its answers must be, and how many objects they hold."""
        bearer = self._bearer(*(Kind.MANAGER, manager(size)) if read.local else (Kind.CENTRAL, 0))
        path = f"/{read.document}" if self.dialect == "limit" else "/graphql"
        body = {"query": document(self.dialect, read.document), "variables": variables(self.dialect, read.name, size)}
        if read.document == "flat" and self.is_samverkan:
            body["variables"] = self._cursors(bearer)
        answers = [self.ask(port, request(path, body, bearer)) for port in self.ports]
        found = {objects(parsed(answer)) for answer in answers}
        if len(found) > 1 or len({len(answer) for answer in answers}) > 1:
            raise RuntimeError(f"{self.title}: its processes answer {read.name} differently")
        return request(path, body, bearer), Expected(len(answers[0])), found.pop()

    def _bearer(self, kind: Kind, number: int) -> str:
        if self.is_samverkan:
            return token(kind, number)
        return web_token(kind, number) if self.secured else ""

    def ask(self, port: int, wire: bytes) -> bytes:
        """The body of one answer; RuntimeError unless it is 200."""
        head, _, content = wire.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        answer = httpx.post(f"http://127.0.0.1:{port}{first.split()[1]}", content=content, headers=headers, timeout=60)
        if answer.status_code != 200:
            said = "".join(each.log.read_text()[-3000:] for each in self.processes[:1])
            raise RuntimeError(f"{self.title} answers {answer.status_code}: {answer.text[:1000]}\n{said}")
        return answer.content

    def _cursors(self, bearer: str) -> dict[str, str]:
        """Where the second to the tenth page of orders begin: no page may hold more than a hundred."""
        found: dict[str, str] = {}
        after = None
        for place in range(1, 10):
            wire = request("/graphql", {"query": PAGES, "variables": {"after": after}}, bearer)
            after = parsed(self.ask(self.ports[0], wire))["orders"]["pageInfo"]["endCursor"]
            found[f"after{place}"] = after
        return found


def manager(size: Size) -> int:
    """The region whose stores hold orders of the newest packages."""
    return size.store_of(size.packages - 1) // 100


def contenders() -> Iterator[Contender]:
    yield Contender("one", "samverkan, one process")
    yield Contender("two", "samverkan, two processes", number=2)
    yield Contender("plain", "samverkan, fast path off", settings={"SAMVERKAN_FAST_PATH": "false"})
    yield Contender("sqlite", "samverkan on embedded SQLite", database="sqlite")
    yield Contender("naive", "naive Strawberry", "naive", command=(*UVICORN, "benchmarks.naive:app"))
    yield Contender(
        "secured", "PostGraphile 5, with login and row security", "postgraphile", secured=True,
        settings={"JWT_SECRET": SECRET},
    )
    yield Contender("postgraphile", "PostGraphile 5, without either", "postgraphile")
    yield Contender("limit", "the limit", "limit", command=(*UVICORN, "benchmarks.limit:app"))
