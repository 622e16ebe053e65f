"""What the README shows is what the tests run."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "tests" / "plugins" / "third_party"


@pytest.mark.parametrize("name", ["samverkan_chat.py", "pyproject.toml"])
def test_the_channel_in_the_readme_is_the_one_that_is_installed_in_tests(name: str) -> None:
    assert (EXAMPLE.with_name("third_party_channel") / name).read_text() in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", ["samverkan_sweepstake.py", "pyproject.toml", "contract_of_sweepstake.py"])
def test_the_campaign_type_in_the_readme_is_the_one_that_is_installed_in_tests(name: str) -> None:
    assert (EXAMPLE / name).read_text() in (ROOT / "README.md").read_text()
