"""The mutation side of the schema: one class per noun, put together."""

from typing import Any

import strawberry

from server.graphql.login import LoginMutations
from server.graphql.mutations.approvals import ApprovalMutations
from server.graphql.mutations.campaigns import CampaignMutations
from server.graphql.mutations.dispatches import DispatchMutations
from server.graphql.mutations.documents import DocumentMutations
from server.graphql.mutations.jobs import JobMutations
from server.graphql.mutations.messages import MessageMutations
from server.graphql.mutations.network import NetworkMutations
from server.graphql.mutations.notifications import NotificationMutations
from server.graphql.mutations.orders import OrderMutations
from server.graphql.mutations.packages import PackageMutations
from server.graphql.mutations.webhooks import WebhookMutations
from server.services.loading import camel


@strawberry.type(description="Everything that can be done.")
class Mutation(
    LoginMutations, PackageMutations, OrderMutations, ApprovalMutations, CampaignMutations, DocumentMutations,
    NetworkMutations, NotificationMutations, WebhookMutations, DispatchMutations, MessageMutations, JobMutations,
):
    pass


def _fields(*nouns: Any) -> frozenset[str]:
    return frozenset(camel(field.python_name) for noun in nouns for field in noun.__strawberry_definition__.fields)


ABOUT_LOGINS = _fields(LoginMutations, NetworkMutations)
"""The mutations after which a token may belong to nobody, or to somebody with another right."""
