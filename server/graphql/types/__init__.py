"""The object types of the schema, a module per noun; importing this package registers them all."""

from server.graphql.types import approvals, campaign_types, campaigns, network, orders, packages, records, targets

__all__ = ["approvals", "campaign_types", "campaigns", "network", "orders", "packages", "records", "targets"]
