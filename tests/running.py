"""A real server in a process of its own, on a socket that is open before it starts: nobody waits by the clock."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

SERVE = """
import socket, sys
from server.app import create_app
from server.cli.web_server import Config, Server
from server.settings import Settings
settings = Settings()
Server(Config(create_app(settings), settings)).run([socket.socket(fileno=int(sys.argv[1]))])
"""


def environment(address: str, folder: Path, packages: Path | None = None) -> dict[str, str]:
    """The variables of a process that works on that database; `packages` are importable too."""
    return os.environ | {
        "SAMVERKAN_DATABASE": address, "SAMVERKAN_DOCUMENTS": str(folder / "documents"),
        "SAMVERKAN_MAIL_FOLDER": str(folder / "mail"),
        "PYTHONPATH": str(packages or ""),
    }


@contextmanager
def running(
    address: str, folder: Path, packages: Path | None = None, output: Path | None = None, **variables: str
) -> Iterator[str]:
    """The address of a server on that database, as long as the block runs; what it prints goes to `output`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with output.open("wb") if output else nullcontext() as printed:
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(listening.fileno())], pass_fds=[listening.fileno()],
                env=environment(address, folder, packages) | variables, stdout=printed, stderr=printed,
            )
    try:  # the socket is the server's alone now: when it ends, clients are refused and do not wait
        yield url
    finally:
        process.terminate()
        process.wait(30)
