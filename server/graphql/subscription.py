"""The subscription side of the schema: what has changed, told as it happens to whoever may see it."""

from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any
from uuid import UUID

import strawberry

from server.changes import Subject
from server.graphql import ids
from server.graphql.following import Happened, change_of, happening
from server.graphql.reading import Info

Id = strawberry.ID | None
Happenings = AsyncGenerator[Happened, None]


def told(payload: Any, description: str) -> Callable[[Any], Any]:
    """A root field whose events are of that type."""
    return lambda source: strawberry.field(
        source, is_subscription=True, graphql_type=payload, description=description
    )


def meaning(words: str) -> Any:
    return strawberry.argument(description=words)


PackageChange = change_of("Package", "package")


@strawberry.type(description=(
    "What changes, as it happens and as you may see it at that moment. The first event comes at once, with `reload`."
))
class Subscription:
    @told(PackageChange, "Packages that are new, changed or gone.")
    def package_changed(
        self, info: Info, id: Annotated[Id, meaning("This package only; the first event has it as it is.")] = None
    ) -> Happenings:
        return happening(info, Subject.PACKAGE, id=_uuid("Package", "id", id))

    @told(change_of("Order", "order"), "Orders that are new, changed or gone.")
    def order_changed(
        self, info: Info, id: Annotated[Id, meaning("This order only; the first event has it as it is.")] = None,
        package_id: Annotated[Id, meaning("Orders of this package only.")] = None,
    ) -> Happenings:
        package = _uuid("Package", "packageId", package_id)
        return happening(info, Subject.ORDER, id=_uuid("Order", "id", id), package_id=package)

    @told(change_of("Approval", "approval"), "Approvals that are new, changed, decided or withdrawn.")
    def approval_changed(
        self, info: Info, id: Annotated[Id, meaning("This approval only; the first event has it as it is.")] = None,
        mine: Annotated[bool, meaning(
            "Only those that you are expected to decide, and those that nobody is any more; not beside `id`."
        )] = False,
    ) -> Happenings:
        return happening(info, Subject.APPROVAL, id=_uuid("Approval", "id", id), mine=mine)

    @told(
        change_of("Notification", "notification"),
        "Notifications that reach your inbox, or are marked as read or unread there.",
    )
    def notification_received(self, info: Info) -> Happenings:
        return happening(info, Subject.NOTIFICATION)

    @told(PackageChange, "The progress of what goes on for a package in the background.")
    def job_progress(
        self, info: Info, package_id: Annotated[strawberry.ID, meaning("The package whose `progress` is followed.")]
    ) -> Happenings:
        return happening(info, Subject.FAN_OUT, id=_uuid("Package", "packageId", package_id))


def _uuid(type_name: str, argument: str, global_id: str | None) -> UUID | None:
    return None if global_id is None else ids.decode_as(type_name, argument, global_id)
