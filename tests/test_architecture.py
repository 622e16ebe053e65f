"""The house stands as its plan says: imports go one way, and generated files are those of the code."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_go_one_way() -> None:
    linter = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", linter], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_printed_schema_is_that_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "server", "print-schema"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (ROOT / "schema.graphql").read_text() == done.stdout, "schema.graphql is out of date: run `make schema`"
