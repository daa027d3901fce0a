"""A program that writes one run into a warehouse; a test kills it. Run with the folder as its argument."""

import sys
from pathlib import Path

from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.adapters.local.warehouse import open_warehouses
from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.testing.contracts.warehouse_people import WAREHOUSE, Person, Visit

ROWS = 7_000


def opened(folder: Path) -> RelationalWarehouseStore:
    """Returns the warehouse that the environment names, or the folder's own."""
    return open_warehouses(folder / "warehouse", EnvironmentAndFileSecrets(folder / "secrets.toml"))


def write(store: RelationalWarehouseStore) -> None:
    """Writes the run, unless it is done: new rows, changed ones, and some as they were."""
    with store.transaction(WAREHOUSE, "r1") as tables:
        if tables.done:
            return
        tables.upsert("people", [Person(name="before", notes="changed"), Person(name="new")])
        tables.upsert("visits", (Visit(name="a", number=number, reason="new") for number in range(ROWS)))
        tables.insert("visits", [Visit(name="b", number=1)])
        tables.finish(counts={"visits": ROWS + 1})


if __name__ == "__main__":
    write(opened(Path(sys.argv[1])))
