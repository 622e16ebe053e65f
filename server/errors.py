"""Everything that can go wrong on purpose."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One expected refusal: a stable code, a sentence for people, and the path of the input field it is about."""

    code: str
    message: str
    path: tuple[str, ...] = ()

    def at(self, *prefix: str) -> "Problem":
        """The same problem, seen from further out: `prefix` is put before its path."""
        return Problem(self.code, self.message, (*prefix, *self.path))


class SamverkanError(Exception):
    """Base of all deliberate errors; `code` is what a client sees in `extensions.code`."""

    code = "ERROR"


class Refused(SamverkanError):
    """An operation was refused; `problems` lists every reason at once. Becomes `problems` in a payload."""

    code = "REFUSED"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in self.problems))


class NotFound(SamverkanError):
    """The object does not exist, or not for this caller: both look the same [2.3]."""

    code = "NOT_FOUND"


class NotAllowed(SamverkanError):
    """The caller can see the object but lacks the right to do this to it."""

    code = "NOT_ALLOWED"


class Unauthenticated(SamverkanError):
    """No valid login came with the request."""

    code = "UNAUTHENTICATED"


class InvalidArgument(SamverkanError):
    """An argument of a query is unusable: a foreign cursor, a malformed id, a page that is too large."""

    code = "BAD_USER_INPUT"


class TooManyAttempts(SamverkanError):
    """Logins for this name or address are slowed down for `seconds`; also in `extensions.seconds`."""

    code = "TOO_MANY_ATTEMPTS"

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"Too many failed logins: try again in {seconds} seconds.")


class CampaignTypeFailed(SamverkanError):
    """A hook of an installed campaign type raised; nothing was changed [3.2]."""

    code = "CAMPAIGN_TYPE_FAILED"


class StartupError(SamverkanError):
    """The server cannot start; the message lists every fault and says what would be right [3.2]."""

    code = "STARTUP"


def refuse(code: str, message: str, *path: str) -> Refused:
    """A refusal for a single reason: `raise refuse("LATE", "...", "end")`."""
    return Refused([Problem(code, message, path)])


def refuse_any(problems: Iterable[Problem]) -> None:
    """Raises Refused with all problems at once, if there are any."""
    if found := tuple(problems):
        raise Refused(found)
