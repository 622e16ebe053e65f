"""The checks of signatures that the documentation shows do check our signatures [7]."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.domain.base import new_id
from server.notifications.channels.signing import new_secret, signed

PAGE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()
BODY = '{"id": "1", "data": {"label": "Vår"}}'


def shown(language: str) -> str:
    [code] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def in_python(secret: str, headers: dict[str, str]) -> bool:
    names: dict[str, Any] = {}
    exec(shown("python"), names)
    return bool(names["is_genuine"](secret, headers, BODY.encode()))


def in_javascript(secret: str, headers: dict[str, str]) -> bool:
    if not (node := shutil.which("node")):
        pytest.skip("there is no node")
    call = f"process.exit(isGenuine({json.dumps(secret)}, {json.dumps(headers)}, {json.dumps(BODY)}) ? 0 : 3)"
    done = subprocess.run(
        [node, "--input-type=module", "-e", shown("javascript") + call], check=False, capture_output=True
    )
    assert done.returncode in (0, 3), done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("is_genuine", [in_python, in_javascript])
def test_the_documented_check_takes_what_is_ours_and_nothing_else(is_genuine: Any) -> None:
    secret, now = new_secret(), datetime.now(UTC)
    headers = dict(signed(secret, new_id(), now, BODY.encode()))
    assert is_genuine(secret, headers)
    assert is_genuine(secret, headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']}"})
    assert not is_genuine(new_secret(), headers)
    assert not is_genuine(secret, headers | {"webhook-id": str(new_id())})
    assert not is_genuine(secret, dict(signed(secret, new_id(), now - timedelta(minutes=6), BODY.encode())))
