"""The orders pipeline, killed at named points: once it has finished, its tables are as if it had not been."""

from __future__ import annotations

import functools
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.adapters.local.clock import SystemClock
from penstock.adapters.local.hot import SqliteHotStore
from penstock.adapters.local.objects import FileObjectStore
from penstock.pipelines.orders import batches, daily_sales, orders
from penstock.ports.hot import scan_all
from tests.faults.points import cases

CRASH = Path(__file__).parent / "orders_crash.py"
POINTS = [
    (point, nth)
    for point, passings in (
        ("transformer.after_compute", 6), ("objects.before_sync", 6), ("objects.after_link", 3),
        ("objects.after_rename", 3), ("database.before_commit", 30), ("database.after_commit", 30),
        ("dispatcher.after_dispatch", 3), ("worker.before_journal", 8), ("worker.after_journal", 8),
    )
    for nth in range(1, passings + 1)
]  # fmt: skip
QUICK = {("transformer.after_compute", 2), ("database.before_commit", 20)}


def run(home: Path, fault: str = "") -> int:
    """Returns how the process ended."""
    return subprocess.run(
        [sys.executable, str(CRASH), str(home)], env={**os.environ, "PENSTOCK_FAULT": fault}, check=False
    ).returncode


def tables(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns everything that the pipeline keeps."""
    store = SqliteHotStore(home / "hot.sqlite", SystemClock())
    found = {
        table.name: sorted(scan_all(store, table), key=lambda item: sorted(map(str, item.items())))
        for table in (orders, daily_sales)
    }
    # When an object was written is in its item, and a restart has another time.
    found["batches"] = sorted(
        ({name: value for name, value in item.items() if name not in {"at", "expires_at"}} for item in
         scan_all(store, batches)), key=lambda item: str(item["step"]),
    )  # fmt: skip
    store.close()
    objects = FileObjectStore(home / "lake")
    found["quarantine"] = [
        msgspec.json.decode(line)
        for info in objects.list("quarantine/raw_orders/")
        for line in objects.get(info.key).splitlines()
    ]
    return found


@functools.cache
def undisturbed() -> dict[str, list[dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        assert run(home) == 0
        found = tables(home)
    # 60 orders of seed 7, of which some are spoiled: nothing is compared with nothing.
    assert len(found["Orders"]) > 50
    assert found["quarantine"]
    return found


@pytest.mark.parametrize(("point", "nth"), cases(POINTS, QUICK))
def test_a_kill_at_a_named_point(tmp_path: Path, point: str, nth: int) -> None:
    home = tmp_path / "home"
    ended = run(home, f"{point}:kill:{nth}")
    assert ended == -signal.SIGKILL or (ended == 0 and (point, nth) not in QUICK)
    assert run(home) == 0
    assert tables(home) == undisturbed()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_kills_in_one_run(tmp_path: Path) -> None:
    home, chance = tmp_path / "home", random.Random(int(os.environ.get("PENSTOCK_SEED", "7")))
    killed = 0
    for _ in range(10):
        point, nth = chance.choice(POINTS)
        killed += run(home, f"{point}:kill:{max(1, nth // 3)}") == -signal.SIGKILL
    assert killed >= 5
    assert run(home) == 0
    assert tables(home) == undisturbed()
