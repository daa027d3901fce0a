"""The rows of warehouses, in a form in which two homes can be compared."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from penstock.model.pipeline import Definition
from penstock.ports.warehouse import WarehouseStore
from penstock.rehearsal.observed import Neutral


def rows(store: Callable[[], WarehouseStore], definition: Definition, neutral: Neutral) -> dict[str, list[str]]:
    """Returns the rows of each table of warehouses as JSON, by ``warehouse.table``, without what differs.

    Args:
        store: returns where they are; it is asked only where there are some.
    """
    return {
        f"{warehouse.name}.{table}": sorted(
            neutral.document(msgspec.to_builtins(record))
            for record in store().query(warehouse, f"SELECT * FROM {table}").records()
        )
        for warehouse in definition.warehouses.values()
        for table in warehouse.relations
    }
