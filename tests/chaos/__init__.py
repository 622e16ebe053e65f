"""What survives kill -9, an outage, and a mail server that does not work; `make chaos` is the long version."""
