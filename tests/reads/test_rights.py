"""Rules as SQL and rules as Python say the same: what waits for somebody is what they are expected to decide [2.4]."""

from random import Random

import pytest

from server.database import Database
from server.domain.network import Right
from tests.builders import an_operator, given, members
from tests.graphql.asking import Asker
from tests.graphql.world import World, grow

ALL = "{ approvals(first: 100, filter: {waitingForMe: false}) { nodes { id viewerDecision viewerCanApprove } } }"
INBOX = "{ approvals(first: 100) { totalCount nodes { id } } }"


@pytest.mark.parametrize("seed", range(3))
async def test_the_inbox_holds_what_the_viewer_is_expected_to_decide(
    database: Database, ask: Asker, seed: int
) -> None:  # [5.5, 5.6, 5.8]
    world, chance = World(), Random(seed)
    locals_ = grow(world, chance)
    central, admin = an_operator(), an_operator(Right.ADMIN)
    groups = world.rows["OperatorGroup"]
    await given(
        database, world.taken(), central, admin, members(groups[0], central, admin), members(groups[1], central)
    )
    owners = [each for each in world.rows["Operator"] if each.right is Right.CENTRAL]
    expected_somewhere = set()
    for viewer in (*locals_, central, admin, *owners):
        approvals = (await ask(viewer, ALL))["approvals"]["nodes"]
        inbox = (await ask(viewer, INBOX))["approvals"]
        expected = {each["id"] for each in approvals if each["viewerDecision"] == "REVIEWER"}
        assert {each["id"] for each in inbox["nodes"]} == expected
        assert inbox["totalCount"] == len(expected)
        assert all(each["viewerCanApprove"] is (each["viewerDecision"] != "NO") for each in approvals)
        expected_somewhere |= expected
    assert expected_somewhere
