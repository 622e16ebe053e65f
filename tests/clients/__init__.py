"""Real clients, each at its newest version, against a running server."""
