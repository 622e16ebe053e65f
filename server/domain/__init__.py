"""Rules about one thing each: no I/O, no session, no clock."""
