"""What administrators do with operator groups [2.1]."""

from collections.abc import Iterable
from uuid import UUID

from server.changes import Subject
from server.changes import changed as tell
from server.domain.base import Json, new_id
from server.domain.network import GroupMember, Operator, OperatorGroup
from server.domain.network_rules import GROUP, check_fields
from server.domain.record import SubjectKind
from server.errors import Problem, refuse_any
from server.reads.visibility import visible_groups
from server.services.loading import check_revision
from server.services.network import Fields, changed, check_exist, check_free, load, relink, unique
from server.services.work import Work


class Groups:
    """Named sets of operators. Fields: code, label, members (ids of operators; the whole set)."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def create(self, fields: Fields) -> OperatorGroup:
        self.work.require_admin("create groups")
        refuse_any(await self._problems(None, fields))
        group = OperatorGroup(id=new_id(), code=fields["code"], label=fields["label"])
        members = set(fields.get("members") or ())
        with unique("code", group.code):
            await self.work.record(SubjectKind.GROUP, group, "CREATE", after={"members": sorted(members)})
        await self._relink(group, members)
        return group

    async def update(self, group_id: UUID, revision: int, fields: Fields) -> OperatorGroup:
        """Changes the given fields; `members` replaces the whole set."""
        group = await load(self.work, OperatorGroup, group_id, visible_groups(self.work.caller), "group")
        await check_revision(self.work, group, revision, "group")
        refuse_any(await self._problems(group, fields))
        before, after = await self._relink(group, fields["members"] or ()) if "members" in fields else ({}, {})
        if changed(group, {field: value for field, value in fields.items() if field != "members"}) or after:
            with unique("code", group.code):
                await self.work.record(SubjectKind.GROUP, group, "EDIT", before=before, after=after)
        return group

    async def _relink(self, group: OperatorGroup, members: Iterable[UUID]) -> tuple[Json, Json]:
        """Other questions than before wait for who came or went [5.1], and they hear so."""
        own, other = GroupMember.group_id, GroupMember.operator_id
        before, after = await relink(self.work, "members", own, group.id, other, members)
        tell(self.work.session, Subject.OPERATOR, *set(before.get("members", ())) ^ set(after.get("members", ())))
        return before, after

    async def _problems(self, group: OperatorGroup | None, fields: Fields) -> list[Problem]:
        problems = list(check_fields(GROUP, fields, new=group is None))
        if fields.get("code"):
            problems += await check_free(self.work, OperatorGroup.code, fields["code"], group)
        return problems + await check_exist(self.work, Operator, fields.get("members") or (), "members", "operator")
