"""How a token travels: as bearer, or in a cookie that scripts cannot read."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import HTTPConnection

from server.settings import Settings

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Cookie:
    """The login cookie. Behind TLS its name begins with __Host-, so that no other host can have set it."""

    secure: bool

    @classmethod
    def of(cls, settings: Settings, over_tls: bool) -> "Cookie":
        """The cookie of a request; the setting decides where a proxy does not tell that it speaks TLS."""
        return cls(over_tls if settings.secure_cookies is None else settings.secure_cookies)

    @property
    def name(self) -> str:
        return "__Host-samverkan" if self.secure else "samverkan"

    def set(self, token: str, life: timedelta) -> Header:
        secure = "; Secure" if self.secure else ""
        seconds = int(life.total_seconds())
        return "set-cookie", f"{self.name}={token}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={seconds}"

    def clear(self) -> Header:
        return self.set("", timedelta())


def token_of(request: HTTPConnection, settings: Settings) -> str | None:
    """The token of a request. With an Authorization header the cookie is not looked at: the client has chosen."""
    if authorization := request.headers.get("authorization"):
        scheme, _, token = authorization.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
    return request.cookies.get(Cookie.of(settings, over_tls(request)).name)


def over_tls(request: HTTPConnection) -> bool:
    return request.scope["scheme"] in ("https", "wss")
