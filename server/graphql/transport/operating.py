"""What probes and monitoring ask: /healthz, /readyz, /metrics."""

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.observability import metrics
from server.readiness import Readiness
from server.settings import Settings

FRESH = {"cache-control": "no-store"}


def operating_routes(readiness: Readiness, settings: Settings) -> list[Route]:
    """/healthz: the process answers. /readyz: it can do its work, or why not. /metrics: for who has the token."""

    async def healthy(_request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers=FRESH)

    async def ready(_request: Request) -> Response:
        found = await readiness.look()
        status = "ready" if found["ready"] else "unavailable"
        return JSONResponse({"status": status, "checks": found["checks"]}, 200 if found["ready"] else 503, FRESH)

    async def measured(request: Request) -> Response:
        wanted = f"Bearer {settings.metrics_token}".encode()
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted):
            return Response(status_code=401, headers=FRESH | {"www-authenticate": "Bearer"})
        return Response(metrics.exposition(), headers=FRESH, media_type=metrics.CONTENT_TYPE)

    routes = [Route("/healthz", healthy), Route("/readyz", ready)]
    return [*routes, Route("/metrics", measured)] if settings.metrics_token else routes
