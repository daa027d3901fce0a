"""SQL over the lake with DuckDB: an empty database in memory, one view a table, and no way out of the lake's folder.

What confines it: the gate admits one reading statement over known tables; the engine may open the folders of the
tables that are named, nothing else (``allowed_directories`` and ``enable_external_access``), loads no extension and
looks at no Python variable; its settings are locked before the query runs. Links in the lake are not followed.
Source: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from penstock.adapters.local.query_errors import query_error, spoiling_file, too_long
from penstock.adapters.local.query_files import TableFiles, find_files
from penstock.adapters.local.query_gate import Question, admit
from penstock.adapters.local.query_types import literal
from penstock.adapters.local.query_views import Source, count_unreadable, create_view, sources
from penstock.model.datasets import LakeTable
from penstock.ports.query import Result, ResultColumn

if TYPE_CHECKING:
    import duckdb

INTERRUPT_EVERY_SECONDS = 0.05
# Counting what was left out reads the files a second time, so it is for answers that come at once.
COUNT_LIMIT_BYTES = 64 * 1024 * 1024
COUNT_LIMIT_FILES = 2000
ZONED = " WITH TIME ZONE"
SETTINGS = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "python_enable_replacements": "false",
}


# The log is JSON but for names with quotes in them, so it is not read as JSON.
LOGGED = "FROM duckdb_logs WHERE type = 'FileSystem'"
OPENED = f"""SELECT DISTINCT regexp_extract(message, '(?s)"path":"(.*)","op":"OPEN"', 1) {LOGGED}"""
READ_BYTES = f"""SELECT coalesce(sum(try_cast(
    regexp_extract(message, '"op":"READ","bytes":"(\\d+)"', 1) AS BIGINT)), 0) {LOGGED}"""


class _Answer(NamedTuple):
    columns: list[ResultColumn]
    rows: list[tuple[Any, ...]]


class _Scanned(NamedTuple):
    files: int
    read_bytes: int
    unreadable_lines: int | None


class DuckDbQueryEngine:
    """Answers SQL over the raw files of a lake.

    Args:
        lake: the folder of the lake's zones; it need not exist.
        memory_limit_mb: a query that needs more fails, unless it may spill.
        threads: how many work on a query; as many as there are cores when absent.
        temp_folder: where a query may spill what does not fit into memory; nowhere when absent.
    """

    def __init__(
        self, lake: Path, *, memory_limit_mb: int = 512, threads: int | None = None, temp_folder: Path | None = None
    ) -> None:
        self._lake = lake
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads
        self._temp_folder = temp_folder

    def describe(self, tables: Sequence[LakeTable]) -> dict[str, list[ResultColumn]]:
        return {source.name: source.described() for source in sources(tables).values()}

    def run(
        self, sql: str, *, tables: Sequence[LakeTable], limit: int = 10_000, timeout_seconds: float = 60.0
    ) -> Result:
        import duckdb

        began = time.perf_counter()
        connection = self._connect()
        try:
            answer = _within(timeout_seconds, connection, lambda: self._answer(connection, sql, sources(tables), limit))
        except duckdb.Error as error:
            raise query_error(error, self._memory_limit_mb) from None
        finally:
            connection.close()
        return msgspec.structs.replace(answer, elapsed_seconds=time.perf_counter() - began)

    def _answer(
        self, connection: duckdb.DuckDBPyConnection, sql: str, known: Mapping[str, Source], limit: int
    ) -> Result:
        question = admit(connection, sql, list(known))
        files = self._confine(connection, known, question.tables)
        described, rows = _ask(connection, question, known, files, limit + 1)
        scanned = _scanned(connection, known, files)
        return Result(
            columns=described,
            rows=rows[:limit],
            truncated=len(rows) > limit,
            elapsed_seconds=0.0,
            scanned_files=scanned.files,
            scanned_bytes=scanned.read_bytes,
            unreadable_lines=scanned.unreadable_lines,
            unreadable_files=sum(len(one.unreadable) for one in files.values()),
        )

    def _connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        settings = {**SETTINGS, "memory_limit": f"{self._memory_limit_mb}MB"}
        settings["temp_directory"] = str(self._temp_folder.resolve()) if self._temp_folder else ""
        if self._threads is not None:
            settings["threads"] = str(self._threads)
        connection = duckdb.connect(":memory:", config=dict(settings))
        connection.execute("SET TimeZone='UTC'")
        return connection

    def _confine(
        self, connection: duckdb.DuckDBPyConnection, known: Mapping[str, Source], named: Iterable[str]
    ) -> dict[str, TableFiles]:
        """Leaves no door open but that to the named tables, and locks up; returns their files."""
        root = self._lake.resolve()
        wanted = [known[name] for name in sorted(named)]
        files = {
            source.name.lower(): find_files(root, source.zone, source.table, source.partition) for source in wanted
        }
        folders = ", ".join(literal(f"{root}/{source.zone}/{source.table}/") for source in wanted)
        # The log of opened files says what was scanned.
        connection.execute("CALL enable_logging('FileSystem', level='trace')")
        connection.execute(f"SET allowed_directories=[{folders}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        return files


def _within(seconds: float, connection: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
    """Returns the outcome of work with a connection, which ends at the latest when the time is over.

    It goes on in a thread of its own, since DuckDB looks for Ctrl-C at some moments only; this one can wait for both.
    """
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="query", daemon=True)
    thread.start()
    try:
        if wait([outcome], timeout=seconds).not_done:
            raise too_long(seconds)
        return outcome.result()
    finally:
        while thread.is_alive():
            # Again until it gives up: an interrupt between two statements is lost.
            if not outcome.done():
                connection.interrupt()
            thread.join(INTERRUPT_EVERY_SECONDS)


def _ask(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    known: Mapping[str, Source],
    files: Mapping[str, TableFiles],
    limit: int,
) -> _Answer:
    """Returns the answer; a file that spoils it (its lines too long, gone meanwhile) is left out, and it asks again."""
    import duckdb

    stale = list(known)
    while True:
        try:
            for name in stale:
                connection.execute(create_view(known[name], files.get(name, TableFiles())))
            connection.execute("CALL truncate_duckdb_logs()")
            return _rows(connection, question.text, limit)
        except duckdb.Error as error:
            path = spoiling_file(error)
            stale = [name for name, held in files.items() if path is not None and held.mend(path)]
            if not stale:
                raise


def _rows(connection: duckdb.DuckDBPyConnection, text: str, limit: int) -> _Answer:
    found = connection.execute(text)
    described = [ResultColumn(str(name), str(kind)) for name, kind, *_ in found.description or ()]
    if not any(ZONED in column.type for column in described):
        return _Answer(described, found.fetchmany(limit))
    # DuckDB hands out times with a zone by way of pytz, which is not here: they come as UTC, and get their zone back.
    names = [f"c{number}" for number in range(len(described))]
    cast = [f"CAST({name} AS {one.type.replace(ZONED, '')})" for name, one in zip(names, described, strict=True)]
    found = connection.execute(f"SELECT {', '.join(cast)} FROM query({literal(text)}) AS asked({', '.join(names)})")
    zoned = [one.type == f"TIMESTAMP{ZONED}" for one in described]
    return _Answer(described, [_in_utc(row, zoned) for row in found.fetchmany(limit)])


def _in_utc(row: tuple[Any, ...], zoned: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(
        value.replace(tzinfo=datetime.UTC) if is_zoned and isinstance(value, datetime.datetime) else value
        for value, is_zoned in zip(row, zoned, strict=True)
    )


def _scanned(
    connection: duckdb.DuckDBPyConnection, known: Mapping[str, Source], files: Mapping[str, TableFiles]
) -> _Scanned:
    """Returns what the query read, by the log, and how many lines of that are no record."""
    import duckdb

    opened = {str(path) for (path,) in connection.execute(OPENED).fetchall()} - {""}
    (read_bytes,) = connection.execute(READ_BYTES).fetchone() or (0,)
    if read_bytes > COUNT_LIMIT_BYTES or len(opened) > COUNT_LIMIT_FILES:
        return _Scanned(len(opened), int(read_bytes), None)
    total = 0
    for name, held in files.items():
        lines, documents = ([path for path in paths if path in opened] for paths in (held.lines, held.documents))
        counting = count_unreadable(known[name], TableFiles(lines, documents))
        try:
            (count,) = (connection.execute(counting).fetchone() or (0,)) if counting else (0,)
        except duckdb.Error:
            return _Scanned(len(opened), int(read_bytes), None)
        total += int(count)
    return _Scanned(len(opened), int(read_bytes), total)
