"""The mutation side of the schema: one class per noun, put together."""

import strawberry

from server.graphql.login import LoginMutations
from server.graphql.mutations.approvals import ApprovalMutations
from server.graphql.mutations.campaigns import CampaignMutations
from server.graphql.mutations.documents import DocumentMutations
from server.graphql.mutations.jobs import JobMutations
from server.graphql.mutations.messages import MessageMutations
from server.graphql.mutations.network import NetworkMutations
from server.graphql.mutations.notifications import NotificationMutations
from server.graphql.mutations.orders import OrderMutations
from server.graphql.mutations.packages import PackageMutations
from server.graphql.mutations.webhooks import WebhookMutations


@strawberry.type(description="Everything that can be done.")
class Mutation(
    LoginMutations, PackageMutations, OrderMutations, ApprovalMutations, CampaignMutations, DocumentMutations,
    NetworkMutations, NotificationMutations, WebhookMutations,
    MessageMutations, JobMutations,
):
    pass
