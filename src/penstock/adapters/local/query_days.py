"""Days in one file: the sealed hours of a day, put together where queries keep what they derive.

Such a file is named after the sealed files that it was made of, each as it was. A query that sees exactly these reads
the one file for them; after any change it looks for another name, and reads the hours as long as there is none. So
nothing of a file has to be trusted but its name, and the folder can be deleted at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from penstock.adapters.local.query_coverage import Columns, Identity
from penstock.adapters.local.query_partitions import identity
from penstock.adapters.local.query_snapshot import Snapshot
from penstock.model.datasets import LakeTable

# Another way of writing the files makes those that are there strangers.
FORMAT = 1


class Day(msgspec.Struct, frozen=True):
    """The sealed hours of one day that a snapshot sees, all of the same columns.

    Attributes:
        path: such as ``year=2026/month=02/day=20``.
        columns: those that each of the files has.
        hours: the sealed files, in the order of the hours.
        identities: of each of them, as the snapshot found it.
    """

    path: str
    columns: Columns
    hours: list[str]
    identities: list[Identity]


class DayFiles:
    """The files of days, by table.

    Args:
        folder: where they are; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    @property
    def folder(self) -> Path:
        """Where they are, free of links."""
        return self._folder

    def place(self, table: LakeTable, day: Day) -> str:
        """Returns where the file of exactly these hours is, if there is one."""
        hours = [(_hour(path), *found) for path, found in zip(day.hours, day.identities, strict=True)]
        told = msgspec.msgpack.encode([FORMAT, day.columns, table.sort, table.time, hours])
        return f"{self._folder}/{table.name}/{day.path}/{hashlib.sha256(told).hexdigest()[:32]}.parquet"

    def use(self, table: LakeTable, snapshot: Snapshot) -> None:
        """Has a snapshot read the files of days that are there, each for the hours that it holds."""
        held: set[str] = set()
        for day in days_of(table, snapshot):
            path = self.place(table, day)
            if identity(path) is not None:
                snapshot.days.setdefault(day.columns, []).append(path)
                held.update(day.hours)
        if held:
            snapshot.hours_in_days = len(held)
            rest = {columns: [one for one in paths if one not in held] for columns, paths in snapshot.sealed.items()}
            snapshot.sealed = {columns: paths for columns, paths in rest.items() if paths}
            snapshot.folders = [*snapshot.folders, f"{self._folder}/{table.name}/"]


def days_of(table: LakeTable, snapshot: Snapshot) -> Iterator[Day]:
    """Yields the days of which a snapshot sees more than one sealed hour, all of the same columns."""
    if table.partition != "hour":
        return
    found: dict[str, dict[Columns, list[str]]] = {}
    for columns, paths in snapshot.sealed.items():
        for path in paths:
            found.setdefault(_day(path), {}).setdefault(columns, []).append(path)
    for path, by_columns in sorted(found.items()):
        ((columns, hours), *others) = by_columns.items()
        if others or len(hours) < 2:
            continue
        hours.sort()
        yield Day("/".join(path.split("/")[-3:]), columns, hours, [snapshot.seen[hour] for hour in hours])


def _day(path: str) -> str:
    return path.rpartition("/hour=")[0]


def _hour(path: str) -> str:
    return path.rpartition("/hour=")[2].partition("/")[0]


def day_paths(paths: Sequence[str]) -> set[str]:
    """Returns the days that files of the lake are of, such as ``year=2026/month=02/day=20``."""
    return {"/".join(_day(path).split("/")[-3:]) for path in paths}
