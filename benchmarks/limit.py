"""The limit: a handler that passes the text of one JSON value from PostgreSQL through. No GraphQL, no login, no scope.

`DATABASE_URL=… uvicorn benchmarks.limit:app`; POST /catalogue, /order, /flat, /inbox or /targets.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

APPROVALS = """
  CROSS JOIN LATERAL (
    SELECT json_build_object('edges', coalesce(json_agg(json_build_object('node', json_build_object(
      'id', a.id, 'status', a.status, 'deadline', a.deadline, 'decidedAt', a.decided_at
    )) ORDER BY a.deadline, a.id), '[]')) AS page
    FROM (SELECT * FROM approval WHERE order_id = o.id ORDER BY deadline, id LIMIT 5) a
  ) approvals
"""
CATALOGUE = f"""
SELECT json_build_object('data', json_build_object('packages', json_build_object(
  'edges', json_agg(json_build_object('cursor', p.id, 'node', json_build_object(
    'id', p.id, 'code', p.code, 'label', p.label, 'status', p.status, 'type', p.type, 'folder', p.folder,
    'start', p.start, 'end', p.end, 'registrationDeadline', p.registration_deadline, 'message', p.message,
    'orders', orders.page
  )) ORDER BY p.created_at DESC, p.id DESC),
  'pageInfo', json_build_object(
    'hasNextPage', count(*) = 50, 'hasPreviousPage', false, 'startCursor', max(p.code), 'endCursor', min(p.code)
  )
)))::text
FROM (SELECT * FROM package ORDER BY created_at DESC, id DESC LIMIT 50) p
CROSS JOIN LATERAL (
  SELECT json_build_object(
    'edges', coalesce(json_agg(json_build_object('cursor', o.id, 'node', json_build_object(
      'id', o.id, 'code', o.code, 'label', o.label, 'status', o.status, 'createdAt', o.created_at,
      'submittedAt', o.submitted_at, 'entity', json_build_object('id', e.id, 'code', e.code, 'label', e.label),
      'approvals', approvals.page
    )) ORDER BY o.created_at DESC, o.id DESC), '[]'),
    'pageInfo', json_build_object('hasNextPage', count(*) = 10, 'endCursor', min(o.code))
  ) AS page
  FROM (SELECT * FROM "order" WHERE package_id = p.id ORDER BY created_at DESC, id DESC LIMIT 10) o
  JOIN entity e ON e.id = o.entity_id {APPROVALS}
) orders
"""
ORDER = f"""
SELECT json_build_object('data', json_build_object('node', json_build_object(
  'id', o.id, 'code', o.code, 'label', o.label, 'comment', o.comment, 'status', o.status, 'parameters', o.parameters,
  'createdAt', o.created_at, 'submittedAt', o.submitted_at,
  'package', json_build_object('id', p.id, 'code', p.code, 'label', p.label, 'status', p.status, 'type', p.type,
                               'registrationDeadline', p.registration_deadline),
  'entity', json_build_object('id', e.id, 'code', e.code, 'label', e.label), 'approvals', approvals.page
)))::text
FROM "order" o JOIN package p ON p.id = o.package_id JOIN entity e ON e.id = o.entity_id {APPROVALS}
WHERE o.id = $1
"""
FLAT = """
SELECT json_build_object('data', json_build_object('orders', json_build_object(
  'edges', json_agg(json_build_object('cursor', o.id, 'node', json_build_object(
    'id', o.id, 'code', o.code, 'label', o.label, 'comment', o.comment, 'status', o.status, 'cycle', o.cycle,
    'createdAt', o.created_at, 'submittedAt', o.submitted_at, 'approvedAt', o.approved_at
  )) ORDER BY o.created_at DESC, o.id DESC),
  'pageInfo', json_build_object('hasNextPage', count(*) = 1000, 'endCursor', min(o.code))
)))::text
FROM (SELECT * FROM "order" ORDER BY created_at DESC, id DESC LIMIT 1000) o
"""
INBOX = """
SELECT json_build_object('data', json_build_object('approvals', json_build_object(
  'edges', json_agg(json_build_object('cursor', a.id, 'node', json_build_object(
    'id', a.id, 'kind', a.subject, 'status', a.status, 'deadline', a.deadline, 'requestedAt', a.requested_at,
    'subjectRevision', a.subject_revision, 'package', json_build_object('id', p.id, 'code', p.code, 'label', p.label),
    'order', json_build_object('id', o.id, 'code', o.code, 'label', o.label, 'status', o.status,
                               'entity', json_build_object('id', e.id, 'code', e.code, 'label', e.label))
  )) ORDER BY a.deadline, a.id),
  'pageInfo', json_build_object('hasNextPage', count(*) = 50, 'endCursor', min(o.code))
)))::text
FROM (SELECT * FROM approval WHERE status = 'PENDING' ORDER BY deadline, id LIMIT 50) a
JOIN package p ON p.id = a.package_id JOIN "order" o ON o.id = a.order_id JOIN entity e ON e.id = o.entity_id
"""
TARGETS = """
SELECT json_build_object('data', json_build_object('node', json_build_object(
  'id', o.id, 'code', o.code, 'contacts', (
    SELECT json_build_object(
      'edges', json_agg(json_build_object('cursor', t.position, 'node', json_build_object(
        'position', t.position, 'value', t.value, 'kept', t.kept, 'reason', t.reason, 'contact', json_build_object(
          'id', c.id, 'email', c.email, 'firstName', c.first_name, 'lastName', c.last_name, 'city', c.city,
          'postalCode', c.postal_code, 'score', c.score
        )
      )) ORDER BY t.position),
      'pageInfo', json_build_object('hasNextPage', count(*) = 100, 'endCursor', max(t.position))
    )
    FROM (SELECT * FROM target WHERE order_id = o.id ORDER BY position LIMIT 100) t
    JOIN contact c ON c.id = t.contact_id
  )
)))::text
FROM "order" o WHERE o.id = $1
"""
STATEMENTS = {"catalogue": CATALOGUE, "order": ORDER, "flat": FLAT, "inbox": INBOX, "targets": TARGETS}


async def answer(request: Request) -> Response:
    """The body may hold one id, as the variable of the GraphQL operation would."""
    asked = orjson.loads(await request.body())
    body = await request.app.state.pool.fetchval(
        STATEMENTS[request.path_params["name"]], *(UUID(value) for value in asked["variables"].values())
    )
    return Response(body, media_type="application/json")


@asynccontextmanager
async def connected(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], max_size=int(os.environ["POOL"])) as pool:
        app.state.pool = pool
        yield


app = Starlette(routes=[Route("/{name}", answer, methods=["POST"])], lifespan=connected)
