"""GraphiQL in a real browser: it works, with our own files only."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from graphql import parse, validate
from playwright.async_api import Browser, Page, expect
from starlette.applications import Starlette

from server.changes import Subject, changed
from server.database import Database
from server.graphql.mutation import Mutation
from server.graphql.page import graphiql_routes
from server.graphql.schema import make_schema
from server.graphql.subscription import Subscription
from tests.builders import a_campaign, a_package, an_entity, an_operator, an_order, given
from tests.web.conftest import PASSWORD

EXAMPLES = sorted((Path(__file__).parents[2] / "web" / "examples").glob("*.graphql"))


@dataclass
class Visit:
    """A page with what it asked for and complained about."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
async def visit(browser: Browser, site: str) -> AsyncIterator[Visit]:
    context = await browser.new_context()
    visit = Visit(await context.new_page())
    context.on("request", lambda request: visit.hosts.add(urlsplit(request.url).netloc))
    visit.page.on("console", lambda said: said.type in {"error", "warning"} and visit.complaints.append(said.text))
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    await visit.page.goto(f"{site}/graphiql")
    yield visit
    await context.close()


async def log_in(page: Page) -> None:
    await page.get_by_label("login", exact=True).fill("anna")
    await page.get_by_label("password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_text("Anna (anna, central)")).to_be_visible()


async def test_an_operator_logs_in_runs_an_example_and_logs_out(visit: Visit) -> None:
    page = visit.page
    await log_in(page)
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.locator(".graphiql-response")).to_contain_text('"name": "Anna"')
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()


async def test_before_the_login_the_page_says_so_and_asks_for_nothing_that_is_refused(visit: Visit) -> None:
    await expect(visit.page.locator(".login-bar output")).to_contain_text("Not logged in")
    await expect(visit.page.get_by_role("button", name="Execute query")).to_be_visible()
    assert visit.complaints == []


async def test_a_wrong_password_is_told(visit: Visit) -> None:
    await visit.page.get_by_label("login", exact=True).fill("anna")
    await visit.page.get_by_label("password").fill("wrong")
    await visit.page.get_by_role("button", name="Log in").click()
    await expect(visit.page.locator(".login-bar output")).to_have_text("The login or the password is wrong.")


async def test_no_request_leaves_for_another_host_and_nothing_fails(visit: Visit, site: str) -> None:
    page = visit.page
    await log_in(page)
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.locator(".graphiql-response")).to_contain_text('"name": "Anna"')
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("PackageConnection")
    await page.evaluate("document.fonts.ready")
    assert len(page.workers) >= 1, "the editor has no worker of its own"
    assert visit.hosts - {""} == {urlsplit(site).netloc}  # without a host: data inside our own files
    assert visit.complaints == []


async def test_a_subscription_shows_what_happens_until_it_is_stopped(visit: Visit, database: Database) -> None:
    page, response = visit.page, visit.page.locator(".graphiql-response")
    await log_in(page)
    await page.get_by_role("tab", name="Changes").click()
    execute = page.get_by_role("button", name="Execute query")
    await expect(execute).to_have_attribute("aria-haspopup", "menu")  # the editor knows its three operations
    await execute.click()
    await page.get_by_role("menuitem", name="Changes").click()
    await expect(response).to_contain_text('"reload": true')
    central = an_operator()
    package = a_package(campaign := a_campaign(), central)
    order = an_order(package, entity := an_entity(), code="ORD4711")
    await given(database, central, campaign, package, entity, order)
    async with database.transaction() as session:
        changed(session, Subject.ORDER, order.id)
    await expect(response).to_contain_text('"code": "ORD4711"')
    await page.get_by_role("button", name="Stop query").click()
    await expect(execute).to_be_visible()
    assert visit.complaints == []


async def test_the_examples_stand_in_the_tabs(visit: Visit) -> None:
    tabs = visit.page.get_by_role("tab")
    await expect(tabs).to_have_count(len(EXAMPLES))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_the_schema(example: Path) -> None:
    assert validate(make_schema(Mutation, Subscription)._schema, parse(example.read_text())) == []


async def test_without_a_bundle_the_page_says_how_to_build_it(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(Starlette(routes=graphiql_routes(tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url="http://samverkan") as client:
        response = await client.get("/graphiql")
    assert response.status_code == 503
    assert "make install" in response.text
