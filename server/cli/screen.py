"""What the commands write on: results on stdout, faults and progress on stderr."""

import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from rich.console import Console
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

WIDEST = 240
"""Columns that a table may take where stdout is narrower, or is no terminal at all."""


def fail(*messages: str) -> NoReturn:
    """Says why, a line each, and ends the command with exit code 1."""
    for message in messages:
        err.print("[bold red]error:[/bold red]", end=" ")
        err.print(message, markup=False)
    sys.exit(1)


def table(*headings: str, rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """A table as wide as it must be: columns are never cut, whatever stdout is."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, no_wrap=True, justify="right" if heading in numbers else "left")
    for row in rows:
        made.add_row(*row)
    Console(width=max(out.width, WIDEST)).print(made)
