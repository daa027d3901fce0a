"""SQL over the lake with DuckDB: an empty database in memory, one view a table, and no way out of the lake's folder.

The gate admits one reading statement over known tables, and the engine is confined to these tables' files before it
runs. Links in the lake are not followed.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from penstock.adapters.local.query_answer import ask, scanned, until_readable
from penstock.adapters.local.query_cache import AnswerCache
from penstock.adapters.local.query_confinement import connect
from penstock.adapters.local.query_days import DayFiles
from penstock.adapters.local.query_deadline import within
from penstock.adapters.local.query_errors import changed_meanwhile, may_be_damage, query_error, spoiling_file
from penstock.adapters.local.query_fitting import Fitting, RememberedFit
from penstock.adapters.local.query_gate import Question, admit
from penstock.adapters.local.query_output import Format, beginning, write
from penstock.adapters.local.query_pruning import keeps
from penstock.adapters.local.query_request import Asking, Request
from penstock.adapters.local.query_snapshot import Snapshot, Taking, measure, pin_folder
from penstock.adapters.local.query_views import Source, sources
from penstock.model.datasets import LakeTable
from penstock.ports.query import Parameters, RawFit, Result, ResultColumn, TableScan

if TYPE_CHECKING:
    import duckdb

Work = TypeVar("Work")


class DuckDbQueryEngine:
    """Answers SQL over what is sealed in a lake, and the raw objects that are not sealed yet.

    Args:
        lake: the folder of the lake's zones; it need not exist.
        memory_limit_mb: a query that needs more fails, unless it may spill.
        threads: how many work on a query; as many as there are cores when absent.
        temp_folder: where a query may spill what does not fit into memory; nowhere when absent.
        cache_folder: where answers are kept, to be given again while nothing has changed; nowhere when absent.
        days_folder: where the hours of a day are in one file, to be read for them; nowhere when absent.
        fit: tells records from what is none in raw objects; when absent, what DuckDB can make a record of is one.
    """

    def __init__(
        self,
        lake: Path,
        *,
        memory_limit_mb: int = 512,
        threads: int | None = None,
        temp_folder: Path | None = None,
        cache_folder: Path | None = None,
        days_folder: Path | None = None,
        fit: RawFit | None = None,
    ) -> None:
        self._lake = lake
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads
        self._temp_folder = temp_folder
        self._cache = AnswerCache(cache_folder) if cache_folder else None
        self._days = DayFiles(days_folder) if days_folder else None
        self._fit = RememberedFit(fit) if fit else None

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
        request = Request(
            sql=sql, known=sources(tables), tables=_by_name(tables), parameters=parameters,
            timeout_seconds=timeout_seconds, limit=limit, explain=explain,
        )  # fmt: skip
        found = self._ask(request, self._answer)
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
        exact: bool = False,
    ) -> int:
        """Writes all rows of an answer to a file, which is there whole or not at all; returns how many.

        Args:
            form: ``json`` is one object a line, ``arrow`` an Arrow IPC file.
            exact: texts of CSV are left as they are, also where a spreadsheet would take them for formulas.

        Raises:
            QueryError: as for ``run``.
            UsageError: the file cannot be written.
        """
        with beginning(path, form) as temporary:
            request = Request(
                sql=sql, known=sources(tables), tables=_by_name(tables), parameters=parameters,
                timeout_seconds=timeout_seconds, writes=temporary,
            )  # fmt: skip

            def answer(asking: Asking) -> int:
                connection, text = asking.connection, asking.question.text
                return until_readable(asking, lambda: write(connection, text, parameters, form, temporary, exact=exact))

            return self._ask(request, answer)

    def _ask(self, request: Request, job: Callable[[Asking], Work]) -> Work:
        """Does something with a query and the files that it sees; again, over files of its own, if these change."""
        import duckdb

        until = time.monotonic() + request.timeout_seconds
        for is_last in (False, True):
            held: dict[str, Snapshot] = {}
            with self._pins(is_last) as pins, contextlib.closing(self._connect()) as connection:
                work = functools.partial(self._work, connection, request, held, pins, job)
                try:
                    made = within(until - time.monotonic(), request.timeout_seconds, connection, work)
                except duckdb.Error as error:
                    if is_last or (all(one.is_still() for one in held.values()) and not self._spoiled(error, held)):
                        raise query_error(error, self._memory_limit_mb) from None
                    continue
            if is_last or all(one.is_still() for one in held.values()):
                return made
        raise changed_meanwhile()

    def _work(
        self,
        connection: duckdb.DuckDBPyConnection,
        request: Request,
        held: dict[str, Snapshot],
        pins: Path | None,
        job: Callable[[Asking], Work],
    ) -> Work:
        question = admit(connection, request.sql, list(request.known))
        with Fitting(self._fit, self._lake.resolve()) as fitting:
            held.update(self._take(connection, request, question, pins))
            for name, snapshot in held.items():
                if request.known[name].zone == "raw":
                    fitting.apply(request.tables[request.known[name].table], snapshot)
            return job(Asking(connection, request, question, held))

    def _take(
        self, connection: duckdb.DuckDBPyConnection, request: Request, question: Question, pins: Path | None
    ) -> dict[str, Snapshot]:
        """Returns the files that a question sees, by table."""
        root = self._lake.resolve()
        needed = keeps(question.nodes, question.tables, request.values())
        held = {}
        for name in sorted(question.tables):
            source = request.known[name]
            held[name] = Taking(root, source.zone, source.table, source.partition, pins).take(connection, needed[name])
            # Over links the hours themselves are asked: nobody replaces or takes away what is read then.
            if self._days and source.zone == "raw" and pins is None:
                self._days.use(request.tables[source.table], held[name])
        return held

    def _spoiled(self, error: duckdb.Error, held: Mapping[str, Snapshot]) -> bool:
        """Tells whether the file of a day may be to blame for an error; if so, the hours can still be asked."""
        days = {path for one in held.values() for paths in one.days.values() for path in paths}
        named = spoiling_file(error)
        # The text of an error may be the user's.
        if named in days:
            with contextlib.suppress(OSError):
                Path(named).unlink()
        return bool(days) and may_be_damage(error)

    def _answer(self, asking: Asking) -> Result:
        place = self._cache.place(asking) if self._cache and asking.question.is_repeatable else None
        found = self._cache.load(place) if self._cache and place else None
        if found is None:
            found = _asked(asking)
            # What could not be read may be there the next time.
            if self._cache and place and not found.unreadable_files:
                self._cache.keep(place, found)
        if asking.request.explain:
            found = msgspec.structs.replace(found, tables=self._measured(asking.request.known, found.tables))
        return found

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
        return connect(memory_limit_mb=self._memory_limit_mb, threads=self._threads, temp_folder=self._temp_folder)


def _by_name(tables: Sequence[LakeTable]) -> dict[str, LakeTable]:
    return {table.name: table for table in tables}


def _asked(asking: Asking) -> Result:
    limit = asking.request.limit
    described, rows = ask(asking, limit + 1)
    read = scanned(asking)
    return Result(
        columns=described,
        rows=rows[:limit],
        truncated=len(rows) > limit,
        elapsed_seconds=0.0,
        scanned_files=read.files,
        scanned_bytes=read.read_bytes,
        unreadable_lines=read.unreadable_lines,
        unreadable_files=sum(len(one.files.unreadable) for one in asking.held.values()),
        tables=tuple(one.scan(asking.request.known[name].name) for name, one in asking.held.items()),
    )
