"""Data distributions: how contacts are spread over entities [9.12]."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from server.domain.base import Json, new_id
from server.domain.distribution import DIMENSION, check_distribution
from server.domain.field_rules import Rule, assign_fields, choice, flag, number, text
from server.domain.network import Entity, EntityKind, Operator, OperatorGroup
from server.domain.record import SubjectKind
from server.domain.target import Assignment, DataDistribution, DistributionRow, Ranking, SizeKind
from server.errors import NotFound, Problem, refuse_any
from server.reads.visibility import visible_distributions
from server.services.codes import next_code
from server.services.loading import check_revision
from server.services.network import check_free, unique
from server.services.work import Work, plain

DEFAULTS: Mapping[str, Any] = {
    "label": "", "dimension": DIMENSION, "assignment": Assignment.LOCAL_ENTITY, "field": "",
    "size_kind": SizeKind.FIXED, "ranking": Ranking.SORT, "sort_field": "score", "descending": True, "seed": 1,
    "preselect": True, "grouping_field": "",
}
RULES: Mapping[str, Rule] = {
    "label": text(200, required=True), "code": text(80), "dimension": text(80), "assignment": choice(Assignment),
    "field": text(100), "size_kind": choice(SizeKind), "ranking": choice(Ranking), "sort_field": text(100),
    "descending": flag, "seed": number(0, 2**31 - 1), "preselect": flag, "grouping_field": text(100),
}
ROW_FIELDS = ("value", "size", "label", "entity_id", "operator_id", "group_id")
NAMED: Mapping[str, tuple[Any, str]] = {
    "entity_id": (select(Entity.id).where(Entity.kind == EntityKind.LOCAL), "There is no such local entity."),
    "operator_id": (select(Operator.id), "There is no such operator."),
    "group_id": (select(OperatorGroup.id), "There is no such operator group."),
}


class DataDistributions:
    """Made and changed by central operators."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, fields: Mapping[str, Any]) -> DataDistribution:
        self.work.require_central("create data distributions")
        code = fields.get("code") or await next_code(self.work.session, "DIST")
        distribution = DataDistribution(id=new_id(), **DEFAULTS, code=code)
        return await self._save(distribution, fields, "CREATE", [])

    async def update(self, distribution_id: UUID, revision: int, fields: Mapping[str, Any]) -> DataDistribution:
        """Rows that are given replace all rows. Lists that are open already stay as they are."""
        distribution = await self._load(distribution_id)
        self.work.require_central("change data distributions")
        what = f"data distribution {distribution.label} ({distribution.code})"
        await check_revision(self.work, distribution, revision, what)
        return await self._save(distribution, fields, "EDIT", await self._rows(distribution.id))

    async def _load(self, distribution_id: UUID) -> DataDistribution:
        found = await self.work.session.scalar(
            select(DataDistribution)
            .where(DataDistribution.id == distribution_id, visible_distributions(self.work.caller))
            .with_for_update().execution_options(populate_existing=True)
        )
        if found is None:
            raise NotFound("There is no such data distribution.")
        return found

    async def _rows(self, distribution_id: UUID) -> Sequence[DistributionRow]:
        found = await self.work.session.scalars(
            select(DistributionRow).where(DistributionRow.distribution_id == distribution_id)
            .order_by(DistributionRow.position)
        )
        return found.all()

    async def _save(
        self, distribution: DataDistribution, fields: Mapping[str, Any], action: str, before: Sequence[DistributionRow]
    ) -> DataDistribution:
        given = fields.get("rows")
        wrong = list(assign_fields(distribution, RULES, {**fields, "code": fields.get("code") or distribution.code}))
        rows = before if given is None else [_row(distribution.id, index, row) for index, row in enumerate(given)]
        with self.work.session.no_autoflush:
            problems = [*wrong, *check_distribution(distribution, rows), *await self._check_named(rows)]
            own = distribution if action == "EDIT" else None
            refuse_any(problems + await check_free(self.work, DataDistribution.code, distribution.code, own))
        replaced = given is not None
        with unique("code", distribution.code):
            await self.work.record(
                SubjectKind.DATA_DISTRIBUTION, distribution, action,
                before={"rows": _audited(before)} if replaced and before else {},
                after={"rows": _audited(rows)} if replaced else {},
            )
        if replaced:
            await self._replace(distribution.id, rows)
        return distribution

    async def _replace(self, distribution_id: UUID, rows: Iterable[DistributionRow]) -> None:
        await self.work.session.execute(
            delete(DistributionRow).where(DistributionRow.distribution_id == distribution_id)
        )
        self.work.session.add_all(rows)
        await self.work.session.flush()

    async def _check_named(self, rows: Sequence[DistributionRow]) -> list[Problem]:
        """The entities, operators and groups that rows name exist; entities are local ones."""
        problems: list[Problem] = []
        for field, (known, message) in NAMED.items():
            named = {getattr(row, field) for row in rows} - {None}
            missing = named - set(await self.work.session.scalars(known)) if named else named
            problems += [
                Problem("NOT_FOUND", message, ("rows", str(index), field))
                for index, row in enumerate(rows) if getattr(row, field) in missing
            ]
        return problems


def _row(distribution_id: UUID, position: int, row: Mapping[str, Any]) -> DistributionRow:
    values = {field: row.get(field) for field in ROW_FIELDS} | {
        "value": row.get("value") or "", "size": row.get("size") or 0, "label": row.get("label") or "",
    }
    return DistributionRow(distribution_id=distribution_id, position=position, **values)


def _audited(rows: Iterable[DistributionRow]) -> list[Json]:
    return [plain({field: getattr(row, field) for field in ROW_FIELDS if getattr(row, field)}) for row in rows]
