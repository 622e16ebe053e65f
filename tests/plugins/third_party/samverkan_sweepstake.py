"""Sweepstake: every entity offers a prize of its own and draws the winners among its customers."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from server.campaign_type import (
    CONTRACT,
    CampaignType,
    Choice,
    Effect,
    Field,
    FieldKind,
    Notify,
    OrderSnapshot,
    PackageRules,
    PackageSnapshot,
    Problem,
    Receivers,
    RunJob,
    TakePart,
    TemplatePreset,
)

log = logging.getLogger(__name__)

FIELDS = (
    Field("prize", "Prize", required=True, min_length=3, max_length=80, help="What the winners get, in a few words."),
    Field("winners", "Number of winners", FieldKind.INTEGER, required=True, default=1, minimum=1, maximum=10),
    Field("draw_on", "Day of the draw", FieldKind.DATE, required=True),
    Field("terms", "Terms and conditions", FieldKind.URL),
    Field(
        "notice", "How winners are told", FieldKind.CHOICE, default="email",
        choices=(Choice("email", "By e-mail"), Choice("letter", "By letter")),
    ),
)


class Sweepstake(CampaignType):
    """One reference campaign; each order brings its prize, and its draw is a job of this type."""

    contract = CONTRACT
    label = "Sweepstake"
    template = "sweepstake"
    package = PackageRules(designed_for=500)
    preset = TemplatePreset(label="Sweepstake", nature="promotion", max_documents=1, fields=FIELDS)

    def fields(self, package: PackageSnapshot) -> Sequence[Field]:
        return FIELDS

    def check_order(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Problem]:
        """Nobody can win before the sweepstake has begun."""
        draw_on = date.fromisoformat(order.parameters["draw_on"])
        if package.start and draw_on <= package.start.date():
            yield Problem(
                "DRAW_TOO_EARLY",
                f"The draw is on {draw_on}; it must come after {package.start.date()}, when the sweepstake begins.",
                ("parameters", "draw_on"),
            )

    def after_approval(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        yield TakePart()
        yield Notify(Receivers.ENTITY, f"Your sweepstake for {order.parameters['prize']} is on.")
        yield RunJob("announce", {"order": order.code, "draw_on": order.parameters["draw_on"]})

    def after_cancellation(self, package: PackageSnapshot, order: OrderSnapshot) -> Iterable[Effect]:
        yield Notify(Receivers.OWNER, f"{order.entity.label} draws no winners.")

    def run_job(self, name: str, arguments: Mapping[str, Any]) -> None:
        log.info("%s: order %s is drawn on %s", name, arguments["order"], arguments["draw_on"])
