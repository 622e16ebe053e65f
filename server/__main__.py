"""`python -m server` is the command `samverkan`."""

from server.cli import main

main()
