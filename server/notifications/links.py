"""Where things are found in the web interface: the addresses that messages lead to."""

from uuid import UUID

from server.domain.global_ids import encode
from server.settings import Settings


class Links:
    """Paths are those of the web interface; codes and ids need no escaping."""

    def __init__(self, settings: Settings) -> None:
        self.base = settings.web_base

    def package(self, code: str) -> str:
        return f"{self.base}/packages/{code}"

    def register(self, code: str) -> str:
        """Where an entity orders the package."""
        return f"{self.base}/packages/{code}/register"

    def order(self, code: str) -> str:
        return f"{self.base}/orders/{code}"

    def edit_order(self, code: str) -> str:
        """Where the parameters of an order are changed."""
        return f"{self.base}/orders/{code}/edit"

    def cancel_order(self, code: str) -> str:
        """Where a subscription is rejected."""
        return f"{self.base}/orders/{code}/cancel"

    def contacts(self, code: str) -> str:
        """The list of contacts that comes with an order."""
        return f"{self.base}/orders/{code}/contacts"

    def campaign(self, code: str) -> str:
        return f"{self.base}/campaigns/{code}"

    def approval(self, id: UUID) -> str:
        return f"{self.base}/approvals/{id}"

    def document(self, id: UUID) -> str:
        """The download, by the global id that the API gives documents."""
        return f"{self.base}/documents/{encode('Document', id)}"

    def calendar(self, token: str) -> str:
        """Where the server gives an operator's deadlines as iCalendar."""
        return f"{self.base}/calendar/{token}.ics"

    def messages(self) -> str:
        """Where operators read their messages and say which ones they want by mail."""
        return f"{self.base}/notifications"
