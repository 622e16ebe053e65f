"""Which addresses a webhook may have, as far as can be told from the address itself [7]."""

import pytest

from server.services.webhooks import check_url


@pytest.mark.parametrize(("url", "codes"), [
    ("https://hooks.example.org/samverkan?shop=1", []), ("https://hooks.example.org:8443/", []),
    ("https://93.184.215.14/", []), ("hooks.example.org", ["URL"]), ("ftp://hooks.example.org/", ["URL"]),
    ("https://", ["URL"]), ("https://[::1", ["URL"]), ("http://hooks.example.org/", ["URL"]),
    ("https://eva:secret@hooks.example.org/", ["URL"]), ("https://127.0.0.1/", ["PRIVATE_TARGET"]),
    ("https://[::1]/", ["PRIVATE_TARGET"]), ("https://localhost:8000/", ["PRIVATE_TARGET"]),
    ("https://169.254.169.254/latest", ["PRIVATE_TARGET"]), ("http://eva@10.0.0.1/", ["URL", "URL", "PRIVATE_TARGET"]),
])
def test_what_may_not_be_is_refused_with_every_reason(url: str, codes: list[str]) -> None:
    assert [(each.code, each.path) for each in check_url(url, private=False)] == [(code, ("url",)) for code in codes]


def test_for_trying_things_out_everything_that_is_an_address_will_do() -> None:
    assert list(check_url("http://127.0.0.1:9000/", private=True)) == []
