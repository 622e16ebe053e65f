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
from starlette.routing import BaseRoute, Route, WebSocketRoute

from server.background import Background
from server.channel import Reaches
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
from server.graphql.transport.security import HEADERS, RAW
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
    parts = Parts(settings, clock)
    operations, streams = parts.operations(), Streams(settings)
    app = Shortcut(
        GraphQLEndpoint(operations, parts.context_of, settings, streams), parts.routes(operations, streams),
        lifespan=parts.running, exception_handlers={Exception: _internal_error},
        middleware=[Middleware(Requests, standing=RAW), *cors(settings.allowed_origins)],
    )
    app.state.streams = streams
    return app


class Parts:
    """What one server is made of."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.settings, self.clock = settings, clock
        self.types, channels = load_campaign_types(), load_channels(settings)
        self.people = tuple(name for name, each in channels.items() if each.channel.reaches is Reaches.PEOPLE)
        self.database = database = Database(settings.database)
        self.storage = FolderStorage(settings.documents)
        self.logins = Logins(database, settings)
        self.rates = Rates(database, settings)
        self.hub = Hub(database)
        self.together = Together()
        self.slow = SlowLog(settings.slow_seconds, partial(explain, database))
        embedded = settings.jobs is Jobs.EMBEDDED
        self.background = Background(database, self.types, channels, settings, clock) if embedded else None
        idle = self.background.idle if self.background else None
        self.readiness = Readiness(checks_of(database, settings.documents, newest(), idle))

    async def context_of(self, asking: HTTPConnection) -> Context:
        moment, token = self.clock(), token_of(asking, self.settings)
        visitor = await self.logins.recent_caller_of(token, moment) if token else None
        address = asking.client.host if asking.client else ""
        return Context(
            self.database, self.types, self.settings, self.storage, self.logins, moment, visitor, token, address,
            over_tls(asking), hub=self.hub, channels=self.people, together=self.together,
        )

    def operations(self) -> Operations:
        settings = self.settings
        trusted = Trusted(self.database, settings.trusted_documents)
        return Operations(
            make_schema(Mutation, Subscription), Limits.of(settings),
            Watch(self.slow, log_all=settings.log_operations is LoggedOperations.ALL),
            Admission(trusted, self.rates, settings.introspection, settings.max_cost),
            Bounds(settings.operation_seconds, settings.max_operations),
        )

    def routes(self, operations: Operations, streams: Streams) -> list[BaseRoute]:
        """All but that of GraphQL over HTTP."""
        return [
            WebSocketRoute("/graphql", socket_endpoint(operations, self.context_of, self.settings, streams)),
            Route("/documents/{id}", download_endpoint(self.context_of)),
            Route("/calendar/{token}.ics", calendar_endpoint(self.context_of, self.rates)),
            *operating_routes(self.readiness, self.settings),
            *(graphiql_routes() if self.settings.serves_graphiql else []),
        ]

    @asynccontextmanager
    async def running(self, _app: Starlette) -> AsyncIterator[None]:
        """What runs beside the requests, while the server does."""
        try:
            await check_database(self.database)
            async with self.database.transaction() as session:
                await ensure_templates(session, self.types, self.clock())
            with suppress(OSError):  # /readyz says when documents cannot be stored
                self.settings.documents.mkdir(parents=True, exist_ok=True)
            async with (
                self.background.running() if self.background else nullcontext(),
                repeating(self.settings.sweep_seconds, self._sweep), listening(self.hub, self.database),
            ):
                yield
        finally:
            await self.slow.finish()
            await self.database.dispose()
            await asyncio.to_thread(flush_traces)
            forget_process()

    async def _sweep(self) -> None:
        await self.rates.sweep(self.clock())


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
