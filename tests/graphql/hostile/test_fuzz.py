"""Requests at random: whatever is sent is answered, well-formed, and never by a bug."""

import json
from random import Random

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import fuzzed
from tests.graphql.hostile.documents_at_random import Made


@pytest.mark.fuzz
@fuzzed(150)
@given(st.randoms(use_true_random=False))
async def test_a_request_at_random_is_answered_as_graphql_says(client: httpx.AsyncClient, chance: Random) -> None:
    request = Made(chance).request()
    response = await client.post("/graphql", content=json.dumps(request).encode())
    answer = response.json()
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert response.status_code in (200, 400), request
    assert ("data" in answer) is (response.status_code == 200), request
    assert answer.get("data") is not None or codes, request
    assert "INTERNAL" not in codes, request
