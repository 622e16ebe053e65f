"""Puts the server together; the only place that constructs collaborators."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from server.background import Background
from server.database import Database
from server.domain.network import Operator
from server.errors import StartupError
from server.explaining import explain
from server.following.hub import Hub
from server.following.listening import listening
from server.graphql.context import Context
from server.graphql.errors import bug
from server.graphql.limits.admission import Admission
from server.graphql.limits.bounds import Bounds
from server.graphql.limits.guard import Limits
from server.graphql.limits.rates import Rates
from server.graphql.limits.trusted import Trusted
from server.graphql.mutation import Mutation
from server.graphql.operations import Operations
from server.graphql.page import graphiql_routes
from server.graphql.schema import make_schema
from server.graphql.subscription import Subscription
from server.graphql.together import Together
from server.graphql.transport.calendar import calendar_endpoint
from server.graphql.transport.downloads import download_endpoint
from server.graphql.transport.http import GraphQLEndpoint
from server.graphql.transport.operating import operating_routes
from server.graphql.transport.origins import cors
from server.graphql.transport.security import HEADERS, SecurityHeaders
from server.graphql.transport.shortcut import Shortcut
from server.graphql.transport.sockets import socket_endpoint
from server.graphql.transport.streams import Streams
from server.identity.credentials import over_tls, token_of
from server.identity.logins import Logins
from server.jobs.loop import repeating
from server.logs import configure_logs
from server.migrations import newest
from server.observability.metrics import forget_process
from server.observability.operations import Watch
from server.observability.records import request_id
from server.observability.requests import Requests
from server.observability.slow import SlowLog
from server.observability.tracing import configure_tracing, flush_traces
from server.plugins import load_campaign_types, load_channels
from server.readiness import Readiness, checks_of
from server.services.templates import ensure_templates
from server.settings import Jobs, LoggedOperations, Settings
from server.storage import FolderStorage


def now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings, clock: Callable[[], datetime] = now) -> Starlette:
    """The whole server. StartupError, before anything runs, when a campaign type does not fit or the database cannot
    be used; its message lists every fault."""
    configure_logs(settings.log_format)
    configure_tracing()
    types, channels = load_campaign_types(), load_channels(settings)
    database = Database(settings.database)
    storage = FolderStorage(settings.documents)
    logins = Logins(database, settings)
    rates = Rates(database, settings)
    hub = Hub(database)
    together = Together()
    slow = SlowLog(settings.slow_seconds, partial(explain, database))
    background = Background(database, types, channels, settings, clock) if settings.jobs is Jobs.EMBEDDED else None
    readiness = Readiness(checks_of(database, settings.documents, newest(), background.idle if background else None))

    async def context_of(asking: HTTPConnection) -> Context:
        moment, token = clock(), token_of(asking, settings)
        visitor = await logins.recent_caller_of(token, moment) if token else None
        address = asking.client.host if asking.client else ""
        return Context(
            database, types, settings, storage, logins, moment, visitor, token, address, over_tls(asking), hub=hub,
            channels=channels, together=together,
        )

    async def sweep() -> None:
        await rates.sweep(clock())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            await check_database(database)
            async with database.transaction() as session:
                await ensure_templates(session, types, clock())
            with suppress(OSError):  # /readyz says when documents cannot be stored
                settings.documents.mkdir(parents=True, exist_ok=True)
            async with (
                background.running() if background else nullcontext(),
                repeating(settings.sweep_seconds, sweep), listening(hub, database),
            ):
                yield
        finally:
            await slow.finish()
            await database.dispose()
            await asyncio.to_thread(flush_traces)
            forget_process()

    watch = Watch(slow, log_all=settings.log_operations is LoggedOperations.ALL)
    operations = Operations(
        make_schema(Mutation, Subscription), Limits.of(settings), watch,
        Admission(Trusted(database, settings.trusted_documents), rates, settings.introspection, settings.max_cost),
        Bounds(settings.operation_seconds, settings.max_operations),
    )
    streams = Streams(settings)
    routes = [
        WebSocketRoute("/graphql", socket_endpoint(operations, context_of, settings, streams)),
        Route("/documents/{id}", download_endpoint(context_of)),
        Route("/calendar/{token}.ics", calendar_endpoint(context_of, rates)),
        *operating_routes(readiness, settings),
        *(graphiql_routes() if settings.serves_graphiql else []),
    ]
    app = Shortcut(
        GraphQLEndpoint(operations, context_of, settings, streams), routes, lifespan=lifespan,
        middleware=[Middleware(Requests), *cors(settings.allowed_origins), Middleware(SecurityHeaders)],
        exception_handlers={Exception: _internal_error},
    )
    app.state.streams = streams
    return app


async def check_database(database: Database) -> None:
    """StartupError unless the database can be reached and has our tables."""
    try:
        async with database.reading() as session:
            await session.execute(select(Operator.id).limit(1))
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StartupError(f"The database cannot be used: {cause}. Run `samverkan migrate` first.") from error


async def _internal_error(_request: Request, error: Exception) -> Response:
    message, _ = bug(error)
    return PlainTextResponse(message, 500, {**HEADERS, "x-request-id": request_id.get()})
