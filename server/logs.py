"""How the server logs: one line per event, and tracebacks without local variables."""

import structlog


def configure_logs() -> None:
    """Plain tracebacks: the pretty ones show local variables, and with them passwords and tokens."""
    structlog.configure(processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ])
