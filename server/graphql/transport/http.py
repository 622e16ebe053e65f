"""The GraphQL endpoint: GraphQL over HTTP to the letter, around Strawberry's schema."""

from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from server.graphql.answers import Answer, masked, refusal
from server.graphql.context import Context
from server.graphql.documents import DocumentRefusedError
from server.graphql.errors import request_error
from server.graphql.limits.deadlines import Deadlines
from server.graphql.operations import Operation, Operations
from server.graphql.transport.bodies import in_time, whole
from server.graphql.transport.heads import Asking
from server.graphql.transport.multipart import check_preflight, of_multipart
from server.graphql.transport.negotiation import EVENTS, JSON, accepted, takes_events, takes_gzip
from server.graphql.transport.origins import check_origin
from server.graphql.transport.replies import Reply, has
from server.graphql.transport.request import BadRequestError, GraphQLRequest, json_of, of_object, of_query_string
from server.graphql.transport.sse import COMPLETE, EventStream, event
from server.graphql.transport.streams import ContextFactory, Streams, renewed
from server.settings import Settings


class GraphQLEndpoint:
    """Answers requests; `context_of` tells who asks. Nothing is executed before the request is well-formed, from no
    other site, and its document accepted."""

    def __init__(
        self, operations: Operations, context_of: ContextFactory, settings: Settings, streams: Streams
    ) -> None:
        self._operations, self._context_of, self._settings, self._streams = operations, context_of, settings, streams
        self._deadlines = Deadlines(settings.body_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply: Reply | EventStream
        try:
            reply = await self._reply(Asking(scope, in_time(receive, self._deadlines)))
        except BadRequestError as refused:
            body = refusal([request_error(refused.message, refused.code)]).body
            reply = Reply.of(refused.status, body, JSON, refused.headers)
        except ClientDisconnect:
            reply = Reply(400, b"")
        except Exception as error:
            reply = Reply.of(500, masked(error).body, JSON)
        await reply(receive, send)

    async def _reply(self, request: Request) -> Reply | EventStream:
        if request.method not in ("GET", "POST"):
            raise BadRequestError(405, "Send a POST with JSON, or a GET for a query.", allow="GET, POST")
        media_type = accepted(tuple(request.headers.getlist("accept")))
        check_origin(request, self._settings.allowed_origins)
        context = await self._context_of(request)
        asked = await self._read(request, context)
        if isinstance(asked, list):
            return await self._batch(asked, request, context)
        try:
            return await self._single(asked, request, context, media_type)
        finally:
            for file in asked.files:
                await file.close()

    async def _read(self, request: Request, context: Context) -> GraphQLRequest | list[GraphQLRequest]:
        if request.method == "GET":
            return of_query_string(request.query_params)
        media_type, _, parameters = request.headers.get("content-type", "").lower().partition(";")
        if request.headers.get("content-encoding", "identity") != "identity":
            raise BadRequestError(415, "Send the body without a content encoding.")
        match media_type.strip():
            case "application/json":
                if parameters.rpartition("charset=")[2].split(";")[0].strip(' "') not in ("", "utf-8", "utf8"):
                    raise BadRequestError(415, "Send the JSON in UTF-8.")
                return self._requests(json_of(await whole(request, self._settings.max_body_bytes), "The body"))
            case "multipart/form-data":
                check_preflight(request)
                if context.visitor is None:
                    raise BadRequestError(401, "Log in first: uploads need a login.", "UNAUTHENTICATED")
                return await of_multipart(request, self._settings)
        raise BadRequestError(415, "Send the request as application/json, or as multipart/form-data with files.")

    def _requests(self, given: object) -> GraphQLRequest | list[GraphQLRequest]:
        most = self._settings.max_batch
        if not isinstance(given, list) or not most:
            return of_object(given)
        if not 0 < len(given) <= most:
            raise BadRequestError(400, f"A list must bring between 1 and {most} operations.")
        return [of_object(each) for each in given]

    async def _single(
        self, asked: GraphQLRequest, request: Request, context: Context, media_type: str
    ) -> Reply | EventStream:
        try:
            operation = await self._prepared(asked, request, context)
        except DocumentRefusedError as refused:
            return _reply(refusal(refused.errors, refused.status, refused.headers), context, media_type)
        if operation.kind is OperationType.SUBSCRIPTION:
            if not takes_events(request.headers.getlist("accept")):
                raise BadRequestError(406, f"Subscriptions are answered as {EVENTS}, or over a WebSocket.")
            self._streams.check_place(request)
            answers = self._operations.subscribe(operation, context, lambda: renewed(self._context_of, request))
            return EventStream(request, answers, self._streams, self._settings)
        reply = _reply(await self._operations.answer(operation, context), context, media_type)
        if operation.kind is OperationType.QUERY:
            await self._spare(reply, request)
        return reply

    async def _batch(self, asked: list[GraphQLRequest], request: Request, context: Context) -> Reply:
        """The answers to a list in its order, each asked for in a context of its own; always 200."""
        bodies: list[bytes] = []
        headers: list[tuple[str, str]] = []
        for each in asked:
            own = await self._context_of(request) if bodies else context
            answer = await self._answer(each, request, own)
            bodies.append(answer.body)
            headers += [*answer.headers, *own.headers]
        return Reply.of(200, b"[" + b",".join(bodies) + b"]", JSON, headers)

    async def _answer(self, asked: GraphQLRequest, request: Request, context: Context) -> Answer:
        try:
            operation = await self._prepared(asked, request, context)
        except DocumentRefusedError as refused:
            return refusal(refused.errors, refused.status, refused.headers)
        if operation.kind is OperationType.SUBSCRIPTION:
            raise BadRequestError(400, "A list cannot bring subscriptions.")
        return await self._operations.answer(operation, context)

    async def _prepared(self, asked: GraphQLRequest, request: Request, context: Context) -> Operation:
        operation = await self._operations.prepared(asked, context)
        if request.method == "GET" and operation.kind is OperationType.MUTATION:
            raise BadRequestError(405, "A GET can only query: send mutations with POST.", allow="POST")
        return operation

    async def _spare(self, reply: Reply, request: Request) -> None:
        """Compresses the answer to a query, and does not send what a GET has already got. Answers to mutations are
        left alone: a token must not be compressed beside what others can choose."""
        least = self._settings.compress_from_bytes
        gzip = 0 < least <= len(reply.body) and takes_gzip(request.headers.get("accept-encoding", ""))
        tag = reply.tag(gzip) if request.method == "GET" and reply.status == 200 else None
        if tag and has(request.headers.get("if-none-match", ""), tag):
            reply.leave_out()
        elif gzip:
            await reply.compress()


def _reply(answer: Answer, context: Context, media_type: str) -> Reply:
    headers = (*answer.headers, *context.headers)
    if media_type == EVENTS:
        return Reply.of(200, event(answer) + COMPLETE, EVENTS, headers)
    status = answer.status or (200 if answer.executed or media_type == JSON else 400)
    return Reply.of(status, answer.body, media_type, headers)
