"""The way of a request through the server, short for the requests that matter most."""

from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/graphql"


class Shortcut(Starlette):
    """Takes requests to GraphQL, which answers for its own errors, past Starlette's routing: that would cost as much
    as reading a small one. The middleware is the same for both."""

    def __init__(self, graphql: ASGIApp, routes: list[Any], middleware: list[Any], **named: Any) -> None:
        super().__init__(routes=[Route(PATH, graphql), *routes], middleware=middleware, **named)
        for each in reversed(middleware):
            graphql = each.cls(graphql, *each.args, **each.kwargs)
        self._graphql = graphql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
