"""Settings for commands: read from the environment, faults told by their names."""

from typing import Any

from pydantic import ValidationError

from server.errors import StartupError
from server.settings import Settings


def load_settings(**given: Any) -> Settings:
    """Settings from the environment, with what was given as options in place of theirs; StartupError names the wrong
    ones."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(
            f"SAMVERKAN_{'_'.join(map(str, fault['loc'])).upper()}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            f"{_shown(fault['input']) if Settings.model_fields[str(fault['loc'][0])].repr else ''}"
            for fault in error.errors()
        )
        raise StartupError(f"Wrong settings: {faults}") from None


def _shown(value: object) -> str:
    return f" (it is {value!r:.80})"
