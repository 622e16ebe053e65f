"""The object types of the schema, a module per noun; importing this package registers them all."""

from server.graphql.types import (
    approvals,
    campaign_types,
    campaigns,
    dispatches,
    messages,
    network,
    notifications,
    orders,
    packages,
    records,
    targets,
    webhooks,
)

__all__ = [
    "approvals", "campaign_types", "campaigns", "dispatches", "messages", "network", "notifications", "orders",
    "packages", "records", "targets", "webhooks",
]
