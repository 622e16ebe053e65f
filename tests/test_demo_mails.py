"""What the main job writes to whom: every mail of the demo by receiver and subject, in their languages, and no other
[7]."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from server.database import Database
from server.demo import People, run
from tests.chaos.post_office import mail_to
from tests.chaos.waiting import pending, until
from tests.running import running
from tests.smtp_sink import smtp_sink
from tests.test_demo import network

__all__ = ["network"]
MATS, SOFIE, INGRID = "mats.hellgren", "sofie.bjerre", "ingrid.nordmark"
TUVA, JOHAN = "tuva.ronnlund", "johan.lindahl"
"""The region and its store in Luleå. Others of their notification group work for stores that see nothing of it."""

OFFERED = [
    (MATS, "[Paket att godkänna] {label} ({package})"), (SOFIE, "[Package to approve] {label} ({package})"),  # N1
    (TUVA, "[Nytt paket] {label} ({package})"), (JOHAN, "[Nytt paket] {label} ({package})"),  # N5
]
ORDERED = [
    (TUVA, "[Beställning att godkänna] {label} ({order})"), (INGRID, "[Beställning att godkänna] {label} ({order})"),
    (TUVA, "[Kampanj tillgänglig] {label} ({campaign})"), (JOHAN, "[Kampanj tillgänglig] {label} ({campaign})"),
]
TARGETED = [
    (MATS, "[Paket att godkänna] {label} ({package})"), (SOFIE, "[Package to approve] {label} ({package})"),  # N1
    (TUVA, "[Kontakter att bekräfta] {label} ({order})"),  # N14
]
STEPS = [
    ("Spring sale", "CAT1", "ORD1", "OP1", OFFERED + ORDERED),
    ("Mother's day", "CAT2", "ORD2", "OP2", OFFERED + ORDERED),
    ("Summer opening", "CAT3", "ORD3", "OU1_OP3", OFFERED + ORDERED),
    ("VIP evening", "CAT4", "ORD4", "OP4", TARGETED + ORDERED),
]


@pytest.mark.usefixtures("network")
async def test_the_main_job_sends_exactly_the_mails_of_the_table(
    database: Database, address: str, tmp_path: Path
) -> None:
    async def done() -> bool:
        return not (await pending(database)).keys() & {"events", "messages"}

    async with smtp_sink() as sink:
        with running(address, tmp_path, **mail_to(sink.port)) as url:
            await asyncio.to_thread(run, url, str, People())
            assert await until(done)
    expected = Counter(
        (f"{who}@fjallklover.example", subject.format(label=label, package=package, order=order, campaign=campaign))
        for label, package, order, campaign, mails in STEPS for who, subject in mails
    )
    assert Counter((mail["to"].addresses[0].addr_spec, mail["subject"]) for mail in sink.mails) == expected
