"""The query side of the schema; a root field is null when it failed, beside its error, and the others stand."""

from collections import defaultdict
from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

import strawberry

from server.errors import InvalidArgument
from server.graphql import ids
from server.graphql.fields import listing, resolver
from server.graphql.job_queries import JobQueries
from server.graphql.message_queries import MessageQueries
from server.graphql.reading import Info, count, read
from server.graphql.relay import READABLE, Node
from server.graphql.types.campaign_types import CampaignTypeType, type_of
from server.graphql.types.network import OperatorType
from server.graphql.types.packages import PACKAGE_COUNTS, PackageFilter, PackageStatusCount

LARGEST_NODES = 100
GlobalId = Annotated[strawberry.ID, strawberry.argument(description="Global id.")]


@strawberry.type(description="The server, for whoever asks; no login is needed.")
class Server:
    name: str = strawberry.field(description="Name of the software.")
    version: str = strawberry.field(description="Version of the software.")


@strawberry.type(description="Everything that can be read; what is out of your scope does not exist for you.")
class Query(MessageQueries, JobQueries):
    packages = listing("Package", "The catalogue, and for central all packages.")
    package_templates = listing("PackageTemplate", "Presets that packages are made from.")
    orders = listing("Order", "Orders: those of your entities, or for central all of them.")
    approvals = listing("Approval", "The inbox: approvals that wait for you, late ones first.", "InboxFilter")
    notifications = listing("Notification", "Your inbox: what you were told, newest first.")
    campaigns = listing("Campaign", "Campaigns and their templates.")
    entities = listing("Entity", "Organizational entities.")
    operators = listing("Operator", "People with an account.")
    groups = listing("OperatorGroup", "Operator groups.")
    contacts = listing("Contact", "Contacts of your entities, or for central all of them.")
    data_distributions = listing("DataDistribution", "Rules that spread contacts over entities.")
    webhooks = listing("Webhook", "Webhooks; for administrators.")
    history = listing("History", "Who changed what, when, and why.")

    @resolver("The server's name and version; no login is needed.")
    def server(self) -> Server:
        return Server(name="samverkan", version=version("samverkan"))

    @resolver("The operator that is logged in.")
    async def viewer(self, info: Info) -> OperatorType | None:
        id = info.context.caller.id
        rows: Any = {} if id is None else await read(info, "Operator", [id])
        return rows.get(id)  # type: ignore[no-any-return]  # a row stands for the object

    @resolver("The object with this id; null when there is none that you may see.")
    async def node(self, info: Info, id: GlobalId) -> Node | None:
        return (await _nodes(info, "id", [id]))[0]  # type: ignore[no-any-return]  # a row stands for the object

    @resolver("The objects with these ids, at most 100; null for those that you may not see.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids.")]
    ) -> list[Node | None] | None:
        if len(ids) > LARGEST_NODES:
            raise InvalidArgument(f"ids: give at most {LARGEST_NODES} ids at once, not {len(ids)}.")
        return await _nodes(info, "ids", ids)

    @resolver("How many packages are in each status.")
    async def package_counts(
        self, info: Info,
        filter: Annotated[PackageFilter | None, strawberry.argument(description="Only what fits all of these.")] = None,
    ) -> list[PackageStatusCount] | None:
        return await count(info, "Package", PACKAGE_COUNTS, filter)  # type: ignore[return-value]

    @resolver("The installed campaign types, by name.")
    def campaign_types(self, info: Info) -> list[CampaignTypeType] | None:
        return [CampaignTypeType(installed=installed) for installed in info.context.types]

    @resolver("One installed campaign type; null when there is none of that name.")
    def campaign_type(
        self, info: Info, name: Annotated[str, strawberry.argument(description="Name, such as by_form.")]
    ) -> CampaignTypeType | None:
        return type_of(name, info.context.types)


async def _nodes(info: Info, argument: str, global_ids: list[strawberry.ID]) -> list[Any]:
    """One read per type that is among the ids."""
    wanted = [_meant(argument, each) for each in global_ids]
    by_type: dict[str, set[UUID]] = defaultdict(set)
    for type_name, id in (each for each in wanted if not isinstance(each, InvalidArgument)):
        if type_name in READABLE and READABLE[type_name].is_node:
            by_type[type_name].add(id)
    found: dict[tuple[str, UUID], Any] = {}
    for type_name, chosen in by_type.items():
        rows = await read(info, type_name, chosen)
        found |= {(type_name, id): row for id, row in rows.items()}
    return [each if isinstance(each, InvalidArgument) else found.get(each) for each in wanted]


def _meant(argument: str, global_id: str) -> tuple[str, UUID] | InvalidArgument:
    """The type and the id, or the error that stands in the place of this object alone."""
    try:
        return ids.decode(argument, global_id)
    except InvalidArgument as error:
        return error
