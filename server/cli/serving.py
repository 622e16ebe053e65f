"""`samverkan serve`: uvicorn on a socket that is known to be free, and a few lines on what to open."""

import gc
import os
import socket
from contextlib import suppress

from server.app import create_app
from server.cli.databases import require_migrated
from server.cli.screen import out
from server.cli.web_server import Config, Server, drop_deaf_clients
from server.errors import StartupError
from server.settings import Settings


class TalkingServer(Server):
    """Says what to open once it answers."""

    def __init__(self, config: Config, address: str, graphiql: bool) -> None:
        super().__init__(config)
        self.address, self.graphiql = address, graphiql

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            out.print(f"[bold]samverkan[/bold] serves on {self.address}, stop it with Ctrl+C.")
            out.print(f"  GraphQL   {self.address}/graphql")
            if self.graphiql:
                out.print(f"  GraphiQL  {self.address}/graphiql")


def serve(settings: Settings) -> None:
    """Serves until it is told to stop. StartupError when the database is not ready or the port is taken."""
    require_migrated(settings)
    app = create_app(settings)
    spare_the_collector()
    listening = listen(settings.host, settings.port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{listening.getsockname()[1]}"
    drop_deaf_clients(listening, settings.send_seconds)
    with suppress(KeyboardInterrupt):  # Ctrl+C is how a server is stopped; uvicorn has finished its requests by then
        TalkingServer(Config(app, settings), address, settings.serves_graphiql).run([listening])


def spare_the_collector() -> None:
    """What stands now stays: Python's collector of cycles need not look at it again, nor as often as in a script."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def listen(host: str, port: int) -> socket.socket:
    """The socket to serve on; StartupError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
        raise StartupError(
            f"Cannot listen on {host}:{port}: {reason}. Stop what listens there, or choose another port with --port."
        ) from error
