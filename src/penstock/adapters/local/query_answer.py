"""Asking DuckDB: views over the snapshots, the rows of the answer, and what was read for it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from penstock.adapters.local.duckdb_text import literal
from penstock.adapters.local.query_casts import cast_once
from penstock.adapters.local.query_confinement import lock
from penstock.adapters.local.query_errors import spoiling_file
from penstock.adapters.local.query_files import TableFiles
from penstock.adapters.local.query_request import Asking
from penstock.adapters.local.query_snapshot import Snapshot
from penstock.adapters.local.query_views import count_unreadable, create_view, describe_file
from penstock.ports.query import Parameters, ResultColumn

if TYPE_CHECKING:
    import duckdb

# Counting what was left out reads the files a second time, so it is for answers that come at once.
COUNT_LIMIT_BYTES = 64 * 1024 * 1024
COUNT_LIMIT_FILES = 2000
ZONED = " WITH TIME ZONE"
# The log is JSON but for names with quotes in them, so it is not read as JSON.
LOGGED = "FROM duckdb_logs WHERE type = 'FileSystem'"
OPENED = f"""SELECT DISTINCT regexp_extract(message, '(?s)"path":"(.*)","op":"OPEN"', 1) {LOGGED}"""
READ_BYTES = f"""SELECT coalesce(sum(try_cast(
    regexp_extract(message, '"op":"READ","bytes":"(\\d+)"', 1) AS BIGINT)), 0) {LOGGED}"""


Work = TypeVar("Work")


class Answer(NamedTuple):
    """The rows of an answer, and their columns."""

    columns: list[ResultColumn]
    rows: list[tuple[Any, ...]]


class Scanned(NamedTuple):
    """What was read."""

    files: int
    read_bytes: int
    unreadable_lines: int | None


def open_tables(asking: Asking) -> None:
    """Makes a view of each table, then locks up. A table that is not asked for is empty.

    Nothing of the user's runs while the engine is still open, so that making the views need not ask for each path
    whether it is allowed.
    """
    make_views(asking, list(asking.request.known))
    _watch(asking)
    folders = [folder for held in asking.held.values() for folder in held.folders]
    lock(asking.connection, folders, asking.request.writes)


def make_views(asking: Asking, names: Sequence[str]) -> None:
    """Makes views; other names of tables are there when they are asked for."""
    for name in names:
        source = asking.request.known[name]
        if name not in asking.held and source.is_other_name:
            continue
        held = asking.held.get(name, Snapshot())
        columns = {path: _columns(asking.connection, path) for path in held.files.tables}
        asking.connection.execute(create_view(source, held, columns))


def _watch(asking: Asking) -> None:
    """Has it noted what a query reads: file by file for raw ones, whose lines are counted; sums for sealed ones."""
    if _has_raw(asking.held):
        asking.connection.execute("CALL enable_logging('FileSystem', level='trace')")
    else:
        asking.connection.execute("SET enable_profiling='no_output'")


def _columns(connection: duckdb.DuckDBPyConnection, path: str) -> list[str]:
    return [str(name) for name, *_ in connection.execute(describe_file(path)).fetchall()]


def ask(asking: Asking, limit: int) -> Answer:
    """Returns the answer."""
    import duckdb

    connection, text, parameters = asking.connection, asking.question.text, asking.request.parameters
    quick = cast_once(text, asking.question.nodes, _texts(asking))

    def answered() -> Answer:
        if quick != text:
            # What fails is asked as it was written, so that the error is about that.
            with contextlib.suppress(duckdb.Error):
                return _rows(connection, quick, limit, parameters)
        return _rows(connection, text, limit, parameters)

    return until_readable(asking, answered)


def _texts(asking: Asking) -> frozenset[str]:
    """Returns the columns that are text in each of the tables that are asked for, in lower case."""
    columns = [item for name in asking.question.tables for item in asking.request.known[name].columns.items()]
    others = {name.lower() for name, kind in columns if kind != "VARCHAR"}
    return frozenset(name.lower() for name, _ in columns) - others


def until_readable(asking: Asking, work: Callable[[], Work]) -> Work:
    """Opens the tables, and returns what work with them came to.

    A file that spoils it (its lines too long, gone meanwhile) is mended or left out, and it is done again.
    """
    import duckdb

    stale: list[str] = []
    is_locked = False
    while True:
        try:
            if not is_locked:
                open_tables(asking)
                is_locked = True
            make_views(asking, stale)
            if _has_raw(asking.held):
                asking.connection.execute("CALL truncate_duckdb_logs()")
            return work()
        except duckdb.Error as error:
            path = spoiling_file(error)
            stale = [name for name, held in asking.held.items() if path is not None and held.files.mend(path)]
            if not stale:
                raise


def _rows(connection: duckdb.DuckDBPyConnection, text: str, limit: int, parameters: Parameters) -> Answer:
    found = connection.execute(text, bound(parameters))
    described = [ResultColumn(str(name), str(kind)) for name, kind, *_ in found.description or ()]
    if not any(ZONED in column.type for column in described):
        return Answer(described, found.fetchmany(limit))
    # DuckDB hands out times with a zone by way of pytz, which is not here: they come as UTC, and get their zone back.
    names = [f"c{number}" for number in range(len(described))]
    cast = [f"CAST({name} AS {one.type.replace(ZONED, '')})" for name, one in zip(names, described, strict=True)]
    inner = within(connection, text, parameters)
    found = connection.execute(f"SELECT {', '.join(cast)} FROM {inner} AS asked({', '.join(names)})", bound(parameters))
    zoned = [one.type == f"TIMESTAMP{ZONED}" for one in described]
    return Answer(described, [_in_utc(row, zoned) for row in found.fetchmany(limit)])


def within(connection: duckdb.DuckDBPyConnection, text: str, parameters: Parameters) -> str:
    """Returns an admitted statement as what can stand in FROM."""
    if not parameters:
        return f"query({literal(text)})"
    # A parameter cannot be in a text in quotes. The statement was read as one, so its brackets are closed.
    bare = text.rstrip().rstrip(";")
    made = f"({bare}\n)"
    if len(connection.extract_statements(f"SELECT * FROM {made}")) != 1:
        raise ValueError("an admitted statement is no longer one")
    return made


def bound(parameters: Parameters) -> Any:
    """Returns parameters as DuckDB takes them."""
    if isinstance(parameters, Mapping):
        return dict(parameters)
    return list(parameters)


def _in_utc(row: tuple[Any, ...], zoned: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(
        value.replace(tzinfo=datetime.UTC) if is_zoned and isinstance(value, datetime.datetime) else value
        for value, is_zoned in zip(row, zoned, strict=True)
    )


def _has_raw(snapshots: Mapping[str, Snapshot]) -> bool:
    return any(held.files.count for held in snapshots.values())


def scanned(asking: Asking) -> Scanned:
    """Returns what the query read, and how many lines of that are no record."""
    connection, snapshots = asking.connection, asking.held
    if not _has_raw(snapshots):
        return _of_profile(connection.get_profiling_information())
    import duckdb

    opened = {str(path) for (path,) in connection.execute(OPENED).fetchall()} - {""}
    (read_bytes,) = connection.execute(READ_BYTES).fetchone() or (0,)
    if read_bytes > COUNT_LIMIT_BYTES or len(opened) > COUNT_LIMIT_FILES:
        return Scanned(len(opened), int(read_bytes), None)
    total = 0
    for name, held in snapshots.items():
        lines, documents = (
            [path for path in paths if path in opened] for paths in (held.files.lines, held.files.documents)
        )
        counting = count_unreadable(asking.request.known[name], TableFiles(lines, documents))
        try:
            (count,) = (connection.execute(counting).fetchone() or (0,)) if counting else (0,)
        except duckdb.Error:
            return Scanned(len(opened), int(read_bytes), None)
        total += int(count) + sum(held.files.fitted.get(path, 0) for path in opened)
    return Scanned(len(opened), int(read_bytes), total)


def _of_profile(profile: Any) -> Scanned:
    told = msgspec.json.decode(profile) if isinstance(profile, str) else dict(profile or {})
    files, waiting = 0, list(told.get("operator", ()))
    while waiting:
        node = waiting.pop()
        waiting.extend(node.get("children", ()))
        read = str(node.get("extra_info", {}).get("Total Files Read", ""))
        files += int(read) if read.isdigit() else 0
    return Scanned(files, int(told.get("io", {}).get("total_bytes_read", 0)), 0)
