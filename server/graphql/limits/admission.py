"""Lets operations in: a text that is trusted, a schema that may be read, a cost that may be spent."""

from collections.abc import Awaitable
from dataclasses import dataclass, field

from graphql import GraphQLError

from server.graphql.context import Context
from server.graphql.documents import Definition, DocumentRefusedError
from server.graphql.errors import document_errors
from server.graphql.limits.cost import INTROSPECTION
from server.graphql.limits.rates import Rates
from server.graphql.limits.trusted import Trusted
from server.graphql.transport.request import GraphQLRequest
from server.settings import Introspection, TrustedDocuments

CHARACTERS_PER_COST = 2
"""A document that was not seen before has to be parsed and validated, which may take as long as reading its length of
rows."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What an operation must pass before it runs; each refusal is a DocumentRefusedError."""

    trusted: Trusted = field(default_factory=lambda: Trusted(None, TrustedDocuments.ACCEPT))
    rates: Rates | None = None
    introspection: Introspection = Introspection.EVERYONE
    max_cost: int = 50_000

    def text(self, asked: GraphQLRequest, context: Context) -> Awaitable[str]:
        """The text of the document that is asked for."""
        return self.trusted.text(asked, context.now)

    async def new(self, text: str, context: Context) -> None:
        """A document that was not seen before is paid for, whatever becomes of it."""
        await self.spend(context, 1 + len(text) // CHARACTERS_PER_COST)

    async def cost(self, operation: Definition, asked: GraphQLRequest, context: Context) -> int:
        """What the operation costs, which its caller has paid."""
        if operation.introspects:
            self._check_introspection(operation, context)
        cost = operation.price.of(asked.variables)
        if cost > self.max_cost:
            message = (
                f"This asks for up to {cost:,} rows, page sizes multiplied; at most {self.max_cost:,} are read "
                "at once: use smaller pages on the inner lists."
            )
            [formatted] = document_errors([GraphQLError(message, operation.node)], "COST_LIMIT_EXCEEDED")
            formatted["extensions"] |= {"cost": cost, "limit": self.max_cost}
            raise DocumentRefusedError([formatted])
        if self.rates:
            await self.rates.spend(context, cost)
        return cost

    def _check_introspection(self, operation: Definition, context: Context) -> None:
        if self.introspection is Introspection.OFF:
            reason = "The schema is not told here."
        elif self.introspection is Introspection.OPERATORS and context.visitor is None:
            reason = "Log in first: the schema is told to operators only."
        elif operation.roots - {*INTROSPECTION, "__typename"}:
            reason = "Ask for the schema in an operation of its own."
        else:
            return
        raise DocumentRefusedError(document_errors([GraphQLError(reason, operation.node)], "INTROSPECTION_DISABLED"))

    async def spend(self, context: Context, cost: int) -> None:
        """Takes the cost from what the caller may spend."""
        if self.rates:
            await self.rates.spend(context, cost)
