"""Amounts of money."""

import strawberry

from server.graphql.scalars import WholeNumber


@strawberry.type(description="An amount of money.")
class Money:
    amount: WholeNumber = strawberry.field(description="In minor units, such as cents.")
    currency: str = strawberry.field(description="ISO 4217 code of the currency, such as EUR.")


def money(amount: int | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(amount=WholeNumber(amount), currency=currency)
