"""Transformations with DuckDB: confined to the staged files, and to the scratch folder for what memory cannot hold."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.adapters.local.duckdb_text import identifier, literal
from penstock.adapters.local.scratch import scratch_folder
from penstock.adapters.local.transform_cells import from_delimited
from penstock.adapters.local.transform_errors import translate
from penstock.adapters.local.transform_functions import forget, register
from penstock.adapters.local.transform_sql import copy_csv, encodable, from_lines, lossy, select_encoded, select_output
from penstock.adapters.local.transform_values import reader
from penstock.errors import QueryError
from penstock.faultpoints import fault_point
from penstock.model.column_types import duckdb_type
from penstock.model.transformations import Engine
from penstock.ports.transform import TransformationPlan, Transformed

if TYPE_CHECKING:
    import duckdb

SCRATCH_PREFIX = "penstock-transform-"
# The only folder that the engine may reach once it has read the inputs.
WRITTEN = "written"
SETTINGS = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "preserve_insertion_order": "true",
    "python_enable_replacements": "false",
}
# What Python and the engine's own code take beside the buffers that the limit is about. Of much memory a part is left,
# for whoever has much to do goes a little over the limit, and has more libraries loaded.
OVERHEAD_MB = 100
MUCH_MB = 512
OVERHEAD_SHARE = 0.15
SMALLEST_MB = 64
THREAD_MB = 512
PART_ROWS = 50_000


class DuckDbTransformer:
    """Runs transformations in this process.

    Args:
        folder: where scratch folders are made.
    """

    engine: Engine = "duckdb"
    reads_delimited = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with scratch_folder(self._folder.resolve(), SCRATCH_PREFIX) as folder:
            yield folder

    @contextlib.contextmanager
    def run(self, plan: TransformationPlan, *, scratch: Path, memory_mb: int) -> Iterator[Transformed]:
        left_mb = OVERHEAD_MB + round(max(0, memory_mb - MUCH_MB) * OVERHEAD_SHARE)
        limit_mb = max(memory_mb - left_mb, memory_mb // 2, SMALLEST_MB)
        connection = _connect(scratch, limit_mb)
        try:
            register(connection, plan.functions.values())
            counts = _Computation(connection, plan, limit_mb).compute()
            fault_point("transformer.after_compute")
            with contextlib.closing(_Rows(connection, plan, limit_mb, counts, scratch / WRITTEN)) as rows:
                yield rows
        finally:
            forget(connection, plan.functions)
            connection.close()


def _connect(scratch: Path, limit_mb: int) -> duckdb.DuckDBPyConnection:
    import duckdb

    threads = max(1, min(os.cpu_count() or 1, limit_mb // THREAD_MB))
    settings = {
        **SETTINGS,
        "memory_limit": f"{limit_mb}MB",
        "temp_directory": str(scratch / "spilled"),
        "threads": str(threads),
    }
    # In memory, and in the temporary directory what does not fit: a file of its own would be compressed when written.
    connection = duckdb.connect(":memory:", config=dict(settings))
    connection.execute("SET TimeZone='UTC'")
    (scratch / WRITTEN).mkdir()
    connection.execute(f"SET allowed_directories=[{literal(f'{scratch / WRITTEN}/')}]")
    return connection


class _Computation:
    """Makes tables of inputs and steps."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, plan: TransformationPlan, limit_mb: int) -> None:
        self._connection = connection
        self._plan = plan
        self._limit_mb = limit_mb

    def compute(self) -> dict[str, int]:
        """Returns how many rows each output has, and each input of delimited text."""
        counts = {}
        for name, staged in self._plan.inputs.items():
            # Always a table: the files are read before the engine is shut off from all of them.
            sql = from_lines(staged) if staged.cells is None else from_delimited(staged, staged.cells)
            self._make(f"input {name!r}", name, sql, keep=True)
            if staged.cells is not None:
                ((counts[name],),) = self._execute(f"input {name!r}", f"SELECT count(*) FROM {identifier(name)}")
        self._connection.execute("SET enable_external_access=false")
        self._connection.execute("SET lock_configuration=true")
        read_last = _read_last(self._plan)
        for name, sql in self._plan.steps.items():
            self._check_only_select(name, sql)
            self._make(f"step {name!r}", name, sql, keep=name in self._plan.kept or name in self._plan.outputs)
            for done in read_last.get(name, []):
                self._execute(f"step {name!r}", f"DROP TABLE {identifier(done)}")
        return counts | {name: self._output(name, columns) for name, columns in self._plan.outputs.items()}

    def _make(self, what: str, name: str, sql: str, *, keep: bool) -> None:
        kind = "TABLE" if keep else "VIEW"
        self._execute(what, f"CREATE {kind} {identifier(name)} AS (\n{sql}\n)")

    def _execute(self, what: str, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        try:
            return self._connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise translate(error, f"transformation {self._plan.name!r}, {what}", self._limit_mb) from error

    def _check_only_select(self, name: str, sql: str) -> None:
        import duckdb

        try:
            kinds = [str(one.type).rpartition(".")[2] for one in self._connection.extract_statements(sql)]
        except duckdb.Error as error:
            raise translate(error, f"transformation {self._plan.name!r}, step {name!r}", self._limit_mb) from error
        if kinds != ["SELECT"]:
            raise QueryError(
                f"transformation {self._plan.name!r}, step {name!r} is {', '.join(kinds) or 'empty'}",
                hint="a step is one SELECT",
            )

    def _output(self, name: str, columns: dict[str, str]) -> int:
        """Checks that an output fits its record; returns its rows."""
        what = f"output {name!r}"
        found = {str(row[0]).lower(): str(row[1]) for row in self._execute(what, f"DESCRIBE {identifier(name)}")}
        for column, kind in columns.items():
            problem = lossy(found.get(column.lower()), kind)
            if problem:
                raise QueryError(
                    f"transformation {self._plan.name!r}, {what}: column {column!r} {problem}",
                    hint=f"write CAST(… AS {duckdb_type(kind)}) AS {column} in the step",
                )
        required = sorted(self._plan.required[name])
        counted = ", ".join(["count(*)", *(f"count({identifier(column)})" for column in required)])
        ((rows, *present),) = self._execute(what, f"SELECT {counted} FROM {identifier(name)}")
        for column, count in zip(required, present, strict=True):
            if count < rows:
                raise QueryError(
                    f"transformation {self._plan.name!r}, {what}: column {column!r} is NULL in {rows - count} rows",
                    hint="filter them in the step, or let the record's field be None",
                )
        return int(rows)


def _read_last(plan: TransformationPlan) -> dict[str, list[str]]:
    """Returns, by step, the tables that no later step reads: they need no more room."""
    tables = {*plan.inputs, *plan.kept, *plan.outputs}
    reads: dict[str, set[str]] = {}
    last: dict[str, str] = {}
    for name, sql in plan.steps.items():
        words = {word.lower() for word in re.findall(r"\w+", sql)}
        named = {one for one in (*plan.inputs, *reads) if one.lower() in words}
        # What is no table reads its own tables where it is read; but they must be there when it is made, too.
        reads[name] = (named & tables).union(*(reads[one] for one in named - tables))
        last |= dict.fromkeys(reads[name], name)
    found: dict[str, list[str]] = {}
    for table, step in last.items():
        if table not in plan.outputs:
            found.setdefault(step, []).append(table)
    return found


class _Rows:
    """Rows of the outputs."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        plan: TransformationPlan,
        limit_mb: int,
        counts: dict[str, int],
        folder: Path,
    ) -> None:
        self._connection = connection
        self._plan = plan
        self._limit_mb = limit_mb
        self._counts = counts
        self._folder = folder
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="penstock-transform")

    def close(self) -> None:
        """Ends the writing of files, which nobody waits for any more."""
        self._writer.shutdown(cancel_futures=True)

    def count(self, output: str) -> int:
        return self._counts[output]

    def csv(self, output: str) -> Iterator[Path]:
        count = self._counts[output]
        parts = [range(start, min(start + PART_ROWS, count)) for start in range(0, count, PART_ROWS)]
        # While a part is dealt with, the next is written.
        written = self._writer.submit(self._write, output, parts[0]) if parts else None
        for following in [*parts[1:], None]:
            if written is None:
                return
            path = written.result()
            written = None if following is None else self._writer.submit(self._write, output, following)
            yield path
            path.unlink()

    def _write(self, output: str, part: range) -> Path:
        import duckdb

        path = self._folder / f"{output}-{part.start}.csv"
        what = f"transformation {self._plan.name!r}, output {output!r}"
        cursor = self._connection.cursor()
        try:
            ((count,),) = cursor.execute(copy_csv(output, self._plan.outputs[output], path, part)).fetchall()
        except duckdb.Error as error:
            raise translate(error, what, self._limit_mb) from error
        finally:
            cursor.close()
        # Rows that were made at once are numbered without a gap; were they not, some would be left out.
        if count != len(part):
            raise QueryError(
                f"{what}: {count:,} rows of {len(part):,} were written", hint="report it: this is a mistake"
            )
        return path

    def rows(self, output: str, size: int, *, encoded: bool = False) -> Iterator[list[tuple[Any, ...]]]:
        import duckdb

        columns = self._plan.outputs[output]
        query = (select_encoded if encoded else select_output)(output, columns)
        read = reader({name: "string" if encoded and encodable(kind) else kind for name, kind in columns.items()})
        # A cursor of its own: several outputs may be read at once.
        cursor = self._connection.cursor()
        try:
            cursor.execute(query)
            while batch := cursor.fetchmany(size):
                yield read(batch)
        except duckdb.Error as error:
            raise translate(error, f"transformation {self._plan.name!r}, output {output!r}", self._limit_mb) from error
        finally:
            cursor.close()
