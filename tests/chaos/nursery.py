"""Starts `samverkan worker` again and again without the second that Python takes to import it: a process that has
imported everything forks one for each line that it reads, and answers with its process id."""

import os
import signal
import sys
import traceback
from datetime import timedelta
from importlib import import_module
from pathlib import Path

from server.cli import main
from server.notifications import queues

IMPORTED = ("server.cli.working", "dbos")
"""What the command imports when it is called."""


def start(output: Path) -> None:
    """Becomes `samverkan worker`, printing to the file; never returns."""
    os.setsid()
    with output.open("ab", buffering=0) as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = ["samverkan", "worker"]
    try:
        main()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def run() -> None:
    for name in IMPORTED:
        import_module(name)
    queues.LEASE = timedelta(seconds=5)  # nobody waits for minutes until mail that a dead worker had in hand is sent
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no parent
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            start(Path(line.rstrip("\n")))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run()
