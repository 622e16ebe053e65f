"""Links lead to the web interface, wherever it is."""

import pytest
from pydantic import ValidationError

from server.notifications.links import Links
from server.settings import Settings


@pytest.mark.parametrize(("settings", "link"), [
    ({}, "http://127.0.0.1:8000/packages/CAT1"),
    ({"host": "::1", "port": 80}, "http://[::1]:80/packages/CAT1"),
    ({"web_address": "https://shop.example/app/"}, "https://shop.example/app/packages/CAT1"),
])
def test_links_begin_with_the_address_of_the_web_interface(settings: dict[str, str], link: str) -> None:
    assert Links(Settings(**settings)).package("CAT1") == link


@pytest.mark.parametrize("address", ["shop.example", "ftp://shop.example", "https://shop.example/?a", 'https://"x'])
def test_what_is_no_address_of_a_page_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="is not an address such as"):
        Settings(web_address=address)
