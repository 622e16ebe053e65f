"""Logging in and out, and one's own password."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from sqlalchemy import select

from server.domain.network import Operator
from server.errors import Problem, Refused, Unauthenticated, refuse_any
from server.graphql.context import Context
from server.graphql.fields import resolver, result
from server.graphql.mutations.inputs import INPUT
from server.graphql.mutations.problems import PROBLEMS, ProblemType, problems_of
from server.graphql.reading import Info, fetch
from server.identity.credentials import Cookie
from server.identity.logins import change_password
from server.identity.passwords import check_password


@strawberry.input(description="Who logs in.")
class LoginInput:
    login: str = strawberry.field(description="The operator's login name.")
    password: str = strawberry.field(description="The operator's password.")
    cookie: bool = strawberry.field(
        default=False,
        description="For browsers: the token comes in a cookie that scripts cannot read, instead of in the payload.",
    )


@strawberry.type(description="A new login, or why there is none.")
class LoginPayload:
    token: str | None = strawberry.field(
        default=None, description="Send it as `Authorization: Bearer …`; null when it went into the cookie."
    )
    expires_at: datetime | None = strawberry.field(default=None, description="When the login ends by itself.")
    operator: Any = result("Operator", "Who is logged in now.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type(description="The end of a login.")
class LogoutPayload:
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.input(description="A new password for oneself.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The password until now.")
    new_password: str = strawberry.field(description="The password from now on.")


@strawberry.type(description="A changed password, or why it is unchanged.")
class ChangePasswordPayload:
    operator: Any = result("Operator", "Whose password was changed.")
    problems: list[ProblemType] = strawberry.field(default_factory=list, description=PROBLEMS)


@strawberry.type
class LoginMutations:
    @resolver("Logs in with a password. After several failures the next attempt has to wait: TOO_MANY_ATTEMPTS.")
    async def login(self, info: Info, input: Annotated[LoginInput, INPUT]) -> LoginPayload:
        context = info.context
        try:
            granted = await context.logins.log_in(input.login, input.password, context.address, context.now)
        except Refused as refused:
            return LoginPayload(problems=problems_of(refused.problems))
        context.visitor, context.token = granted.caller, granted.token
        if input.cookie:
            cookie = Cookie.of(context.settings, context.over_tls)
            context.headers.append(cookie.set(granted.token, granted.expires_at - context.now))
        return LoginPayload(
            token=None if input.cookie else granted.token, expires_at=granted.expires_at, operator=await _viewer(info)
        )

    @resolver("Ends the login that this request came with.")
    async def logout(self, info: Info) -> LogoutPayload:
        context = info.context
        if context.visitor and context.token:
            await context.logins.log_out(context.token, context.now)
        context.visitor = None
        context.headers.append(Cookie.of(context.settings, context.over_tls).clear())
        return LogoutPayload()

    @resolver("Changes one's own password; all other logins of the operator end, and the address of the calendar.")
    async def change_password(
        self, info: Info, input: Annotated[ChangePasswordInput, INPUT]
    ) -> ChangePasswordPayload:
        try:
            await _change_password(info.context, input)
        except Refused as refused:
            return ChangePasswordPayload(problems=problems_of(refused.problems))
        return ChangePasswordPayload(operator=await _viewer(info))


async def _change_password(context: Context, input: ChangePasswordInput) -> None:
    """The current password is checked like at a login, slowing down of guesses included."""
    async with context.database.reading() as session:
        login = await session.scalar(select(Operator.login).where(Operator.id == context.caller.id))
    if login is None:
        raise Unauthenticated("The operator is gone.")
    account = await context.logins.check(
        login, input.current_password, context.address, context.now, "current_password"
    )
    weak = check_password(input.new_password, login)
    refuse_any(Problem(each.code, each.message, ("new_password",)) for each in weak)
    password_hash = await context.logins.hash(input.new_password)
    async with context.database.transaction() as session:
        await change_password(context.work(session), account, password_hash, context.token)


async def _viewer(info: Info) -> Any:
    """The caller as selected below `operator`; never the server itself, which has no login."""
    context = info.context
    async with context.database.reading() as session:
        return await fetch(info, session, "operator", "Operator", context.caller.id) if context.caller.id else None
