"""Every mapped class, imported once, so that `Base.metadata` is whole."""

from server.domain import access, approval, campaign, later, network, notification, order, package, record, target
from server.domain.base import Base

MAPPED = (access, approval, campaign, later, network, notification, order, package, record, target)
metadata = Base.metadata
