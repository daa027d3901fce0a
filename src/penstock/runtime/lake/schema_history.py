"""Which schemas each lake table has had in this home; a change that breaks what is there is refused.

Each version is one immutable object, so that of several processes that see a change at once one stores it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from penstock.errors import AlreadyExistsError, DefinitionError, Finding, HomeError, report
from penstock.lake.evolution import Change, SchemaVersion, changes, version_of
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectStore

ZONES = ("raw", "sealed", "archive/raw")


class SchemaHistory:
    """The schemas of a home's tables.

    Args:
        store: holds ``<table>/<version>.json``.
        lake: tells whether a table has data: one without may change as it likes.
    """

    def __init__(self, store: ObjectStore, lake: ObjectStore) -> None:
        self._store = store
        self._lake = lake

    def versions(self, table: str) -> list[SchemaVersion]:
        """Returns a table's schemas, oldest first.

        Raises:
            HomeError: one of them cannot be read.
        """
        return [self._read(info.key) for info in self._store.list(f"{table}/")]

    def differences(self, table: LakeTable) -> list[Change]:
        """Returns what is different from the last schema; of an empty table nothing is breaking."""
        last = self._last(table.name)
        if last is None:
            return []
        found = changes(last, _present(table, last.version, 0.0))
        if any(change.is_breaking for change in found) and not self._has_data(table.name):
            return [msgspec.structs.replace(change, hint="") for change in found]
        return found

    def check(self, tables: Iterable[LakeTable]) -> list[Finding]:
        """Returns every breaking change with its mend."""
        return [
            Finding(table.place, "schema-change", f"lake table {table.name!r}: {change.message}", change.hint)
            for table in tables
            for change in self.differences(table)
            if change.is_breaking
        ]

    def keep(self, tables: Iterable[LakeTable], now: float) -> None:
        """Stores the schemas that are new or have grown.

        Raises:
            DefinitionError: a change breaks what is there; then nothing was stored.
        """
        declared = list(tables)
        findings = self.check(declared)
        if findings:
            raise DefinitionError(
                f"the lake holds records of an older schema:\n{report(findings)}",
                hint="mend the record types; or let the change pass: `penstock schema accept TABLE`",
                findings=[msgspec.to_builtins(finding) for finding in findings],
            )
        for table in declared:
            self._store_version(table, now, ())

    def accept(self, table: LakeTable, now: float) -> list[Change]:
        """Stores a table's schema whatever it breaks; returns what that is.

        Older records that do not fit it go to quarantine when they are read again; sealed files stay as they are.
        """
        broken = [change for change in self.differences(table) if change.is_breaking]
        self._store_version(table, now, tuple(change.message for change in broken))
        return broken

    def _store_version(self, table: LakeTable, now: float, accepted: tuple[str, ...]) -> None:
        last = self._last(table.name)
        version = 1 if last is None else last.version + 1
        present = _present(table, version, now, accepted)
        if last is not None and last.is_same(present):
            return
        try:
            self._store.create(f"{table.name}/{version:06d}.json", msgspec.json.encode(present))
        except AlreadyExistsError:
            # Another process was first; what it stored may differ from this.
            stored = self._last(table.name)
            if stored is not None and not stored.is_same(present):
                self.keep([table], now)

    def _last(self, table: str) -> SchemaVersion | None:
        keys = [info.key for info in self._store.list(f"{table}/")]
        return self._read(keys[-1]) if keys else None

    def _read(self, key: str) -> SchemaVersion:
        try:
            return msgspec.json.decode(self._store.get(key), type=SchemaVersion)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise HomeError(
                f"the stored schema {key} cannot be read: {error}",
                hint="restore it from a backup, or delete it: the present schema is stored anew",
            ) from None

    def _has_data(self, table: str) -> bool:
        return any(next(iter(self._lake.list(f"{zone}/{table}/")), None) is not None for zone in ZONES)


def _present(table: LakeTable, version: int, since: float, accepted: tuple[str, ...] = ()) -> SchemaVersion:
    return version_of(table, version=version, since=since, accepted=accepted)
