"""How often a property is tried: a few times in the tests, and SAMVERKAN_FUZZ times, at random, in `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

TIMES = os.environ.get("SAMVERKAN_FUZZ", "")


def fuzzed(few: int) -> settings:
    """For a test that is marked with `pytest.mark.fuzz`."""
    return settings(
        max_examples=int(TIMES or few), derandomize=not TIMES, deadline=None, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
