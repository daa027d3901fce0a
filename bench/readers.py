"""What is exported as Iceberg, read by another engine: the same answers from ClickHouse (chDB) and from Penstock.

    python -m bench.readers [--rows 100000] [--json]

Both seeds' tables are exported, sealed hours as they are and one hour of raw objects written for it. ClickHouse is told
the folder and nothing else. Fails when an answer differs.
"""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.peer_environment import FOLDER, READERS
from bench.query_lake import LOGS, METRICS, build
from penstock.adapters.local.iceberg import IcebergFolder
from penstock.model.datasets import LakeTable
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.table_export import export_table

DAYS = 2
# What is asked of which table: the same in both engines' SQL.
QUESTIONS: dict[str, tuple[LakeTable, str, str]] = {
    "rows and times of each hour": (
        LOGS,
        "SELECT day, hour, count(*), epoch_us(min(timestamp)), epoch_us(max(timestamp)) FROM logs"
        " GROUP BY ALL ORDER BY ALL",
        "SELECT day, hour, count(), toUnixTimestamp64Micro(assumeNotNull(min(timestamp))),"
        " toUnixTimestamp64Micro(assumeNotNull(max(timestamp))) FROM {0} GROUP BY ALL ORDER BY day, hour",
    ),
    "texts, numbers and what is missing": (
        LOGS,
        "SELECT severity, count(status), sum(status), count(trace_id), min(trace_id), max(message), max(latency_ms)"
        " FROM logs GROUP BY severity ORDER BY severity",
        "SELECT severity, count(status), sum(status), count(trace_id), min(trace_id), max(message), max(latency_ms)"
        " FROM {0} GROUP BY severity ORDER BY severity",
    ),
    "one hour of one day": (
        LOGS,
        "SELECT count(*) FROM logs WHERE day = '02' AND hour = '07'",
        "SELECT count() FROM {0} WHERE day = '02' AND hour = '07'",
    ),
    "structs and maps": (
        METRICS,
        "SELECT metric_type, metadata.collection_method, sum(cardinality(readings)), max(readings['total_mb']),"
        " max(value) FROM infra_metrics GROUP BY ALL ORDER BY ALL",
        "SELECT metric_type, metadata.collection_method, sum(length(readings)), maxIf(readings['total_mb'],"
        " mapContains(readings, 'total_mb')), max(value) FROM {0} GROUP BY ALL ORDER BY metric_type",
    ),
}  # fmt: skip


def export(home: Home, table: LakeTable, folder: Path) -> float:
    """Exports a table; returns how long it took."""
    write = functools.partial(home.query.export, tables=[LOGS, METRICS])
    began = time.perf_counter()
    target = IcebergFolder(folder, lake=home.lake, table=table.name)
    export_table(table, home.lake_catalog.listing(table), target, write)
    return time.perf_counter() - began


def measure(rows: int) -> dict[str, Any]:
    """Returns what was asked, and how long each engine took for it; raises RuntimeError when their answers differ."""
    with tempfile.TemporaryDirectory(prefix="bench-readers-") as base:
        folder = Path(base)
        build(folder, 2 * rows, DAYS)
        home = Home(folder)
        # One hour that is not sealed.
        (home.lake / "sealed/logs/year=2026/month=02/day=01/hour=23/logs.parquet").unlink()
        exported = {table.name: export(home, table, folder / "out" / table.name) for table in (LOGS, METRICS)}
        asked = [theirs.format(f"icebergLocal('{folder}/out/{table.name}')") for table, _, theirs in QUESTIONS.values()]
        done = subprocess.run(
            [READERS.python(), str(FOLDER / "peers" / "read_chdb.py")],
            # It reads what is below the folder that it runs in.
            input=json.dumps(asked), check=True, stdout=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip
        told = json.loads(done.stdout)
        answers = {}
        for (name, (_, sql, _)), answer in zip(QUESTIONS.items(), told["answers"], strict=True):
            found = home.query.run(sql, tables=[LOGS, METRICS])
            ours, theirs = (_plain(rows) for rows in (found.rows, answer["rows"]))
            if ours != theirs:
                raise RuntimeError(f"{name}: {ours[:3]} here, {theirs[:3]} in ClickHouse")
            answers[name] = {"rows": len(ours), "ours": found.elapsed_seconds, "clickhouse": answer["seconds"]}
        home.close()
        return {"clickhouse": told["version"], "export_seconds": exported, "same": answers}


def _plain(rows: list[Any]) -> list[list[Any]]:
    """Returns rows whose numbers are numbers: 64-bit ones are text in ClickHouse's JSON; no map has its default, 0."""
    return [[_number(value) for value in row] for row in rows]


def _number(value: Any) -> Any:
    try:
        return float(value or 0) if not isinstance(value, bool) else value
    except (TypeError, ValueError):
        return value


def main() -> None:
    """Prints what was the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    answer = measure(given.rows)
    if given.json:
        print(json.dumps(answer))
        return
    print(f"ClickHouse {answer['clickhouse']} and Penstock, {given.rows:,} rows a table:")
    for name, one in answer["same"].items():
        print(f"  {name:40} the same, {one['rows']} rows   {one['ours']:.2f} s   {one['clickhouse']:.2f} s")


if __name__ == "__main__":
    main()
