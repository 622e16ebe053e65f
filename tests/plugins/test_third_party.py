"""A third party adds a type by installing a package: the real one of `third_party/`, by pip, in an environment of its
own [3, 3.1]."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "third_party"
LIST = """
from server.plugins import load_campaign_types
for found in load_campaign_types():
    print(found.name, found.distribution, found.version)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(SOURCE, tmp_path_factory.mktemp("environment"))


def installed(project: Path, folder: Path) -> Path:
    """A folder of packages that holds the third party's distribution, seen beside those of this environment."""
    source = shutil.copytree(project, folder / "source")  # a build leaves files beside its source
    pip = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target"]
    subprocess.run([sys.executable, "-m", *pip, folder / "packages", source], check=True)
    return folder


def run(environment: Path, *arguments: str) -> str:
    """What a new Python process in that environment prints."""
    variables = os.environ | {"PYTHONPATH": str(environment / "packages")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=environment, env=variables, check=False, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_an_installed_package_adds_its_type(environment: Path) -> None:
    lines = run(environment, "-c", LIST).splitlines()
    assert "sweepstake samverkan-sweepstake 1.2.0" in lines
    assert len(lines) == 5


def test_without_the_package_the_type_is_not_there(tmp_path: Path) -> None:
    assert "sweepstake" not in run(tmp_path, "-c", LIST)


def test_its_authors_check_it_with_the_contract_tests(environment: Path, tmp_path: Path) -> None:
    contract = str(shutil.copy(SOURCE / "contract_of_sweepstake.py", tmp_path))
    printed = run(environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), contract)
    assert " passed" in printed
