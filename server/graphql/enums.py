"""The enums of the domain as GraphQL enums: their names and a sentence for every value."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from server.campaign_type import FieldKind, Interface, LastTab, Need
from server.domain.approval import ApprovalStatus, ApprovalSubject, ReminderAnchor, ReminderStatus
from server.domain.campaign import NoResponse, Origin
from server.domain.later import FanOutKind
from server.domain.lifecycles import Action, CampaignStatus, OrderStatus, PackageStatus
from server.domain.network import EntityKind, Right
from server.domain.package import ApprovalMode, NoDecision
from server.domain.record import EventKind, SubjectKind
from server.domain.target import Assignment, Ranking, SizeKind


def describe(enum: type[Enum], name: str, description: str, values: Mapping[str, str]) -> Any:
    """Makes `enum` a GraphQL enum; every member needs its sentence in `values`."""
    strawberry.enum(enum, name=name, description=description)
    definition: Any = enum.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]
    return enum


describe(Right, "Right", "What an operator may do in principle.", {
    "CENTRAL": "Headquarters: sees all packages, orders and campaigns, and decides.",
    "LOCAL": "A local entity: sees what is offered to its entities, and their orders.",
    "ADMIN": "Administration: manages operators, entities and groups, and may correct approvals.",
})
describe(EntityKind, "EntityKind", "What an organizational entity is.", {
    "CENTRAL": "Headquarters or a central department.",
    "LOCAL": "A store, agency, franchisee or regional team.",
})
describe(PackageStatus, "PackageStatus", "Where a package stands in its life.", {
    "BEING_EDITED": "Being written; not submitted yet.",
    "PENDING_APPROVAL": "Submitted; waits for its reviewers.",
    "APPROVED": "Approved; waits for its start.",
    "REJECTED": "Rejected by a reviewer; can be changed and submitted again.",
    "PUBLISHED": "In the catalogue and visible to its audience.",
    "ENDED": "Its end has passed.",
    "CANCELED": "Cancelled; can be reinitialized.",
})
describe(OrderStatus, "OrderStatus", "Where an order stands in its life.", {
    "DRAFT": "Being filled in; not submitted yet.",
    "ORDERED": "Submitted; waits for its reviewers.",
    "APPROVED": "Approved; waits until its campaign is available.",
    "AVAILABLE": "Its campaign is available; the work after approval is done.",
    "FINISHED": "Its campaign has finished.",
    "REJECTED": "Rejected by a reviewer; can be changed and submitted again before the deadline.",
    "EXPIRED": "A draft that was not submitted before the registration deadline.",
    "CANCELED": "Cancelled by central, by the entity, or with its package.",
})
describe(CampaignStatus, "CampaignStatus", "Where a campaign stands in its life.", {
    "BEING_EDITED": "Being written.",
    "READY": "A child campaign that was opened by the start of its parent.",
    "IN_PROGRESS": "Started.",
    "FINISHED": "Finished.",
    "CANCELED": "Cancelled.",
})
describe(Action, "Action", "A move in the life of a package, an order or a campaign.", {
    "SUBMIT": "Submit for approval, or for a second time after a rejection.",
    "APPROVE": "Approve, by a decision on the approval.",
    "REJECT": "Reject, by a decision on the approval, with a comment.",
    "WITHDRAW": "Take back from approval.",
    "EDIT": "Change fields.",
    "EDIT_UNAPPROVED": "Change fields without a new approval, in automatic mode.",
    "PUBLISH": "Become visible in the catalogue, when the start is reached.",
    "END": "End, when the end has passed.",
    "CANCEL": "Cancel, with a comment.",
    "REINITIALIZE": "Open a new cycle.",
    "EXPIRE": "Expire, when the registration deadline has passed.",
    "MAKE_AVAILABLE": "Become available, when approved and the availability date is reached.",
    "FINISH": "Finish.",
    "OPEN": "Open a child campaign, when its parent starts.",
    "START": "Start a campaign.",
})
describe(ApprovalMode, "ApprovalMode", "Who decides the orders of a package.", {
    "MANUAL": "Reviewers decide every order.",
    "AUTOMATIC": "Publication subscribes every entity of the audience; nobody decides.",
})
describe(NoDecision, "NoDecision", "What happens when an approval's deadline passes undecided.", {
    "NOTHING": "Nothing: it is late and stays open.",
    "REJECT": "It is rejected.",
    "APPROVE": "It is approved.",
})
describe(ApprovalSubject, "ApprovalKind", "What an approval is about.", {
    "PACKAGE": "A package.",
    "ORDER": "An order.",
    "TARGET": "The target list of an order.",
})
describe(ApprovalStatus, "ApprovalStatus", "Whether and how an approval was decided.", {
    "PENDING": "Waits for a decision.",
    "APPROVED": "Approved.",
    "REJECTED": "Rejected, with a comment.",
    "WITHDRAWN": "No longer asked: its subject was changed, taken back or cancelled.",
})
describe(ReminderAnchor, "ReminderAnchor", "What the time of a reminder is counted from.", {
    "SUBMISSION": "Hours after the submission.",
    "DEADLINE": "Hours before the deadline.",
    "DATE": "A date of its own.",
})
describe(ReminderStatus, "ReminderStatus", "What became of a reminder.", {
    "SCHEDULED": "Not sent yet.",
    "SENT": "Sent.",
    "SKIPPED": "Never sent, because its time had long passed when it could have been.",
})
describe(SubjectKind, "SubjectKind", "What kind of object a history entry is about.", {
    "PACKAGE": "A package.",
    "ORDER": "An order.",
    "CAMPAIGN": "A campaign.",
    "APPROVAL": "An approval.",
    "DATA_DISTRIBUTION": "A data distribution.",
    "ENTITY": "An organizational entity.",
    "OPERATOR": "An operator.",
    "GROUP": "An operator group.",
    "CONTACT": "A contact.",
    "TEMPLATE": "A package template.",
    "WEBHOOK": "A webhook.",
    "MESSAGE_TEMPLATE": "An installation's own text of a message.",
})
describe(NoResponse, "NoResponse", "What happens at the deadline to an entity that did not answer.", {
    "EXCLUDE_ALL": "All its contacts are left out.",
    "KEEP_PRESELECTED": "The contacts that were selected for it take part.",
})
describe(Origin, "Origin", "Where a field of a child campaign gets its value.", {
    "INHERITED": "From the parent campaign.",
    "OVERRIDDEN": "From the entity, which changed it.",
    "LOCKED": "From the parent; the package does not let the entity change it.",
})
describe(Interface, "FormInterface", "How an entity localises a campaign by form.", {
    "PRE_SET": "No localisation.",
    "BY_BRIEF": "Two rich texts: wishes for the targeting and for the content.",
    "BY_FORM": "A form of typed fields.",
    "BY_EXTERNAL_FORM": "The entity's own site, through this API.",
})
describe(FieldKind, "FieldKind", "What a field of a form holds, and so how it is drawn.", {
    "TEXT": "A line of text.",
    "LONG_TEXT": "Several lines of text.",
    "RICH_TEXT": "Text as HTML, reduced to what is safe.",
    "NUMBER": "A number.",
    "INTEGER": "A whole number.",
    "BOOLEAN": "Yes or no.",
    "DATE": "A date, as YYYY-MM-DD.",
    "CHOICE": "One of the choices.",
    "MULTIPLE_CHOICE": "Any of the choices.",
    "IMAGE": "An https address of an image, or the id of a document of the order.",
    "EMAIL": "An e-mail address.",
    "URL": "An http or https address.",
})
describe(Need, "Need", "Whether packages of a type have a thing.", {
    "REQUIRED": "They must have it.",
    "OPTIONAL": "They may have it.",
    "ABSENT": "They have none.",
})
describe(LastTab, "LastTab", "What the last tab of a package shows.", {
    "ORDERS": "The orders.",
    "APPROVED_TARGETS": "Per entity, the contacts that were targeted and approved.",
})
describe(Assignment, "Assignment", "Whom a data distribution assigns contacts to.", {
    "LOCAL_ENTITY": "Local entities.",
    "GROUP_OR_OPERATOR": "Operators and groups.",
})
describe(SizeKind, "SizeKind", "How the size of a breakdown row is meant.", {
    "FIXED": "That many contacts of the value; 0 means all.",
    "PERCENTAGE": "That share of the value's contacts, rounded down; 0 means all.",
})
describe(Ranking, "Ranking", "Which contacts of a value are taken first.", {
    "SORT": "Those that a sort puts first.",
    "RANDOM": "Random ones, by a stored seed.",
    "SORT_THEN_RANDOM": "Those that a sort puts first, equal ones at random.",
})
describe(EventKind, "EventKind", "What happened that people are told of.", {
    "PACKAGE_SUBMITTED": "A package waits for its reviewers.",
    "PACKAGE_APPROVAL_REMINDER": "A package still waits for its reviewers.",
    "PACKAGE_REJECTED": "A reviewer rejected a package.",
    "PACKAGE_PUBLISHED": "A package can be ordered.",
    "PACKAGE_SUBSCRIBED": "A package was published and its audience takes part unless it says no.",
    "ORDER_SUBMITTED": "An order waits for its reviewers.",
    "ORDER_APPROVAL_REMINDER": "An order still waits for its reviewers.",
    "ORDER_REJECTED": "A reviewer rejected an order.",
    "CAMPAIGN_AVAILABLE": "An order is approved and its campaign available.",
    "REGISTRATION_DEADLINE_NEAR": "The registration deadline of a package comes near.",
    "REGISTRATION_DEADLINE_REACHED": "The registration deadline of a package has passed.",
    "PACKAGE_CANCELED": "A package was cancelled.",
    "ORDER_CANCELED": "An order was cancelled.",
    "TARGET_APPROVAL_ASKED": "A target list waits for its entity.",
    "TARGET_APPROVAL_REMINDER": "A target list still waits for its entity.",
    "DELIVERY_FEEDBACK": "What became of the messages to an entity's contacts.",
    "ENTITY_ADDED": "An entity was added to a published package.",
    "REVIEWERS_CHANGED": "The reviewers of an open question were changed.",
    "APPROVAL_WITHDRAWN": "A question to reviewers was withdrawn.",
    "TYPE_MESSAGE": "A message of a campaign type.",
})
describe(FanOutKind, "ProgressKind", "What is done for the many rows of a package.", {
    "SUBSCRIBE": "Orders for its audience.",
    "CANCEL": "Its orders are cancelled with it.",
    "NOTIFY": "Messages to its audience.",
})
