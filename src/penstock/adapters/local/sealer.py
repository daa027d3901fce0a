"""Sealing with DuckDB: sorted on disk where memory is too small, confined to the lake and its own folder."""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.adapters.local import sealer_sql as sql
from penstock.adapters.local.duckdb_text import literal, path_of
from penstock.adapters.local.parquet_footer import add_key_values, footer
from penstock.adapters.local.scratch import scratch_folder
from penstock.errors import HomeError, NotFoundError, PenstockError, StorageFullError, ValidationError
from penstock.faultpoints import fault_point
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Footer
from penstock.ports.sealing import Check, Describe, Written

if TYPE_CHECKING:
    import duckdb

    from penstock.ports.objects import ObjectStore

SMALL_BYTES = 256 * 1024
SCRATCH_PREFIX = ".penstock-seal-"
SETTINGS = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "python_enable_replacements": "false",
}
_LINE = re.compile(r'in file "(.+?)", (?:at byte \d+ )?in line (\d+)', re.DOTALL)


class DuckDbSealer:
    """Reads and writes sealed files.

    Args:
        lake: the folder of the lake's zones. Scratch folders are made in it, so that a file is moved and not copied.
        objects: where the objects are, when ``lake`` does not hold them; they are then copied to a scratch folder.
        memory_limit_mb: what DuckDB may use; beyond that it uses the scratch folder.
        threads: how many work on a partition; as many as there are cores when absent.
        stays_open: one database serves all partitions, one after the other: for who seals many small ones.
    """

    def __init__(
        self,
        lake: Path,
        *,
        objects: ObjectStore | None = None,
        memory_limit_mb: int = 1024,
        threads: int | None = None,
        stays_open: bool = False,
    ) -> None:
        self._stays_open = stays_open
        self._opened: duckdb.DuckDBPyConnection | None = None
        self._has_tables = False
        self._lake = lake
        self._objects = objects
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads

    def footer(self, key: str) -> Footer | None:
        if self._objects is None:
            try:
                return footer(self._lake / key)
            except FileNotFoundError:
                return None
        with self.scratch() as scratch:
            try:
                return footer(self.fetch(key, scratch))
            except NotFoundError:
                return None

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        self._lake.mkdir(mode=0o700, parents=True, exist_ok=True)
        with scratch_folder(self._lake.resolve(), SCRATCH_PREFIX) as folder:
            yield folder

    def fetch(self, key: str, scratch: Path) -> Path:
        if self._objects is None:
            path = self._lake.resolve() / key
            if not path.is_file():
                raise NotFoundError(f"there is no object {key}", hint="it was deleted meanwhile: seal again")
            return path
        # What an object's name ends with says how it is read.
        path = scratch / f"{secrets.token_hex(8)}-{key.rpartition('/')[2]}"
        with path.open("wb") as file:
            for piece in self._objects.stream(key):
                file.write(piece)
        return path

    def write(
        self,
        table: LakeTable,
        lines: Sequence[Path],
        *,
        check: Check,
        previous: Path | None,
        describe: Describe,
        scratch: Path,
    ) -> Written:
        import duckdb

        path = scratch / f"{table.name}.parquet"
        connection = self._kept() if self._stays_open else self._connect(scratch)
        try:
            self._has_tables = self._has_tables or bool(table.unique)
            writing = _Writing(connection, sql.shape_of(table), lines, path)
            rows, duplicates = (writing.unique if table.unique else writing.all)(check, previous)
        except duckdb.Error as error:
            raise self._translate(error) from error
        finally:
            if not self._stays_open:
                connection.close()
        add_key_values(path, describe(duplicates))
        fault_point("sealer.after_write")
        return Written(path, rows)

    def close(self) -> None:
        """Closes the database that stays open, if there is one."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _kept(self) -> duckdb.DuckDBPyConnection:
        """Returns the connection to the database that stays, with nothing in it."""
        if self._opened is None:
            self._opened = self._connect(self._lake / f"{SCRATCH_PREFIX}open")
        if self._has_tables:
            for name in sql.TABLES:
                self._opened.execute(f"DROP TABLE IF EXISTS {name}")
            self._has_tables = False
        return self._opened

    def _connect(self, scratch: Path) -> duckdb.DuckDBPyConnection:
        import duckdb

        settings = {
            **SETTINGS,
            "memory_limit": f"{self._memory_limit_mb}MB",
            "temp_directory": str(scratch / "spilled"),
        }
        if self._threads is not None:
            settings["threads"] = str(self._threads)
        connection = duckdb.connect(":memory:", config=dict(settings))
        connection.execute("SET TimeZone='UTC'")
        connection.execute(f"SET allowed_directories=[{literal(f'{self._lake.resolve()}/')}]")
        connection.execute("SET enable_external_access=false")
        return connection

    def _translate(self, error: duckdb.Error) -> PenstockError:
        text = str(error).partition("\n")[0]
        if type(error).__name__ == "OutOfMemoryException":
            return HomeError(
                f"sealing needs more than {self._memory_limit_mb} MB", hint="raise the limit: `lake seal --memory-mb`"
            )
        if "No space left" in text:
            return StorageFullError("no space left to seal", hint="free some space, then seal again: nothing is lost")
        named = _LINE.search(text)
        path = path_of(named[1]) if named else None
        line = int(named[2]) if named else None
        return ValidationError(
            f"cannot be sealed: {text}", hint="`penstock lake check` tells what is wrong", path=path, line=line
        )


class _Writing:
    """The writing of one file."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, shape: sql.Shape, lines: Sequence[Path], path: Path
    ) -> None:
        self._connection = connection
        self._shape = shape
        self._lines = lines
        self._path = path

    def all(self, check: Check, previous: Path | None) -> tuple[int, dict[int, int]]:
        """Writes all rows; returns how many they are, and that none is a duplicate."""
        rows = [] if previous is None else [self._select_previous(previous)]
        rows += [sql.select_lines(self._shape, self._lines)] if self._lines else []
        chosen = " UNION ALL ".join(rows) or sql.select_nothing(self._shape)
        count, _ = self._meanwhile(sql.copy(self._shape, chosen, self._path), check)
        return count, {}

    def unique(self, check: Check, previous: Path | None) -> tuple[int, dict[int, int]]:
        """Writes the first of equal rows; returns how many they are, and how many others each source had."""
        nothing = sql.select_nothing(self._shape)
        after = self._run(sql.stage(nothing if previous is None else self._select_previous(previous)))
        lines = sql.select_lines(self._shape, self._lines) if self._lines else nothing
        _, counts = self._meanwhile(sql.stage_more(lines, after), check)
        self._connection.execute(sql.find_duplicates(self._shape, after))
        # A source without rows ends where the one before it does, which has them.
        ends = {after + end: number for number, end in reversed([*enumerate(itertools.accumulate(counts))])}
        places = [list(ends.values()), list(ends)]
        found = self._connection.execute(sql.COUNT_DUPLICATES, places).fetchall() if ends else []
        return self._run(sql.copy(self._shape, sql.SELECT_UNIQUE, self._path, in_order=True)), dict(found)

    def _meanwhile(self, statement: str, check: Check) -> tuple[int, Sequence[int]]:
        """Runs a statement in a thread while the lines are checked in this one; returns its count, and theirs."""
        if sum(path.stat().st_size for path in self._lines) <= SMALL_BYTES:
            # A thread would take longer than the lines.
            counts = check()
            return self._run(statement), counts
        with ThreadPoolExecutor(1, "penstock-sealer") as pool:
            running = pool.submit(self._run, statement)
            try:
                counts = check()
            except BaseException:
                self._connection.interrupt()
                raise
            return running.result(), counts

    def _run(self, statement: str) -> int:
        (count,) = self._connection.execute(statement).fetchone() or (0,)
        return int(count)

    def _select_previous(self, path: Path) -> str:
        found = self._connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        return sql.select_previous(self._shape, path, {name: kind for name, kind, *_ in found})
