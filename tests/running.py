"""A real server in a process of its own, on a socket that is open before it starts: nobody waits by the clock."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVE = """
import sys, uvicorn
from server.app import create_app
from server.settings import Settings
uvicorn.run(create_app(Settings()), fd=int(sys.argv[1]), log_level="warning")
"""


def environment(address: str, folder: Path, packages: Path | None = None) -> dict[str, str]:
    """The variables of a process that works on that database; `packages` are importable too."""
    return os.environ | {
        "SAMVERKAN_DATABASE": address, "SAMVERKAN_DOCUMENTS": str(folder / "documents"),
        "PYTHONPATH": str(packages or ""),
    }


@contextmanager
def running(address: str, folder: Path, packages: Path | None = None) -> Iterator[str]:
    """The address of a server on that database, as long as the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(listening.fileno())], pass_fds=[listening.fileno()],
            env=environment(address, folder, packages),
        )
    try:  # the socket is the server's alone now: when it ends, clients are refused and do not wait
        yield url
    finally:
        process.terminate()
        process.wait(30)
