"""SQL over the lake with DuckDB: an empty database in memory, one view a table, and no way out of the lake's folder.

What confines it: the gate admits one reading statement over known tables; the engine may open the folders of the
tables that are named, nothing else (``allowed_directories`` and ``enable_external_access``), loads no extension and
looks at no Python variable; its settings are locked before the query runs. Links in the lake are not followed.
Source: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

import contextlib
import copy
import functools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from penstock.adapters.local.query_answer import ask, make_views, scanned, watch
from penstock.adapters.local.query_cache import AnswerCache
from penstock.adapters.local.query_errors import changed_meanwhile, query_error, too_long
from penstock.adapters.local.query_gate import Question, admit
from penstock.adapters.local.query_output import Format, beginning, write
from penstock.adapters.local.query_pruning import keeps
from penstock.adapters.local.query_snapshot import Snapshot, Taking, measure, pin_folder
from penstock.adapters.local.query_types import literal
from penstock.adapters.local.query_views import Source, sources
from penstock.model.datasets import LakeTable
from penstock.ports.query import Parameters, Result, ResultColumn, TableScan

if TYPE_CHECKING:
    import duckdb

INTERRUPT_EVERY_SECONDS = 0.05
SETTINGS = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "python_enable_replacements": "false",
}
Work = TypeVar("Work")
Job = Callable[["duckdb.DuckDBPyConnection", Question, dict[str, Source], dict[str, Snapshot]], Work]


class DuckDbQueryEngine:
    """Answers SQL over what is sealed in a lake, and the raw objects that are not sealed yet.

    Args:
        lake: the folder of the lake's zones; it need not exist.
        memory_limit_mb: a query that needs more fails, unless it may spill.
        threads: how many work on a query; as many as there are cores when absent.
        temp_folder: where a query may spill what does not fit into memory; nowhere when absent.
        cache_folder: where answers are kept, to be given again while nothing has changed; nowhere when absent.
    """

    def __init__(
        self,
        lake: Path,
        *,
        memory_limit_mb: int = 512,
        threads: int | None = None,
        temp_folder: Path | None = None,
        cache_folder: Path | None = None,
    ) -> None:
        self._lake = lake
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads
        self._temp_folder = temp_folder
        self._cache = AnswerCache(cache_folder) if cache_folder else None

    def limited(self, *, memory_limit_mb: int, is_cached: bool = True) -> DuckDbQueryEngine:
        """Returns the same engine with another limit, or without answers that were given before."""
        other = copy.copy(self)
        other._memory_limit_mb = memory_limit_mb
        other._cache = self._cache if is_cached else None
        return other

    def describe(self, tables: Sequence[LakeTable]) -> dict[str, list[ResultColumn]]:
        return {source.name: source.described() for source in sources(tables).values() if not source.is_other_name}

    def run(
        self,
        sql: str,
        *,
        tables: Sequence[LakeTable],
        limit: int = 10_000,
        timeout_seconds: float = 60.0,
        parameters: Parameters = (),
        explain: bool = False,
    ) -> Result:
        """Answers as the port says.

        Args:
            explain: tell also how much there is in the whole tables, which takes a look at every file.
        """
        began = time.perf_counter()

        def answer(
            connection: duckdb.DuckDBPyConnection,
            question: Question,
            known: dict[str, Source],
            held: dict[str, Snapshot],
        ) -> Result:
            make = functools.partial(self._answer, connection, question, known, held, limit, parameters)
            if self._cache is None or not question.is_repeatable:
                return make()
            return self._cache.answer(question.text, parameters, limit, known, held, make)

        found = self._ask(sql, tables, timeout_seconds, parameters, answer, explain=explain)
        return msgspec.structs.replace(found, elapsed_seconds=time.perf_counter() - began)

    def export(
        self,
        sql: str,
        path: Path,
        *,
        form: Format = "parquet",
        tables: Sequence[LakeTable],
        timeout_seconds: float = 600.0,
        parameters: Parameters = (),
    ) -> int:
        """Writes all rows of an answer to a file, which is there whole or not at all; returns how many.

        Args:
            form: ``json`` is one object a line, ``arrow`` an Arrow IPC file.

        Raises:
            QueryError: as for ``run``.
            UsageError: the file cannot be written.
        """
        with beginning(path, form) as temporary:

            def answer(
                connection: duckdb.DuckDBPyConnection,
                question: Question,
                known: dict[str, Source],
                held: dict[str, Snapshot],
            ) -> int:
                make_views(connection, known, held, list(known))
                return write(connection, question.text, parameters, form, temporary)

            return self._ask(sql, tables, timeout_seconds, parameters, answer, writes=temporary)

    def _ask(
        self,
        sql: str,
        tables: Sequence[LakeTable],
        timeout_seconds: float,
        parameters: Parameters,
        job: Job[Work],
        *,
        writes: Path | None = None,
        explain: bool = False,
    ) -> Work:
        """Does something with a query and the files that it sees; again, over files of its own, if these change."""
        import duckdb

        until = time.monotonic() + timeout_seconds
        known = sources(tables)
        for is_last in (False, True):
            held: dict[str, Snapshot] = {}
            with self._pins(is_last) as pins, contextlib.closing(self._connect()) as connection:
                work = functools.partial(
                    self._work, connection, sql, known, held, parameters, pins, writes, job, explain
                )
                try:
                    made = _within(until - time.monotonic(), timeout_seconds, connection, work)
                except duckdb.Error as error:
                    if is_last or all(one.is_still() for one in held.values()):
                        raise query_error(error, self._memory_limit_mb) from None
                    continue
            if is_last or all(one.is_still() for one in held.values()):
                return made
        raise changed_meanwhile()

    def _work(
        self,
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        known: dict[str, Source],
        held: dict[str, Snapshot],
        parameters: Parameters,
        pins: Path | None,
        writes: Path | None,
        job: Job[Work],
        explain: bool,
    ) -> Work:
        question = admit(connection, sql, list(known))
        held.update(self._confine(connection, known, question, parameters, pins, writes))
        made = job(connection, question, known, held)
        if explain and isinstance(made, Result):
            made = msgspec.structs.replace(made, tables=self._measured(known, made.tables))
        return made

    def _answer(
        self,
        connection: duckdb.DuckDBPyConnection,
        question: Question,
        known: dict[str, Source],
        held: dict[str, Snapshot],
        limit: int,
        parameters: Parameters,
    ) -> Result:
        described, rows = ask(connection, question, known, held, limit + 1, parameters)
        read = scanned(connection, known, held)
        return Result(
            columns=described,
            rows=rows[:limit],
            truncated=len(rows) > limit,
            elapsed_seconds=0.0,
            scanned_files=read.files,
            scanned_bytes=read.read_bytes,
            unreadable_lines=read.unreadable_lines,
            unreadable_files=sum(len(one.files.unreadable) for one in held.values()),
            tables=tuple(one.scan(known[name].name) for name, one in held.items()),
        )

    def _measured(self, known: Mapping[str, Source], tables: Sequence[TableScan]) -> tuple[TableScan, ...]:
        root = self._lake.resolve()
        measured = []
        for scan in tables:
            source = known[scan.table.lower()]
            measured.append(measure(root, source.zone, source.table, source.partition, scan))
        return tuple(measured)

    @contextlib.contextmanager
    def _pins(self, is_wanted: bool) -> Iterator[Path | None]:
        if not is_wanted or not self._lake.is_dir():
            yield None
            return
        try:
            with pin_folder(self._lake.resolve()) as folder:
                yield folder
        except PermissionError:
            raise changed_meanwhile() from None

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
        self,
        connection: duckdb.DuckDBPyConnection,
        known: Mapping[str, Source],
        question: Question,
        parameters: Parameters = (),
        pins: Path | None = None,
        writes: Path | None = None,
    ) -> dict[str, Snapshot]:
        """Leaves no door open but those to the named tables, and locks up; returns their files."""
        root = self._lake.resolve()
        values = dict(parameters) if isinstance(parameters, Mapping) else _numbered(parameters)
        needed = keeps(question.nodes, question.tables, values)
        held: dict[str, Snapshot] = {}
        for name in sorted(question.tables):
            source = known[name]
            held[name] = Taking(root, source.zone, source.table, source.partition, pins).take(connection, needed[name])
        watch(connection, held)
        folders = ", ".join(literal(folder) for one in held.values() for folder in one.folders)
        connection.execute(f"SET allowed_directories=[{folders}]")
        if writes is not None:
            connection.execute(f"SET allowed_paths=[{literal(str(writes))}]")
        connection.execute("SET enable_external_access=false")
        connection.execute("SET lock_configuration=true")
        return held


def _numbered(parameters: Sequence[Any]) -> dict[str, Any]:
    return {str(number): value for number, value in enumerate(parameters, start=1)}


def _within(
    seconds: float, allowed_seconds: float, connection: duckdb.DuckDBPyConnection, work: Callable[[], Work]
) -> Work:
    """Returns the outcome of work with a connection, which ends at the latest when the time is over.

    It goes on in a thread of its own, since DuckDB looks for Ctrl-C at some moments only; this one can wait for both.
    """
    outcome: Future[Work] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="query", daemon=True)
    thread.start()
    try:
        if wait([outcome], timeout=max(seconds, 0.0)).not_done:
            raise too_long(allowed_seconds)
        return outcome.result()
    finally:
        while thread.is_alive():
            # Again until it gives up: an interrupt between two statements is lost.
            if not outcome.done():
                connection.interrupt()
            thread.join(INTERRUPT_EVERY_SECONDS)
