"""Warehouses in SQLite, PostgreSQL, MySQL and MariaDB."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.adapters.relational.encode import RowEncoder
from penstock.adapters.relational.failures import translated
from penstock.adapters.relational.location import Location, connected, settled
from penstock.adapters.relational.merge import merge_of
from penstock.adapters.relational.reading import check_reads, make_read_only, selected
from penstock.adapters.relational.schema import RelationalSchema
from penstock.adapters.relational.writers import Source, writer_for
from penstock.errors import AlreadyExistsError, QueryError, UsageError, ValidationError
from penstock.faultpoints import fault_point
from penstock.model.warehouses import KEY_CHARACTERS, Relation, Warehouse
from penstock.ports.warehouse import TIMEOUT_SECONDS, CsvRows, Rows, UpsertCounts

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from penstock.ports.warehouse import WarehouseTransaction

Locate = Callable[[Warehouse], Location]


class RelationalWarehouseStore:
    """Warehouses, each where ``locate`` says. A connection is made for each transaction and for each query."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self.schema = RelationalSchema(locate)

    @contextlib.contextmanager
    def transaction(
        self, warehouse: Warehouse, run_id: str, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> Iterator[WarehouseTransaction]:
        """Returns the transaction of a run. See the port."""
        if not run_id or len(run_id) > KEY_CHARACTERS:
            raise UsageError(f"no run can be called {run_id!r}", hint=f"1 to {KEY_CHARACTERS} characters")
        location = self.schema.require_current(warehouse)
        with contextlib.ExitStack() as closing:
            with translated(warehouse.name, location):
                connection = closing.enter_context(connected(location))
                cursor = connection.connection.cursor()
                writer_for(location.server).begin(cursor, warehouse.name, timeout_seconds)
                tables = RelationalTransaction(warehouse, location, connection, run_id)
            try:
                yield tables
                tables.end()
            except BaseException:
                with contextlib.suppress(Exception):
                    connection.connection.rollback()
                raise

    def query(
        self,
        warehouse: Warehouse,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Rows:
        """Returns the rows of one SELECT. See the port."""
        location = self._locate(warehouse)
        if location.is_file:
            self.schema.require_current(warehouse)
        with translated(warehouse.name, location):
            location = settled(location)
        check_reads(sql, location.server)
        try:
            with translated(warehouse.name, location, asked=True), connected(location) as connection:
                make_read_only(connection, location, timeout_seconds)
                return selected(connection, warehouse.relations.values(), sql, parameters)
        except QueryError:
            # A table that is not there yet is no mistake of who asks.
            self.schema.require_current(warehouse)
            raise


class RelationalTransaction:
    """What one run writes, on one connection."""

    def __init__(self, warehouse: Warehouse, location: Location, connection: Connection, run_id: str) -> None:
        self.run_id = run_id
        self._warehouse = warehouse
        self._location = location
        self._connection = connection
        self._writer = writer_for(location.server)
        self._written = self._finished = self._broken = self._ended = False
        runs = warehouse.relations[warehouse.runs]
        self.run = self._found(runs)

    @property
    def done(self) -> bool:
        """The run was committed before."""
        return self.run is not None

    def upsert(self, table: str, rows: Iterable[Any] | CsvRows, *, keep: Iterable[str] = ()) -> UpsertCounts:
        """Writes rows in place of those with their keys. See the port."""
        relation, kept = self._relation(table), frozenset(keep)
        encoder = RowEncoder(relation, self._location.server, encoded=_are_encoded(rows))
        unknown = kept - frozenset(encoder.names) | kept & frozenset(relation.key)
        if unknown:
            raise UsageError(f"table {table!r} cannot keep {sorted(unknown)}", hint="name columns beside its key")
        merge = merge_of(table, encoder.names, relation.key, kept, self._writer.quote)
        with self._writing(relation):
            return self._writer.upsert(self._cursor(), merge, self._source(encoder, rows))

    def insert(self, table: str, rows: Iterable[Any] | CsvRows) -> int:
        """Writes rows whose keys are not there. See the port."""
        relation = self._relation(table)
        encoder = RowEncoder(relation, self._location.server, encoded=_are_encoded(rows))
        with self._writing(relation, inserts=True):
            return self._writer.load(self._cursor(), table, encoder.names, self._source(encoder, rows))

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Returns the rows of a SELECT, with what the transaction has written."""
        self._check_usable()
        check_reads(sql, self._location.server)
        with translated(self._warehouse.name, self._location, asked=True):
            return selected(self._connection, self._warehouse.relations.values(), sql, parameters)

    def finish(self, row: Any = None, /, **columns: Any) -> None:
        """Writes the run's row. See the port."""
        runs = self._relation(self._warehouse.runs)
        if self._finished:
            raise UsageError("the run is finished already", hint="call finish once, at the end")
        if row is None:
            try:
                row = msgspec.convert(
                    {"run_id": self.run_id, **columns}, runs.record, strict=False, from_attributes=True
                )
            except msgspec.ValidationError as error:
                raise UsageError(
                    f"the run's row is no {runs.record.__name__}: {error}", hint="give its fields"
                ) from None
        if getattr(row, "run_id", None) != self.run_id:
            raise UsageError(f"the row is of another run than {self.run_id!r}", hint="give this run's run_id")
        encoder = RowEncoder(runs, self._location.server)
        with self._writing(runs, inserts=True):
            self._writer.load(self._cursor(), runs.name, encoder.names, encoder.batches([row]))
        self._finished = True

    def end(self) -> None:
        """Commits, or fails whole."""
        if self._broken:
            raise UsageError("the transaction has failed before", hint="let its error leave the block")
        if self._written and not self._finished:
            raise UsageError(
                f"the run {self.run_id!r} has written rows, and not its own",
                hint="call finish(…) before the block ends",
            )
        self._ended = True
        with translated(self._warehouse.name, self._location):
            if self._written:
                fault_point("warehouse.before_commit")
                self._connection.connection.commit()
                fault_point("warehouse.after_commit")
            else:
                self._connection.connection.rollback()

    @contextlib.contextmanager
    def _writing(self, relation: Relation, *, inserts: bool = False) -> Iterator[None]:
        self._check_usable()
        if self.done:
            raise UsageError(f"the run {self.run_id!r} is done", hint="look at `done` first, and write nothing then")
        self._written = True
        try:
            with translated(self._warehouse.name, self._location):
                yield
        except AlreadyExistsError as error:
            self._broken = True
            if inserts:
                raise
            raise ValidationError(
                f"table {relation.name!r}: two rows have one key: {error.message}",
                hint=f"give each {', '.join(relation.key)} once",
                table=relation.name,
                column=relation.key[0],
            ) from None
        except BaseException:
            self._broken = True
            raise

    def _source(self, encoder: RowEncoder, rows: Iterable[Any] | CsvRows) -> Source:
        if not isinstance(rows, CsvRows):
            return encoder.batches(rows)
        return rows if self._writer.takes_files else encoder.batches(rows.rows)

    def _check_usable(self) -> None:
        if self._broken or self._ended:
            raise UsageError("the transaction has ended", hint="use it within its `with` block, until its first error")

    def _relation(self, table: str) -> Relation:
        try:
            return self._warehouse.relations[table]
        except KeyError:
            known = ", ".join(self._warehouse.relations)
            raise UsageError(
                f"warehouse {self._warehouse.name!r} has no table {table!r}", hint=f"it has {known}"
            ) from None

    def _cursor(self) -> Any:
        return self._connection.connection.cursor()

    def _found(self, runs: Relation) -> dict[str, Any] | None:
        names = ", ".join(f"{self._writer.quote}{column.name}{self._writer.quote}" for column in runs.columns)
        sql = f"SELECT {names} FROM {runs.name} WHERE run_id = :run_id"
        return next(iter(selected(self._connection, [runs], sql, {"run_id": self.run_id}).records()), None)


def _are_encoded(rows: Iterable[Any] | CsvRows) -> bool:
    return isinstance(rows, CsvRows) and rows.encoded
