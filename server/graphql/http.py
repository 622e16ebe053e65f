"""The GraphQL endpoint: GraphQL over HTTP to the letter, around Strawberry's schema."""

import json
from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from typing import Any

import orjson
from graphql import DirectiveLocation, ExecutionResult, GraphQLDirective, GraphQLSchema, OperationType, execute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry import Schema

from server.graphql.context import Context
from server.graphql.documents import Document, DocumentRefusedError, Documents
from server.graphql.errors import bug, document_errors, field_errors, request_error
from server.graphql.guard import Limits
from server.graphql.multipart import check_preflight, of_multipart
from server.graphql.request import BadRequestError, GraphQLRequest, check_origin, limited, of_body, of_query_string
from server.settings import Settings

RESPONSE = "application/graphql-response+json"
JSON = "application/json"

ContextFactory = Callable[[Request], Awaitable[Context]]
Endpoint = Callable[[Request], Awaitable[Response]]


def graphql_endpoint(
    schema: Schema, context_of: ContextFactory, settings: Settings, limits: Limits | None = None
) -> Endpoint:
    """Answers requests with `schema`; `context_of` tells who asks. Nothing is executed before the request is
    well-formed, from no other site, and its document valid and within `limits`."""
    core = schema._schema
    readable_by_old_clients(core)
    documents = Documents(core, limits or Limits())

    async def endpoint(request: Request) -> Response:
        try:
            media_type = accepted(request.headers.getlist("accept"))
            context = await context_of(request)
            asked = await _read(request, settings, context)
            try:
                return await _answer(asked, context, request.method, media_type)
            finally:
                for file in asked.files:
                    await file.close()
        except BadRequestError as refusal:
            return _response({"errors": [request_error(refusal.message, refusal.code)]}, refusal.status, JSON,
                             refusal.headers)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            message, extensions = bug(error)
            return _response({"errors": [{"message": message, "extensions": extensions}]}, 500, JSON)

    async def _answer(asked: GraphQLRequest, context: Context, method: str, media_type: str) -> Response:
        refused = 200 if media_type == JSON else 400
        try:
            document = documents.of(asked.query)
            kind = document.operation(asked.operation_name).operation
        except DocumentRefusedError as refusal:
            return _response({"errors": refusal.errors}, refused, media_type)
        if kind is OperationType.SUBSCRIPTION:
            raise BadRequestError(400, "Subscriptions are not served over HTTP.")
        if method == "GET" and kind is not OperationType.QUERY:
            raise BadRequestError(405, "A GET can only query: send mutations with POST.", allow="POST")
        result = await _run(schema, document, asked, context)
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            errors = document_errors(result.errors, "BAD_USER_INPUT")  # the variables do not fit
            return _response({"errors": errors}, refused, media_type)
        errors_of = {"errors": field_errors(result.errors)} if result.errors else {}
        return _response({"data": result.data, **errors_of}, 200, media_type, context.headers)

    return endpoint


async def _read(request: Request, settings: Settings, context: Context) -> GraphQLRequest:
    if request.method == "GET":
        return of_query_string(request.query_params)
    if request.method != "POST":
        raise BadRequestError(405, "Send a POST with JSON, or a GET for a query.", allow="GET, POST")
    check_origin(request)
    media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BadRequestError(415, "Send the body without a content encoding.")
    match media_type.strip():
        case "application/json":
            if parameters.rpartition("charset=")[2].split(";")[0].strip(' "') not in ("", "utf-8", "utf8"):
                raise BadRequestError(415, "Send the JSON in UTF-8.")
            return of_body(b"".join([chunk async for chunk in limited(request, settings.max_body_bytes)]))
        case "multipart/form-data":
            check_preflight(request)
            if context.visitor is None:
                raise BadRequestError(401, "Log in first: uploads need a login.", "UNAUTHENTICATED")
            return await of_multipart(request, settings)
    raise BadRequestError(415, "Send the request as application/json, or as multipart/form-data with files.")


async def _run(schema: Schema, document: Document, asked: GraphQLRequest, context: Context) -> ExecutionResult:
    """Strawberry's resolvers, executed without its second parsing, validation and logging of every refusal."""
    result = execute(
        schema._schema, document.ast, variable_values=asked.variables, operation_name=asked.operation_name,
        context_value=context, executor_class=schema.execution_context_class,
    )
    return await result if isawaitable(result) else result


def accepted(accept: list[str]) -> str:
    """The media type to answer in; without a preference the one that makes statuses mean something."""
    best, chosen = 0.0, ""
    for entry in ",".join(accept).lower().split(",") if accept else ["*/*"]:
        name, *parameters = (part.strip() for part in entry.split(";"))
        quality = next((_quality(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
        offered = RESPONSE if name in ("*/*", "application/*") else name
        if offered in (RESPONSE, JSON) and quality > best:
            best, chosen = quality, offered
    if not chosen:
        raise BadRequestError(406, f"This endpoint answers in {RESPONSE} or {JSON}; people want /graphiql.")
    return chosen


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _response(
    body: dict[str, Any], status: int, media_type: str, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    try:
        content = orjson.dumps(body)
    except TypeError:  # an integer of more than 64 bits
        content = json.dumps(body).encode()
    response = Response(content, status, media_type=f"{media_type}; charset=utf-8")
    for name, value in (("cache-control", "no-store"), *headers):
        response.headers.append(name, value)
    return response


def readable_by_old_clients(schema: GraphQLSchema) -> None:
    """graphql-core 3.3 announces a directive location that clients built on graphql-js 16 or graphql-core 3.2 do not
    know and stop at; no document can use it, so it is left out of the introspection."""
    new = DirectiveLocation.DIRECTIVE_DEFINITION
    schema.directives = tuple(
        GraphQLDirective(
            directive.name, [location for location in directive.locations if location is not new],
            args=directive.args, is_repeatable=directive.is_repeatable, description=directive.description,
        )
        for directive in schema.directives
    )
