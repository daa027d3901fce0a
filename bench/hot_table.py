"""Hot table: put and point query, p50 and p99, on a table of many items.

    python bench/hot_table.py [--items 100000] [--samples 5000] [--durability normal|full] [--json]

The table is that of the metrics pipeline: key metric_id + timestamp, two indexes, a TTL. Each put is a transaction of
its own and keeps both indexes; a point query asks for one key by ``get``, and for the newest item of a metric by
``query``. For scale, the same file system is asked what one SQLite commit of one row costs without any of ours.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.adapters.local.clock import SystemClock
from penstock.adapters.local.hot import SqliteHotStore
from penstock.model.datasets import HotTable, Index, Key

TABLE = HotTable(
    name="InfraMetrics",
    partition=Key("metric_id"),
    sort=Key("timestamp", "N"),
    indexes=(
        Index("InstanceIndex", Key("instance_id"), Key("timestamp", "N")),
        Index("MetricTypeIndex", Key("metric_type"), Key("timestamp", "N")),
    ),
    ttl_attribute="expires_at",
    ttl_seconds=90 * 86_400,
)
KINDS = ("cpu", "memory", "disk", "network")
INSTANCES = 250
START = 1_790_000_000


def item(number: int) -> dict[str, Any]:
    """Returns the n-th item: every kind of every instance in turn, once in three hours."""
    instance = f"i-{number // len(KINDS) % INSTANCES:08x}"
    kind = KINDS[number % len(KINDS)]
    return {
        "metric_id": f"{instance}#{kind}",
        "timestamp": START + number // (len(KINDS) * INSTANCES) * 10_800,
        "instance_id": instance,
        "metric_type": kind,
        "value": 37.25 + number % 50,
        "unit": "Percent",
        "region": "us-east-1",
        "severity": "INFO",
        "tags": {"environment": "production", "team": "ops"},
    }


def percentiles(action: Callable[[int], Any], samples: int) -> dict[str, float]:
    """Returns p50 and p99 of an action, in milliseconds."""
    taken = []
    for number in range(samples):
        start = time.perf_counter()
        action(number)
        taken.append(time.perf_counter() - start)
    taken.sort()
    return {
        "p50_ms": round(taken[len(taken) // 2] * 1000, 4),
        "p99_ms": round(taken[int(len(taken) * 0.99)] * 1000, 4),
    }


def bare_commit(path: Path, durability: str, samples: int) -> dict[str, float]:
    """Returns what one row in one transaction costs in SQLite alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={durability}")
    connection.execute("CREATE TABLE rows(id INTEGER PRIMARY KEY, content BLOB)")
    found = percentiles(
        lambda number: connection.execute("INSERT INTO rows VALUES(?,?)", (number, b"x" * 250)), samples
    )
    connection.close()
    return found


def measure(folder: Path, items: int, samples: int, durability: Any) -> dict[str, Any]:
    """Fills a table and measures it."""
    store = SqliteHotStore(folder / "hot.sqlite", SystemClock(), durability=durability)
    start = time.perf_counter()
    store.batch_put(TABLE, [item(number) for number in range(items)])
    filled_seconds = time.perf_counter() - start
    chance = random.Random(7)
    picked = [item(chance.randrange(items)) for _ in range(samples)]
    results = {
        "put a new item": percentiles(lambda number: store.put(TABLE, item(items + number)), samples),
        "put in place of an item": percentiles(lambda number: store.put(TABLE, picked[number]), samples),
        "get by key": percentiles(
            lambda number: store.get(TABLE, {name: picked[number][name] for name in ("metric_id", "timestamp")}),
            samples,
        ),
        "query the newest of a metric": percentiles(
            lambda number: store.query(TABLE, partition=picked[number]["metric_id"], newest_first=True, limit=1),
            samples,
        ),
        "query the newest by index": percentiles(
            lambda number: store.query(
                TABLE, partition=picked[number]["instance_id"], index="InstanceIndex", newest_first=True, limit=1
            ),
            samples,
        ),
        "one row in SQLite alone": bare_commit(folder / "bare.sqlite", durability, samples),
    }
    store.close()
    ratio = results["put a new item"]["p50_ms"] / results["one row in SQLite alone"]["p50_ms"]
    return {
        "items": items, "samples": samples, "durability": durability, "batch_put_items_per_second":
        round(items / filled_seconds), "put_against_sqlite_alone": round(ratio, 2), "results": results,
        "python": platform.python_version(), "sqlite": sqlite3.sqlite_version,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Hot table: put and point query.")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=5_000)
    parser.add_argument("--durability", choices=["normal", "full"], default="normal")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), arguments.items, arguments.samples, arguments.durability)
    if arguments.json:
        json.dump(found, sys.stdout, indent=2)
        print()
        return
    print(f"{found['items']:,} items, durability {found['durability']}, SQLite {found['sqlite']}")
    for name, figures in found["results"].items():
        print(f"  {name:30} p50 {figures['p50_ms']:8.3f} ms   p99 {figures['p99_ms']:8.3f} ms")
    print(f"  batch_put {found['batch_put_items_per_second']:,} items/s; a put costs "
          f"{found['put_against_sqlite_alone']} x one row in SQLite alone")  # fmt: skip


if __name__ == "__main__":
    main()
