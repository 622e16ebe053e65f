"""Checks rows of groups, entities and operators against each other and against what the database has."""

from collections.abc import Iterator, Mapping, Sequence

from server.domain.network import Right
from server.domain.network_rules import check_place
from server.identity.passwords import check_password
from server.services.importing.known import Known
from server.services.importing.records import Fault, Record, check_alone

GROUP_COLUMNS = ("notification_group", "order_reviewers", "campaign_reviewers")


class Checks:
    """Every check gives all faults of all records of a kind; what they refer to has been written before."""

    def __init__(self, known: Known) -> None:
        self.known = known

    def check_groups(self, records: Sequence[Record]) -> Iterator[Fault]:
        yield from check_alone(records)

    def check_entities(self, records: Sequence[Record]) -> Iterator[Fault]:
        yield from check_alone(records)
        kinds = {code: entity.kind.value for code, entity in self.known.entities.items()}
        kinds |= {record.key: record.fields["kind"] for record in records}
        parents = self.known.parents() | {
            record.key: record.cells["parent"] for record in records if "parent" in record.cells
        }
        for record in records:
            yield from self._check_place(record, kinds, parents)
            for column in GROUP_COLUMNS:
                if (code := record.cells.get(column)) and code not in self.known.groups:
                    yield Fault(record, column, _unknown("group", code))

    def check_operators(self, records: Sequence[Record]) -> Iterator[Fault]:
        yield from check_alone(records)
        for record in records:
            for code in record.many("entities"):
                if code not in self.known.entities:
                    yield Fault(record, "entities", _unknown("entity", code))
            for code in record.many("groups"):
                if code not in self.known.groups:
                    yield Fault(record, "groups", _unknown("group", code))
            if record.fields["right"] == Right.LOCAL and not self._has_entity(record):
                yield Fault(record, "entities", "A local operator acts for one entity or more: name at least one.")
            if password := record.cells.get("password"):
                for problem in check_password(password, record.key):
                    yield Fault(record, "password", problem.message)
        yield from self._check_last_admin(records)

    def _check_place(self, record: Record, kinds: Mapping[str, str], parents: Mapping[str, str]) -> Iterator[Fault]:
        code, kind = record.key, record.fields["kind"]
        if (entity := self.known.entities.get(code)) and kind != entity.kind:
            yield Fault(record, "kind", f"{code} stays {entity.kind}: choose another code for another entity.")
        parent = parents.get(code)
        if not parent:
            return
        if parent not in kinds:
            yield Fault(record, "parent", _unknown("entity", parent))
        elif cycle := _cycle(code, parents):
            yield Fault(record, "parent", f"The tree has no cycles; here {' is under '.join(cycle)}.")
        elif reason := check_place(kind, kinds[parent]):
            yield Fault(record, "parent", reason)

    def _has_entity(self, record: Record) -> bool:
        if "entities" in record.cells:
            return bool(record.many("entities"))
        operator = self.known.operators.get(record.key)
        return operator is not None and operator.id in self.known.linked

    def _check_last_admin(self, records: Sequence[Record]) -> Iterator[Fault]:
        before, operators = self.known.administrators(), self.known.operators
        rights = {record.key: record.fields["right"] for record in records}
        kept = any(rights.get(login, Right.ADMIN) == Right.ADMIN for login in before)
        named = any(right == Right.ADMIN and login not in operators for login, right in rights.items())
        if kept or named:
            return
        for record in records:
            if record.key in before:
                yield Fault(record, "right", "The last active administrator stays one: name another one first.")


def _unknown(noun: str, code: str) -> str:
    return f'There is no {noun} "{code}", neither in the database nor in these files.'


def _cycle(code: str, parents: Mapping[str, str]) -> list[str]:
    """The way up from `code` to itself, if there is one."""
    way = [code]
    while parent := parents.get(way[-1]):
        way.append(parent)
        if parent == code:
            return way
        if parent in way[:-1]:
            return []  # a cycle further up: reported there
    return []
