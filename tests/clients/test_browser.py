"""In a browser: Altair on a page of another origin, with a token; a page of our own, with the login cookie."""

import shutil
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.clients.conftest import HERE, LOGIN, PASSWORD, Pages, Site, run
from tests.web.conftest import browser

__all__ = ["browser"]  # a fixture
PATIENCE = 30_000
ALTAIR = """
import { renderAltair } from "altair-static";
const [endpointURL, authorization, initialQuery] = process.argv.slice(1);
console.log(renderAltair({ baseURL: "/", endpointURL, initialQuery, initialHeaders: { authorization } }));
"""


async def open_altair(browser: Browser, site: Site, pages: Pages, modules: Path) -> Page:
    """Altair as its package serves it, with the address of our server, a token, and a query."""
    arguments = (site.graphql, f"Bearer {site.token}", "{ viewer { name } }")
    start = run("node", "--input-type=module", "-e", ALTAIR, *arguments, folder=modules.parent)
    shutil.copytree(modules / "altair-static" / "build" / "dist", pages.folder, dirs_exist_ok=True)
    (pages.folder / "index.html").write_text(start)
    page = await browser.new_page()
    await page.goto(pages.origin)
    return page


async def test_altair_on_another_origin_reads_the_schema_and_asks(
    browser: Browser, site: Site, pages: Pages, modules: Path
) -> None:
    page = await open_altair(browser, site, pages, modules)
    await page.get_by_role("button", name="Send Request").click()
    await expect(page.locator("app-query-result")).to_contain_text('"name": "Ingrid Nordmark"', timeout=PATIENCE)
    await page.get_by_text("Docs", exact=True).click()
    await expect(page.locator("app-doc-viewer")).to_contain_text("Mutation", timeout=PATIENCE)


async def test_a_page_of_our_own_logs_in_by_cookie_and_uploads(browser: Browser, site: Site) -> None:
    context = await browser.new_context(bypass_csp=True)  # the page stands in for the app, which brings its own policy
    page = await context.new_page()
    await page.goto(f"{site.address}/healthz")
    await page.add_script_tag(path=HERE / "cookie.js")
    seen = await page.evaluate("([login, password]) => tryOut(login, password)", [LOGIN, PASSWORD])
    assert seen == {"token": None, "viewer": "Ingrid Nordmark", "document": "windows.txt", "script": ""}
    await context.close()
