"""Puts the server together; the only place that constructs collaborators."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from server.database import Database
from server.domain.network import Operator
from server.errors import StartupError
from server.graphql.context import Context
from server.graphql.downloads import download_endpoint
from server.graphql.errors import bug
from server.graphql.http import graphql_endpoint
from server.graphql.mutation import Mutation
from server.graphql.operations import Operations
from server.graphql.page import graphiql_routes
from server.graphql.schema import make_schema
from server.graphql.security import HEADERS, SecurityHeaders
from server.identity.credentials import token_of
from server.identity.logins import Logins
from server.jobs.loop import repeating
from server.jobs.type_jobs import run_type_jobs
from server.logs import configure_logs
from server.plugins import load_campaign_types
from server.services.due import Due
from server.services.templates import ensure_templates
from server.settings import Settings
from server.storage import FolderStorage

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The GraphQL endpoint refuses the wrong ones itself, in words that GraphQL clients read."""


def now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings, clock: Callable[[], datetime] = now) -> Starlette:
    """The whole server. StartupError, before anything runs, when a campaign type does not fit or the database cannot
    be used; its message lists every fault."""
    configure_logs()
    types = load_campaign_types()
    database = Database(settings.database)
    storage = FolderStorage(settings.documents)
    logins = Logins(database, settings)
    due = Due(database, types, settings)

    async def context_of(request: Request) -> Context:
        moment, token = clock(), token_of(request, settings)
        visitor = await logins.caller_of(token, moment) if token else None
        address = request.client.host if request.client else ""
        return Context(database, types, settings, storage, logins, moment, visitor, token, address)

    async def healthy(_request: Request) -> Response:
        try:
            await check_database(database)
        except StartupError as error:
            return JSONResponse({"status": "unavailable", "reason": str(error)}, 503)
        return JSONResponse({"status": "ok"})

    async def advance() -> None:
        moment = clock()
        await due.advance(moment)
        await run_type_jobs(database, types, moment)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            await check_database(database)
            async with database.transaction() as session:
                await ensure_templates(session, types, clock())
            async with repeating(settings.advance_seconds, advance):
                yield
        finally:
            await database.dispose()

    operations = Operations(make_schema(Mutation))
    routes = [
        Route("/graphql", graphql_endpoint(operations, context_of, settings), methods=METHODS),
        Route("/documents/{id}", download_endpoint(context_of)),
        Route("/healthz", healthy),
        *(graphiql_routes() if settings.graphiql else []),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(SecurityHeaders)], lifespan=lifespan,
        exception_handlers={Exception: _internal_error},
    )


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
    return PlainTextResponse(message, 500, HEADERS)
