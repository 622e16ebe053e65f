"""Templates: the campaign template of every installed type, and the presets of packages [3, 4.1]."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.domain import form
from server.domain.campaign import Campaign, FormVersion
from server.domain.field_rules import Rule, assign_fields, text
from server.domain.package import Package, PackageTemplate
from server.domain.record import SubjectKind
from server.errors import NotFound, Problem, refuse_any
from server.plugins import CampaignTypes, InstalledType
from server.reads.visibility import visible_package_templates
from server.services.loading import check_revision
from server.services.network import check_free
from server.services.package_fields import PRESETS, rules
from server.services.packages import DEFAULT_TEMPLATE, initial_values
from server.services.work import Work, plain

TURNS = 7_268_264
"""The advisory lock of those who make templates."""
NAMES: dict[str, Rule] = {"code": text(60, required=True), "label": text(200, required=True)}


async def ensure_templates(session: AsyncSession, types: CampaignTypes, now: datetime) -> None:
    """Makes the templates that are missing: one per installed type, and `mutualizedEmpty`; runs at every start. Servers
    that start at the same moment take turns, as all writers do on SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(TURNS)))
    present = set(await session.scalars(select(Campaign.code).where(Campaign.is_template)))
    for kind in types:
        if kind.template not in present:
            await _ship(session, kind, now)
    if not await session.scalar(select(PackageTemplate.id).where(PackageTemplate.code == DEFAULT_TEMPLATE)):
        session.add(PackageTemplate(
            code=DEFAULT_TEMPLATE, label="Empty package", preset={}, created_at=now, modified_at=now
        ))
    await session.flush()


async def _ship(session: AsyncSession, kind: InstalledType, now: datetime) -> None:
    preset = kind.preset
    template = Campaign(
        code=kind.template, label=preset.label or kind.label, type=kind.name, is_template=True, nature=preset.nature,
        max_documents=preset.max_documents, max_reviewers=preset.max_reviewers,
        form_version=1 if preset.fields else 0, created_at=now, modified_at=now,
    )
    session.add(template)
    await session.flush()
    if preset.fields:
        session.add(FormVersion(
            campaign_id=template.id, version=1, fields=form.to_stored(preset.fields), created_at=now
        ))


class PackageTemplates:
    """Presets from which packages are made, for central operators and administrators."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, fields: Mapping[str, Any]) -> PackageTemplate:
        self.work.require_central("create package templates")
        return await self._save(PackageTemplate(code="", label="", preset={}), fields, "CREATE")

    async def update(self, template_id: UUID, revision: int, fields: Mapping[str, Any]) -> PackageTemplate:
        template = await self._load(template_id)
        await check_revision(self.work, template, revision, f"package template {template.label} ({template.code})")
        return await self._save(template, fields, "EDIT")

    async def duplicate(self, template_id: UUID, code: str, label: str) -> PackageTemplate:
        source = await self._load(template_id)
        copy = PackageTemplate(code="", label="", preset=dict(source.preset))
        return await self._save(copy, {"code": code, "label": label}, "CREATE")

    async def _load(self, template_id: UUID) -> PackageTemplate:
        template: PackageTemplate | None = await self.work.session.scalar(
            select(PackageTemplate)
            .where(PackageTemplate.id == template_id, visible_package_templates(self.work.caller)).with_for_update()
        )
        if template is None:
            raise NotFound("There is no such package template.")
        return template

    async def _save(self, template: PackageTemplate, fields: Mapping[str, Any], action: str) -> PackageTemplate:
        was = template.code
        problems = list(assign_fields(template, NAMES, fields))
        problems += [
            Problem("REQUIRED", f"A package template needs a {name}.", (name,))
            for name in ("code", "label") if not getattr(template, name) and name not in fields
        ]
        if was == DEFAULT_TEMPLATE != template.code:
            problems.append(Problem("NOT_EDITABLE", f"The code {was} is what packages start from.", ("code",)))
        problems += await check_free(self.work, PackageTemplate.code, template.code, template)
        refuse_any(problems + self._preset(template, fields.get("preset")))
        await self.work.record(SubjectKind.TEMPLATE, template, action)
        return template

    def _preset(self, template: PackageTemplate, preset: Mapping[str, Any] | None) -> list[Problem]:
        """Puts the preset on the template, as a package would store it."""
        if preset is None:
            return []
        scratch = Package(**initial_values())
        problems = list(assign_fields(scratch, rules(self.work.settings.zone), preset))
        problems += [
            Problem("UNKNOWN_FIELD", f"A template cannot preset {name}.", (name,)) for name in preset.keys() - PRESETS
        ]
        if not problems:
            template.preset = plain({name: getattr(scratch, name) for name in preset})
        return [problem.at("preset") for problem in problems]
