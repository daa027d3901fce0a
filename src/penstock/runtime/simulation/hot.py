"""Hot tables that a process of its own writes, beside the simulation, with the same outcome as within it.

Items are checked, and made rows of, where the task is called; the other process has them written in the order in which
they came. Whoever asks for anything else of the hot tables waits until all of them are there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.local.hot import check_distinct
from penstock.adapters.local.hot_rows import ItemRow, item_rows
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.processes import ForkedProcesses
from penstock.model.datasets import HotTable
from penstock.model.items import Item
from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.hot import Condition
from penstock.runtime.simulation.home import SimulatedHome
from penstock.runtime.simulation.plan import Plan

# So many batches may be under way before the next one waits: memory is bounded.
MOST_UNDER_WAY = 16
# Pages that are changed again and again are written once for so many items.
COMMITTED_ITEMS = 50_000
CACHE_KB = 128 * 1024


# Faster than pickling each row.
packed = msgspec.msgpack.Encoder().encode
unpacked = msgspec.msgpack.Decoder(list[ItemRow]).decode


class Put(msgspec.Struct, frozen=True):
    """Rows of a table's items, packed; without a table, all is to be committed."""

    table: str = ""
    rows: bytes = b""


class HotProcess:
    """A process that writes hot tables. Construct it while this process has one thread: it forks."""

    def __init__(self, definition: Definition, folder: Path, plan: Plan) -> None:
        self._processes = ForkedProcesses(1, lambda: _opened(definition, folder, plan))
        self._under_way = 0
        self._is_settled = True

    def put(self, table: HotTable, rows: Sequence[ItemRow]) -> None:
        """Begins to write rows."""
        self._tell(Put(table.name, packed(rows)))
        self._is_settled = False

    def settle(self) -> None:
        """Waits until everything is written and committed."""
        if not self._is_settled:
            self._tell(Put())
            self._receive(0)
            self._is_settled = True

    def close(self) -> None:
        """Waits for what is under way, and ends the process."""
        self.settle()
        self._processes.close()

    def _tell(self, put: Put) -> None:
        self._receive(MOST_UNDER_WAY - 1)
        self._processes.tell(0, put)
        self._under_way += 1

    def _receive(self, most: int) -> None:
        while self._under_way > most:
            self._processes.hear(0)
            self._under_way -= 1


class HotBeside:
    """The hot tables of a simulation's home, to which another process writes.

    Args:
        inner: the store itself, for everything but items that are put without a condition.
    """

    def __init__(self, inner: Any, process: HotProcess, clock: Clock) -> None:
        self._inner = inner
        self._process = process
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        self._process.settle()
        return getattr(self._inner, name)

    def put(self, table: HotTable, item: Item, *, condition: Condition | None = None) -> None:
        """Writes an item, see ``HotStore.put``."""
        if condition is None:
            self.batch_put(table, [item])
            return
        self._process.settle()
        self._inner.put(table, item, condition=condition)

    def batch_put(self, table: HotTable, items: Sequence[Item]) -> list[int]:
        """Writes items, see ``HotStore.batch_put``."""
        rows = item_rows(table, items, self._clock.now())
        check_distinct(table, rows)
        if rows:
            self._process.put(table, rows)
        return [row.size_bytes for row in rows]

    def close(self) -> None:
        """Closes the store itself."""
        self._process.settle()
        self._inner.close()


def _opened(definition: Definition, folder: Path, plan: Plan) -> tuple[Any, Any]:
    home = SimulatedHome(folder, plan, clock=VirtualClock(plan.begin), entropy=SeededEntropy(plan.seed))
    writer = _Writer(home, definition.hot_tables)
    return writer.answer, writer.close


class _Writer:
    def __init__(self, home: SimulatedHome, tables: Mapping[str, HotTable]) -> None:
        self._home = home
        self._tables = tables
        self._transaction = contextlib.ExitStack()
        self._written = 0

    def answer(self, put: Put) -> None:
        if not put.table:
            self._commit()
            return
        if not self._written:
            self._transaction.enter_context(self._home.hot.together(CACHE_KB))
        rows = unpacked(put.rows)
        self._home.hot.put_rows(self._tables[put.table], rows)
        self._written += len(rows)
        if self._written >= COMMITTED_ITEMS:
            self._commit()

    def close(self) -> None:
        self._commit()
        self._home.close()

    def _commit(self) -> None:
        self._transaction.close()
        self._written = 0


def beside(process: HotProcess, clock: Clock) -> Callable[[Any], HotBeside]:
    """Returns what puts a process beside a home's own store."""
    return lambda store: HotBeside(store, process, clock)
