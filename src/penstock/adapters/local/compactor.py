"""Putting the sealed hours of a day together into one file that queries read for them.

The lake stays as it is: what is written here is derived, and takes about as much space again as the sealed files. A
file gets its name in one step, once it is whole and the hours are still those that it is named after. So whoever dies
on the way, or does the same at the same time, leaves nothing that is read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from penstock.adapters.local.duckdb_text import exact, identifier, literal
from penstock.adapters.local.query_confinement import connect, lock
from penstock.adapters.local.query_days import Day, DayFiles, day_paths, days_of
from penstock.adapters.local.query_partitions import identity
from penstock.adapters.local.query_pruning import everything
from penstock.adapters.local.query_snapshot import Snapshot, Taking
from penstock.adapters.local.scratch import scratch_folder
from penstock.adapters.local.sealer_sql import ROW_GROUP_ROWS, shape_of
from penstock.errors import HomeError, StorageFullError
from penstock.faultpoints import fault_point
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.sealing import Compacted

if TYPE_CHECKING:
    import duckdb

SCRATCH_PREFIX = ".penstock-days-"
WITHOUT = "set `compact = false` in the home's config.toml: queries read the hours then"
DAY_SECONDS, HOUR_SECONDS = 86_400.0, 3600.0


class DuckDbCompactor:
    """Writes the files of days, and removes those that are of no use any more.

    Args:
        lake: the folder of the lake's zones.
        folder: where the files are to be; made when it is absent.
        memory_limit_mb: what DuckDB may use; beyond that it uses the folder.
        threads: how many work on a day; as many as there are cores when absent.
    """

    def __init__(self, lake: Path, folder: Path, *, memory_limit_mb: int = 1024, threads: int | None = None) -> None:
        self._lake = lake
        self._days = DayFiles(folder)
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads

    def compact(self, table: LakeTable, now: float) -> Iterator[Compacted]:
        """Removes what is stale, then puts days together, one each step; may be left at any time.

        A day is put together once it is over, closed, and wholly sealed, and before its first hour expires.

        Raises:
            StorageFullError: there is no space left. What is there already stays.
            HomeError: nothing can be kept where the files are to be.
        """
        if table.partition != "hour" or not self._lake.is_dir():
            return
        self._make_folder()
        with scratch_folder(self._days.folder, SCRATCH_PREFIX) as scratch, self._opened(scratch) as connection:
            snapshot = self._snapshot(connection, table)
            self._remove_stale(table, snapshot)
            lock(connection, [*snapshot.folders, f"{scratch}/"])
            for day in _due(table, snapshot, now):
                if identity(self._days.place(table, day)) is None:
                    made = self._put_together(connection, table, day, scratch)
                    if made is not None:
                        yield made

    def forget(self, table: str, partition: str) -> None:
        """Removes what was put together of the day of an hour, such as ``year=2026/month=02/day=20/hour=07``."""
        shutil.rmtree(self._days.folder / table / partition.rpartition("/hour=")[0], ignore_errors=True)

    def _make_folder(self) -> None:
        try:
            self._days.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(
                f"cannot use {self._days.folder}: {error.strerror}", hint=f"mend that, or {WITHOUT}"
            ) from error

    def _opened(self, scratch: Path) -> contextlib.closing[duckdb.DuckDBPyConnection]:
        return contextlib.closing(
            connect(memory_limit_mb=self._memory_limit_mb, threads=self._threads, temp_folder=scratch / "spilled")
        )

    def _snapshot(self, connection: duckdb.DuckDBPyConnection, table: LakeTable) -> Snapshot:
        taking = Taking(self._lake.resolve(), "raw", table.name, PARTITION_COLUMNS[table.partition], None)
        return taking.take(connection, everything)

    def _remove_stale(self, table: LakeTable, snapshot: Snapshot) -> None:
        """Removes what no query looks for. What another process puts there meanwhile is put there again next time."""
        useful = {self._days.place(table, day) for day in days_of(table, snapshot)}
        for path in self._days.folder.glob(f"{table.name}/*/*/*/*"):
            if str(path) in useful:
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                fault_point("compactor.after_remove")
                for folder in (*path.parents,)[:3]:
                    folder.rmdir()

    def _put_together(
        self, connection: duckdb.DuckDBPyConnection, table: LakeTable, day: Day, scratch: Path
    ) -> Compacted | None:
        """Returns what a day came to; None when it changed meanwhile."""
        import duckdb

        made = scratch / f"{table.name}.parquet"
        told = Compacted(table=table.name, day=day.path, hours=len(day.hours))
        try:
            (rows,) = connection.execute(_copy(table, day, made)).fetchone() or (0,)
            size_bytes = made.stat().st_size
            if not self._keep(table, day, made):
                return None
        except (duckdb.Error, OSError) as error:
            if "No space left" in str(error):
                raise StorageFullError(
                    f"no space left to put {table.name} {day.path} together",
                    hint=f"free some space, or {WITHOUT}",
                ) from error
            return msgspec.structs.replace(told, problem=str(error).partition("\n")[0])
        return msgspec.structs.replace(told, rows=int(rows), size_bytes=size_bytes)

    def _keep(self, table: LakeTable, day: Day, made: Path) -> bool:
        """Puts a file where queries look for it; False when the hours are no longer those that it is to be read for."""
        fault_point("compactor.before_check")
        if [identity(path) for path in day.hours] != day.identities:
            return False
        handle = os.open(made, os.O_RDONLY)
        try:
            # After a power cut a name must not stand for less than it says.
            os.fsync(handle)
        finally:
            os.close(handle)
        place = Path(self._days.place(table, day))
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fault_point("compactor.before_rename")
        made.replace(place)
        fault_point("compactor.after_rename")
        return True


def _due(table: LakeTable, snapshot: Snapshot, now: float) -> Iterator[Day]:
    """Yields the days that are to be together at a time."""
    waiting = _waiting(snapshot)
    latest = _day_at(now - table.seal_after_seconds - DAY_SECONDS)
    kept = table.retained_seconds("sealed")
    expiring = "" if kept is None else _day_at(now - kept - HOUR_SECONDS)
    for day in days_of(table, snapshot):
        if expiring < day.path <= latest and day.path not in waiting:
            yield day


def _waiting(snapshot: Snapshot) -> set[str]:
    """Returns the days that hold something which is not sealed, or cannot be read."""
    files = snapshot.files
    return day_paths([*files.lines, *files.documents, *files.tables, *files.fitted, *files.unreadable])


def _day_at(at: float) -> str:
    return datetime.fromtimestamp(at // 1, UTC).strftime("year=%Y/month=%m/day=%d")


def _copy(table: LakeTable, day: Day, path: Path) -> str:
    """Returns the statement that writes the rows of a day, sorted as each of its hours is, with the hour of each.

    Parquet's second version, which the lake's own files are not: nobody but the engine that wrote it reads it. Times
    that follow each other are a third smaller in it.
    """
    held = [name for name, _ in day.columns]
    chosen = ", ".join(map(identifier, [*held, "hour"]))
    files = ", ".join(literal(exact(hour)) for hour in day.hours)
    order = ", ".join(identifier(name) for name in shape_of(table).sort if name in held)
    return (
        f"COPY (SELECT {chosen} FROM read_parquet([{files}], hive_partitioning=true, hive_types={{'hour': 'VARCHAR'}})"
        f"{f' ORDER BY {order}' if order else ''}) TO {literal(str(path))}"
        f" (FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
    )
