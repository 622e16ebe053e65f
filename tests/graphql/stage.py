"""Who is on the stage in the tests of queries: a region with two stores, and three operators."""

from server.domain.network import Right
from tests.builders import a_campaign, an_entity, an_operator, linked

CENTRAL, ADMIN = an_operator(name="Carla"), an_operator(Right.ADMIN)
REGION = an_entity("North")
PARIS, LYON = an_entity("Paris", parent=REGION), an_entity("Lyon", parent=REGION)
LOCAL = an_operator(Right.LOCAL, name="Luc")
CAMPAIGN = a_campaign("Spring", "by_form")
STAGE = (CENTRAL, ADMIN, REGION, PARIS, LYON, LOCAL, linked(LOCAL, PARIS), CAMPAIGN)
