"""docs/clients.md says what is tested here: the excerpts and the versions."""

import json
import re

from tests.clients.conftest import HERE, ROOT

TEXT = (ROOT / "docs" / "clients.md").read_text()


def test_the_excerpts_are_those_of_the_files() -> None:
    source, excerpts = "", re.findall(r"From `(tests/clients/.+?)`|^```\w+\n(.*?)^```", TEXT, re.M | re.S)
    for file, excerpt in excerpts:
        source = (ROOT / file).read_text() if file else source
        assert excerpt in source
    assert len(excerpts) > 30


def test_the_versions_are_those_of_the_locks() -> None:
    locked = {name: version.rpartition("@")[2] for name, version in
              json.loads((HERE / "package.json").read_text())["dependencies"].items()}
    for text in ((HERE / "requirements.txt").read_text(), (ROOT / "pyproject.toml").read_text()):
        locked |= dict(re.findall(r"^\W*([\w-]+)(?:\[\w+\])?==([\d.]+)", text, re.M))
    told = re.findall(r"`([\w@/-]+)` (\d[\d.]+)", TEXT)
    assert len(told) > 12
    assert {name: version for name, version in told if locked.get(name) != version} == {}
