"""GraphiQL at /graphiql, from our own files; `make install` builds them from web/."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from server.graphql.transport.security import GRAPHIQL

BUNDLE = Path(__file__).parent / "graphiql"
HEADERS = {"content-security-policy": GRAPHIQL, "cache-control": "no-cache"}
MISSING = """<!doctype html><meta charset="utf-8"><title>samverkan · GraphiQL</title>
<p>GraphiQL has not been built in this installation. Run <code>make install</code> and load this page again;
the API itself works without it.</p>"""


class Assets(StaticFiles):
    """Scripts and styles, to be asked for again after an update."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]  # passed on as they came
        response.headers.update(HEADERS)
        return response


def graphiql_routes(bundle: Path = BUNDLE) -> list[Route | Mount]:
    """The page, and what it loads; without a bundle a page that says how to build it."""
    index = bundle / "index.html"

    async def page(_request: Request) -> Response:
        if not index.is_file():
            return HTMLResponse(MISSING, 503)
        return FileResponse(index, headers=HEADERS)

    return [
        Route("/graphiql", page),
        Mount("/graphiql/assets", Assets(directory=bundle / "assets", check_dir=False)),
    ]
