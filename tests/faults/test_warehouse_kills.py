"""A run that is killed while it writes into a warehouse leaves nothing or everything, and the next one the same."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.relational.store import RelationalWarehouseStore
from penstock.testing.contracts.warehouse_people import WAREHOUSE, Person, Visit
from tests.database_servers import DatabaseServer
from tests.faults.warehouse_crash import ROWS, opened, write

# Four batches of 2,000 for the first upsert of many rows, and one for each of the others.
POINTS = [
    *(("warehouse.batch", nth) for nth in (1, 2, 4, 6, 7)),
    ("warehouse.before_commit", 1),
    ("warehouse.after_commit", 1),
]
SLOW = {("warehouse.batch", 2), ("warehouse.batch", 4), ("warehouse.batch", 6)}


def rows(store: RelationalWarehouseStore) -> list[list[tuple[Any, ...]]]:
    asked = ("SELECT * FROM people ORDER BY name", "SELECT * FROM visits ORDER BY name, number",
             "SELECT * FROM pipeline_runs ORDER BY run_id")  # fmt: skip
    return [store.query(WAREHOUSE, one).rows for one in asked]


@pytest.fixture(params=["", "postgresql_server", "mariadb_server"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RelationalWarehouseStore:
    if request.param:
        server: DatabaseServer = request.getfixturevalue(request.param)
        monkeypatch.setenv("PENSTOCK_WAREHOUSE_PEOPLE", server.url(server.new_database()))
    made = opened(tmp_path)
    made.schema.upgrade(WAREHOUSE)
    with made.transaction(WAREHOUSE, "r0") as tables:
        tables.upsert("people", [Person(name="before"), Person(name="other")])
        tables.upsert("visits", [Visit(name="a", number=number, reason="old") for number in range(100)])
        tables.finish(counts={})
    return made


@pytest.mark.parametrize(
    "point",
    [pytest.param(one, marks=[pytest.mark.slow] if one in SLOW else [], id=f"{one[0]}:{one[1]}") for one in POINTS],
)
def test_a_killed_run_leaves_nothing_or_everything(
    point: tuple[str, int], store: RelationalWarehouseStore, tmp_path: Path
) -> None:
    before = rows(store)
    environment = {**os.environ, "PENSTOCK_FAULT": f"{point[0]}:kill:{point[1]}"}
    program = [sys.executable, "-m", "tests.faults.warehouse_crash", str(tmp_path)]
    killed = subprocess.run(program, env=environment, timeout=120, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    # The next transaction waits until the server has seen that the other is dead.
    with store.transaction(WAREHOUSE, "r1") as tables:
        done = tables.done
    left = rows(store)
    assert done == (point[0] == "warehouse.after_commit")
    assert (left == before) != done

    write(store)
    after = rows(store)
    assert [len(one) for one in after] == [3, ROWS + 1, 2]
    assert {row[2] for row in after[1]} == {"new", ""}
    assert [row[2] for row in after[0]] == ["changed", None, None]
    if done:
        assert after == left
    write(store)
    assert rows(store) == after
