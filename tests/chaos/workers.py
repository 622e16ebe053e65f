"""Worker processes that are killed at random and replaced at once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.chaos.waiting import until

NUMBER = 3
ROOT = Path(__file__).parent.parent.parent
READY = b"works on"
"""What `samverkan worker` says when it is."""


class Workers:
    """Three of them. Each prints to a file of its own, which says when it is ready."""

    def __init__(self, nursery: "subprocess.Popen[str]", folder: Path) -> None:
        self._nursery = nursery
        self._folder = folder
        self.started: list[tuple[int, Path]] = []
        self.alive: dict[int, Path] = {}
        self.killed = 0

    def start(self) -> None:
        output = self._folder / f"worker-{len(self.started)}.log"
        output.touch()
        assert self._nursery.stdin and self._nursery.stdout
        self._nursery.stdin.write(f"{output}\n")
        self._nursery.stdin.flush()
        pid = int(self._nursery.stdout.readline())
        self.started.append((pid, output))
        self.alive[pid] = output

    def kill(self, pid: int) -> None:
        del self.alive[pid]
        os.kill(pid, signal.SIGKILL)  # it fails when the worker has died by itself, as none may
        self.killed += 1

    def ready(self) -> list[int]:
        return [pid for pid, output in self.alive.items() if READY in output.read_bytes()]

    async def kill_some(self, number: int, luck: random.Random, busy: Callable[[], Awaitable[bool]]) -> None:
        """Kills so many, one after the other: most while there is work, some whenever, some while they start."""
        for _ in range(number):
            starting = luck.random() < 0.1
            assert await until(partial(self._found, starting)), "no worker becomes ready"
            if luck.random() < 0.8:
                await until(busy, seconds=1, every=0.01)
            await asyncio.sleep(luck.uniform(0.0, 0.1))
            self.kill(luck.choice(list(self.alive) if starting else self.ready()))
            self.start()

    async def _found(self, starting: bool) -> bool:
        return bool(self.alive if starting else self.ready())

    def stop(self) -> None:
        for pid in self.alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def workers(folder: Path, variables: Mapping[str, str], number: int = NUMBER) -> Iterator[Workers]:
    """So many workers with these environment variables, as long as the block runs; their logs are in the folder."""
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.nursery"], env=os.environ | variables, cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )
    team = Workers(nursery, folder)
    try:
        for _ in range(number):
            team.start()
        yield team
    finally:
        team.stop()
        assert nursery.stdin
        nursery.stdin.close()
        nursery.wait(30)
