"""Distributions that are made up for one test: a folder with a module and the metadata that pip would write."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

Install = Callable[..., str]
NUMBERS = count(1)

GOOD = '''
from server.campaign_type import CONTRACT, CampaignType, TakePart

class Good(CampaignType):
    contract = CONTRACT
    label = "Good"
    template = "good"
    def fields(self, package):
        return ()
    def after_approval(self, package, order):
        return (TakePart(),)
'''
"""A campaign type that fits; tests replace or append what makes it faulty."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install("sweep", code, "Sweep")`: a distribution whose entry point `sweep` names `Sweep` of that code."""

    def installed(
        name: str, code: str = GOOD, attribute: str = "Good", distribution: str = "",
        group: str = "samverkan.campaign_types",
    ) -> str:
        module = f"made_up_{next(NUMBERS)}"
        distribution = distribution or f"samverkan-{name}"
        folder = tmp_path / module
        metadata = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (folder / f"{module}.py").write_text(code)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:{attribute}\n")
        monkeypatch.syspath_prepend(folder)
        return distribution

    return installed
