"""What a query sees of a table: the sealed file of each partition, and the raw objects that it does not hold.

Every record is there once, whatever a sealer or the retention does meanwhile. The raw objects are listed first, then
the sealed file is looked at: an object that is sealed in between is found in the sealed file and not read again. The
first attempt reads the files where they are, and counts only if they are still the same afterwards. Otherwise the
query is asked again over hard links in a folder of its own, which nobody replaces or takes away.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from penstock.adapters.local.query_coverage import (
    Columns,
    Identity,
    Notes,
    Sealed,
    folder_state,
    is_settled,
    read_sealed,
)
from penstock.adapters.local.query_files import TableFiles
from penstock.adapters.local.query_partitions import data_names, identity, partitions
from penstock.adapters.local.query_pruning import Keep, everything
from penstock.adapters.local.scratch import scratch_folder
from penstock.ports.query import TableScan

if TYPE_CHECKING:
    import duckdb

PREFIX = ".penstock-query-"
ATTEMPTS = 20


class Snapshot(msgspec.Struct):
    """The files of a table that a query sees.

    Attributes:
        files: raw objects that are not sealed, by how they are to be read.
        sealed: the sealed files, by the columns that they have.
        days: files that are read for the sealed hours of a whole day, by their columns; these hours are not in
            ``sealed``.
        hours_in_days: how many hours that is.
        partitions: how many partitions there are in it.
        seen: every file as it was found, by the path that it has in the lake.
        folders: what the query may open.
    """

    files: TableFiles = msgspec.field(default_factory=TableFiles)
    sealed: dict[Columns, list[str]] = {}
    days: dict[Columns, list[str]] = {}
    hours_in_days: int = 0
    partitions: int = 0
    seen: dict[str, Identity] = {}
    folders: list[str] = []

    def is_still(self) -> bool:
        """Tells whether every file is as it was."""
        return all(identity(path) == found for path, found in self.seen.items())

    def scan(self, table: str) -> TableScan:
        """Returns how much it is."""
        return TableScan(
            table,
            self.partitions,
            sealed_files=sum(map(len, self.sealed.values())),
            raw_files=self.files.count,
            day_files=sum(map(len, self.days.values())),
            hours_in_days=self.hours_in_days,
        )


class _Part(msgspec.Struct):
    """A partition while the snapshot is taken. Paths are those to read."""

    path: str
    names: list[str]
    state: tuple[int, int] | None = None
    sealed: str = ""
    found: Identity | None = None


class Taking:
    """Takes a snapshot of a table.

    Args:
        lake: the lake's folder, resolved.
        zone: ``raw`` for a table, with what is sealed of it; ``quarantine`` for what was not taken in.
        pins: the folder for hard links; without it the files are read where they are.
    """

    def __init__(self, lake: Path, zone: str, table: str, columns: Sequence[str], pins: Path | None) -> None:
        self._lake = lake
        self._zone = zone
        self._table = table
        self._folder = f"{lake}/{zone}/{table}"
        self._sealed_folder = f"{lake}/sealed/{table}"
        self._columns = columns
        self._pins = pins
        self._snapshot = Snapshot(folders=[f"{pins or lake}/{zone}/{table}/", f"{pins or lake}/sealed/{table}/"])
        self._notes = Notes(lake, table) if zone == "raw" else None
        self._new_notes: list[tuple[str, tuple[int, int] | None, Identity, Columns]] = []
        self._noted_files: dict[int, list[str]] = {}
        self._raw: frozenset[str] = frozenset()
        self._sealed: frozenset[str] = frozenset()

    def take(self, connection: duckdb.DuckDBPyConnection, keep: Keep) -> Snapshot:
        """Returns the snapshot of the partitions that are wanted."""
        raw = partitions(self._lake / self._zone, self._table, self._columns, keep)
        others = partitions(self._lake / "sealed", self._table, self._columns, keep) if self._notes else []
        # Only these were reached without following a link.
        self._raw, self._sealed = frozenset(raw), frozenset(others)
        wanted = sorted({*raw, *others})
        self._snapshot.partitions = len(wanted)
        for _ in range(ATTEMPTS):
            wanted = self._take(connection, wanted)
            if not wanted:
                break
        if self._notes:
            self._notes.add(self._new_notes)
        return self._snapshot

    def _take(self, connection: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> list[str]:
        """Takes partitions in; returns those from which a file was taken away meanwhile."""
        parts = [part for path in wanted if (part := self._look(path)) is not None]
        told = read_sealed(connection, [part.sealed for part in parts if part.sealed])
        return [part.path for part in parts if not self._add(part, told)]

    def _look(self, partition: str) -> _Part | None:
        """Returns what is to be looked into; None for a partition that is noted as wholly sealed."""
        folder = f"{self._folder}/{partition}"
        if self._notes is None:
            return _Part(partition, data_names(folder))
        # What is noted is how the folder was before it was listed: what comes meanwhile changes it.
        state = folder_state(folder) if partition in self._raw else None
        path = f"{self._sealed_folder}/{partition}/{self._table}.parquet"
        found = identity(path) if partition in self._sealed else None
        note = self._notes.partitions.get(partition)
        if found and note and note.file == found and note.folder == state and not self._pins:
            self._snapshot.seen[path] = found
            self._noted(self._notes, note.columns).append(path)
            return None
        names = data_names(folder) if state else []
        pinned, found = self._pinned(path) if partition in self._sealed else ("", None)
        return _Part(partition, names, state, pinned, found)

    def _add(self, part: _Part, told: Mapping[str, Sealed]) -> bool:
        """Takes a partition in, whole or not at all."""
        folder = f"{self._folder}/{part.path}"
        sealed = told.get(part.sealed)
        rest = [name for name in part.names if sealed is None or name not in sealed.covers]
        raw = []
        for name in rest:
            pinned, found = self._pinned(f"{folder}/{name}")
            if not pinned:
                if not os.path.lexists(f"{folder}/{name}"):
                    return False
                pinned = f"{folder}/{name}"
            raw.append((f"{folder}/{name}", pinned, found))
        for original, pinned, found in raw:
            if found is not None:
                self._snapshot.seen[original] = found
            self._snapshot.files.add(pinned)
        if part.sealed:
            self._add_part(part, sealed, rest)
        return True

    def _add_part(self, part: _Part, sealed: Sealed | None, rest: Sequence[str]) -> None:
        path = f"{self._sealed_folder}/{part.path}/{self._table}.parquet"
        if sealed is None:
            # What it holds cannot be told: the raw objects say the same, as long as they are there.
            self._snapshot.files.unreadable.append(part.sealed)
            return
        if part.found is not None:
            self._snapshot.seen[path] = part.found
        self._snapshot.sealed.setdefault(sealed.columns, []).append(part.sealed)
        if not rest and part.found and is_settled(part.state) and not self._pins:
            self._new_notes.append((part.path, part.state, part.found, sealed.columns))

    def _noted(self, notes: Notes, place: int) -> list[str]:
        """Returns the files so far that have the columns of this place in the notes."""
        if place not in self._noted_files:
            self._noted_files[place] = self._snapshot.sealed.setdefault(notes.columns[place], [])
        return self._noted_files[place]

    def _pinned(self, path: str) -> tuple[str, Identity | None]:
        """Returns where to read a file, and which version of it that is; an empty path when it is not there."""
        if self._pins is None:
            found = identity(path)
            return (path if found else ""), found
        pinned = f"{self._pins}{path.removeprefix(str(self._lake))}"
        try:
            Path(pinned).parent.mkdir(parents=True, exist_ok=True)
            os.link(path, pinned, follow_symlinks=False)
        except FileExistsError:
            Path(pinned).unlink()
            return self._pinned(path)
        except OSError:
            return "", None
        return pinned, identity(pinned)


def measure(lake: Path, zone: str, table: str, columns: Sequence[str], scan: TableScan) -> TableScan:
    """Returns what a query sees of a table, with how much there is in the whole of it.

    Where a partition is sealed, that file counts and not what it was made of.
    """
    raw = partitions(lake / zone, table, columns, everything)
    sealed = partitions(lake / "sealed", table, columns, everything) if zone == "raw" else []
    files = [f"{lake}/sealed/{table}/{one}/{table}.parquet" for one in sealed]
    for one in sorted({*raw} - {*sealed}):
        files += [f"{lake}/{zone}/{table}/{one}/{name}" for name in data_names(f"{lake}/{zone}/{table}/{one}")]
    sizes = [found[1] for path in files if (found := identity(path))]
    return msgspec.structs.replace(
        scan, all_partitions=len({*raw, *sealed}), all_files=len(sizes), all_bytes=sum(sizes)
    )


def pin_folder(lake: Path) -> AbstractContextManager[Path]:
    """Gives a folder for hard links that is gone afterwards."""
    return scratch_folder(lake, PREFIX)
