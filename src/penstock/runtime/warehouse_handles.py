"""Handles on warehouses: each operation asks for its grant first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from penstock.errors import PenstockError, StorageFullError, TaskError, ThrottledError, UnavailableError
from penstock.model.warehouses import Warehouse
from penstock.ports.warehouse import Rows, WarehouseTransaction

if TYPE_CHECKING:
    from penstock.runtime.handles import Scope

# By these names Retry and Catch know what can pass by itself.
ERRORS: tuple[tuple[type[PenstockError], str], ...] = (
    (StorageFullError, "Warehouse.Full"),
    (ThrottledError, "Warehouse.Busy"),
    (UnavailableError, "Warehouse.Unavailable"),
)


class WarehouseHandle:
    """A warehouse, for one call.

    What can pass by itself raises a ``TaskError`` with a name for Retry and Catch: ``Warehouse.Unavailable`` where the
    server does not answer or is too slow, ``Warehouse.Busy`` where another transaction takes too long, and
    ``Warehouse.Full`` where there is no space. Nothing was written then.
    """

    def __init__(self, scope: Scope, warehouse: Warehouse) -> None:
        self._scope = scope
        self._warehouse = warehouse

    @contextlib.contextmanager
    def transaction(self, run_id: str) -> Iterator[WarehouseTransaction]:
        """Returns the transaction of a run, for a ``with`` block: all of it is written when the block ends, or nothing.

        ``done`` tells that this run was committed before; otherwise ``finish`` writes the run's row.

        Args:
            run_id: made of the content that the run deals with, so that the same content is the same run.

        Raises:
            AccessDeniedError: the task may not write to this warehouse.
            UsageError: the tables are older or newer than their declaration, or the run was not finished.
            TaskError: ``Warehouse.Unavailable``, ``Warehouse.Busy`` or ``Warehouse.Full``.
        """
        self._scope.require(self._warehouse.write)
        with (
            _named_errors(),
            self._scope.ports.warehouses.transaction(
                self._warehouse, run_id, timeout_seconds=self._scope.call.timeout_seconds
            ) as tables,
        ):
            yield tables

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Returns the rows of one SELECT over what is committed; ``:name`` stands for a parameter.

        Raises:
            AccessDeniedError: the task may not read this warehouse.
            QueryError: the server refuses the statement.
            TaskError: as ``transaction`` does.
        """
        self._scope.require(self._warehouse.read)
        with _named_errors():
            return self._scope.ports.warehouses.query(
                self._warehouse, sql, parameters, timeout_seconds=self._scope.call.timeout_seconds
            )


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (StorageFullError, ThrottledError, UnavailableError) as error:
        name = next(name for kind, name in ERRORS if isinstance(error, kind))
        # A block's own error, such as a hot table's, keeps its name.
        if "warehouse" not in error.data:
            raise
        raise TaskError(error.message, hint=error.hint, error=name, **error.data) from error
