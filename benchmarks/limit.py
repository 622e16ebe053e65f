"""The limit: a handler that passes the text of one JSON value from PostgreSQL through. No GraphQL, no login, no scope.

`DATABASE_URL=… uvicorn benchmarks.limit:app`; POST /catalogue, /order, /flat, /inbox, /targets; or /submit, one
statement that makes the rows of a submission, without asking whether it is right.
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

from benchmarks.json_text import array, json_object, or_null, page, quoted, selected, text, value

ENTITY = json_object(id=quoted("e.id"), code=value("e.code"), label=value("e.label"))
APPROVALS = selected(
    json_object(edges=array(json_object(node=json_object(
        id=quoted("a.id"), status=quoted("a.status"), deadline=value("a.deadline"), decidedAt=or_null("a.decided_at"),
    )), "a.deadline, a.id")),
    "FROM (SELECT * FROM approval WHERE order_id = o.id ORDER BY deadline, id LIMIT 5) a",
)
ORDERS = selected(
    page(
        quoted("o.id"),
        json_object(
            id=quoted("o.id"), code=value("o.code"), label=value("o.label"), status=quoted("o.status"),
            createdAt=value("o.created_at"), submittedAt=or_null("o.submitted_at"), entity=ENTITY, approvals=APPROVALS,
        ),
        "o.created_at DESC, o.id DESC", hasNextPage=value("count(*) = 10"), endCursor=or_null("min(o.code)"),
    ),
    '''FROM (SELECT * FROM "order" WHERE package_id = p.id ORDER BY created_at DESC, id DESC LIMIT 10) o
    JOIN entity e ON e.id = o.entity_id''',
)
CATALOGUE = selected(
    json_object(data=json_object(packages=page(
        quoted("p.id"),
        json_object(
            id=quoted("p.id"), code=value("p.code"), label=value("p.label"), status=quoted("p.status"),
            type=value("p.type"), folder=value("p.folder"), start=or_null("p.start"), end=or_null('p."end"'),
            registrationDeadline=or_null("p.registration_deadline"), message=value("p.message"), orders=ORDERS,
        ),
        "p.created_at DESC, p.id DESC", hasNextPage=value("count(*) = 50"), hasPreviousPage=value("false"),
        startCursor=or_null("max(p.code)"), endCursor=or_null("min(p.code)"),
    ))),
    "FROM (SELECT * FROM package ORDER BY created_at DESC, id DESC LIMIT 50) p",
)
ORDER = selected(
    json_object(data=json_object(node=json_object(
        id=quoted("o.id"), code=value("o.code"), label=value("o.label"), comment=value("o.comment"),
        status=quoted("o.status"), parameters=or_null("o.parameters"), createdAt=value("o.created_at"),
        submittedAt=or_null("o.submitted_at"),
        package=json_object(
            id=quoted("p.id"), code=value("p.code"), label=value("p.label"), status=quoted("p.status"),
            type=value("p.type"), registrationDeadline=or_null("p.registration_deadline"),
        ),
        entity=ENTITY, approvals=APPROVALS,
    ))),
    'FROM "order" o JOIN package p ON p.id = o.package_id JOIN entity e ON e.id = o.entity_id WHERE o.id = $1',
)
FLAT = selected(
    json_object(data=json_object(orders=page(
        quoted("o.id"),
        json_object(
            id=quoted("o.id"), code=value("o.code"), label=value("o.label"), comment=value("o.comment"),
            status=quoted("o.status"), cycle=value("o.cycle"), createdAt=value("o.created_at"),
            submittedAt=or_null("o.submitted_at"), approvedAt=or_null("o.approved_at"),
        ),
        "o.created_at DESC, o.id DESC", hasNextPage=value("count(*) = 1000"), endCursor=or_null("min(o.code)"),
    ))),
    'FROM (SELECT * FROM "order" ORDER BY created_at DESC, id DESC LIMIT 1000) o',
)
INBOX = selected(
    json_object(data=json_object(approvals=page(
        quoted("a.id"),
        json_object(
            id=quoted("a.id"), kind=quoted("a.subject"), status=quoted("a.status"), deadline=value("a.deadline"),
            requestedAt=value("a.requested_at"), subjectRevision=value("a.subject_revision"),
            package=json_object(id=quoted("p.id"), code=value("p.code"), label=value("p.label")),
            order=json_object(
                id=quoted("o.id"), code=value("o.code"), label=value("o.label"), status=quoted("o.status"),
                entity=ENTITY,
            ),
        ),
        "a.deadline, a.id", hasNextPage=value("count(*) = 50"), endCursor=or_null("min(o.code)"),
    ))),
    """FROM (SELECT * FROM approval WHERE status = 'PENDING' ORDER BY deadline, id LIMIT 50) a
    JOIN package p ON p.id = a.package_id JOIN "order" o ON o.id = a.order_id JOIN entity e ON e.id = o.entity_id""",
)
CONTACTS = selected(
    page(
        value("t.position"),
        json_object(
            position=value("t.position"), value=or_null("t.value"), kept=or_null("t.kept"), reason=or_null("t.reason"),
            contact=json_object(
                id=quoted("c.id"), email=or_null("c.email"), firstName=or_null("c.first_name"),
                lastName=or_null("c.last_name"), city=or_null("c.city"), postalCode=or_null("c.postal_code"),
                score=or_null("c.score"),
            ),
        ),
        "t.position", hasNextPage=value("count(*) = 100"), endCursor=or_null("max(t.position)"),
    ),
    """FROM (SELECT * FROM target WHERE order_id = o.id ORDER BY position LIMIT 100) t
    JOIN contact c ON c.id = t.contact_id""",
)
TARGETS = selected(
    json_object(data=json_object(node=json_object(id=quoted("o.id"), code=value("o.code"), contacts=CONTACTS))),
    'FROM "order" o WHERE o.id = $1',
)
SUBMIT = """
WITH submitted AS (
  UPDATE "order" SET status = 'ORDERED', submitted_at = now(), submitted_by_id = assignee_id, modified_at = now(),
    revision = revision + 1
  WHERE id = $1 AND revision = $2 AND status = 'DRAFT' RETURNING *
), asked AS (
  INSERT INTO approval (id, subject, package_id, order_id, entity_id, subject_revision, requested_at, requested_by_id,
    deadline, on_no_decision, status, comment, override, revision, created_at, modified_at)
  SELECT uuidv7(), 'ORDER', package_id, id, entity_id, revision, now(), submitted_by_id, now() + '3 days', 'NOTHING',
    'PENDING', '', false, 1, now(), now() FROM submitted RETURNING *
), written AS (
  INSERT INTO history (id, at, actor_id, subject, subject_id, subject_code, entity_id, revision, action, before, after,
    comment)
  SELECT uuidv7(), now(), submitted_by_id, 'ORDER', id, code, entity_id, revision, 'SUBMIT',
    '{"status": "DRAFT"}'::jsonb, '{"status": "ORDERED"}'::jsonb, '' FROM submitted
  UNION ALL SELECT uuidv7(), now(), requested_by_id, 'APPROVAL', id, '', entity_id, 1, 'ASK', '{}'::jsonb,
    jsonb_build_object('order_id', order_id, 'deadline', deadline), '' FROM asked
), told AS (
  INSERT INTO event (id, kind, at, actor_id, package_id, order_id, approval_id, entity_id, payload)
  SELECT uuidv7(), 'ORDER_SUBMITTED', now(), requested_by_id, package_id, order_id, id, entity_id, '{}' FROM asked
) SELECT """ + text(json_object(data=json_object(submitOrder=json_object(
    order=json_object(
        id=quoted("id"), status=quoted("status"), revision=value("revision"), submittedAt=value("submitted_at")
    ),
    problems=("'[]'",),
)))) + " FROM submitted"
STATEMENTS = {
    name: f"SELECT {text(document)}" for name, document in (
        ("catalogue", CATALOGUE), ("order", ORDER), ("flat", FLAT), ("inbox", INBOX), ("targets", TARGETS)
    )
}


async def answer(request: Request) -> Response:
    """The body may hold one id, as the variable of the GraphQL operation would."""
    asked = orjson.loads(await request.body())
    body = await request.app.state.pool.fetchval(
        STATEMENTS[request.path_params["name"]], *(UUID(value) for value in asked["variables"].values())
    )
    return Response(body, media_type="application/json")


async def submit(request: Request) -> Response:
    """With the input of the GraphQL mutation."""
    asked = orjson.loads(await request.body())["variables"]["input"]
    order = UUID(asked["id"].removeprefix("Order:"))
    body = await request.app.state.pool.fetchval(SUBMIT, order, asked["revision"])
    return Response(body or b"", 200 if body else 409, media_type="application/json")


@asynccontextmanager
async def connected(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], max_size=int(os.environ["POOL"])) as pool:
        app.state.pool = pool
        yield


app = Starlette(
    routes=[Route("/submit", submit, methods=["POST"]), Route("/{name}", answer, methods=["POST"])], lifespan=connected
)
