"""The GraphQL endpoint: GraphQL over HTTP to the letter, around Strawberry's schema."""

from collections.abc import Awaitable, Callable, Iterable

from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from server.graphql.context import Context
from server.graphql.documents import DocumentRefusedError
from server.graphql.errors import bug, request_error
from server.graphql.multipart import check_preflight, of_multipart
from server.graphql.operations import Operation, Operations, refusal
from server.graphql.request import BadRequestError, GraphQLRequest, check_origin, limited, of_body, of_query_string
from server.settings import Settings

RESPONSE = "application/graphql-response+json"
JSON = "application/json"

ContextFactory = Callable[[Request], Awaitable[Context]]
Endpoint = Callable[[Request], Awaitable[Response]]


def graphql_endpoint(operations: Operations, context_of: ContextFactory, settings: Settings) -> Endpoint:
    """Answers requests; `context_of` tells who asks. Nothing is executed before the request is well-formed, from no
    other site, and its document accepted."""

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
        except BadRequestError as refused:
            return _response(refusal([request_error(refused.message, refused.code)]).body, refused.status, JSON,
                             refused.headers)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            message, extensions = bug(error)
            return _response(refusal([{"message": message, "extensions": extensions}]).body, 500, JSON)

    async def _answer(asked: GraphQLRequest, context: Context, method: str, media_type: str) -> Response:
        try:
            operation = operations.prepared(asked)
        except DocumentRefusedError as refused:
            answer = refusal(refused.errors)
        else:
            _check_method(operation, method)
            answer = await operations.answer(operation, context)
        status = 200 if answer.executed or media_type == JSON else 400
        return _response(answer.body, status, media_type, context.headers)

    return endpoint


def _check_method(operation: Operation, method: str) -> None:
    if operation.kind is OperationType.SUBSCRIPTION:
        raise BadRequestError(400, "Subscriptions are not served over HTTP.")
    if method == "GET" and operation.kind is not OperationType.QUERY:
        raise BadRequestError(405, "A GET can only query: send mutations with POST.", allow="POST")


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
    content: bytes, status: int, media_type: str, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    response = Response(content, status, media_type=f"{media_type}; charset=utf-8")
    for name, value in (("cache-control", "no-store"), *headers):
        response.headers.append(name, value)
    return response
