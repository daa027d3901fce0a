"""The seeds' queries: on a sealed lake, on bare Parquet files of the same rows, and on raw JSON.

``python -m bench.query [--records N] [--days D] [--json]``. The hours are sealed by the lake's own sealer; the bare
files are the same rows written by DuckDB's COPY alone, one file an hour, read by a view over a pattern. Each figure is
the median of several runs, in turns, each in a new connection. The files are in the page cache for all three.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.model.datasets import LakeTable
from penstock.runtime.asking import ask
from penstock.runtime.lake.seal import PartitionSealer

START = datetime(2026, 2, 1, tzinfo=UTC)
HIVE = "hive_partitioning=true, hive_types={'year':'VARCHAR','month':'VARCHAR','day':'VARCHAR','hour':'VARCHAR'}"
ROUNDS = 7
MEMORY_MB = 512


class Metric(msgspec.Struct):
    """A record of the metrics pipeline."""

    timestamp: str
    instance_id: str
    metric_type: str
    value: float


class Log(msgspec.Struct):
    """A record of the logs pipeline, as far as the seed's queries ask for it."""

    timestamp: datetime
    severity: str
    message: str


METRICS = LakeTable(name="infra_metrics", record=Metric, sort=("timestamp",))
LOGS = LakeTable(name="logs", record=Log, sort=("timestamp",), time="timestamp")
GENERATE = {
    "infra_metrics": """SELECT strftime(TIMESTAMP '{at}' + to_milliseconds(CAST(i * {step} AS BIGINT)),
        '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp, 'i-' || (i * 7919 % 500) AS instance_id,
        ['cpu', 'memory', 'disk', 'network'][1 + i % 4] AS metric_type,
        round(50 + 40 * sin(i * 0.001) + (hash(i) % 1000) / 100.0, 3) AS value FROM range({rows}) AS t(i)""",
    "logs": """SELECT strftime(TIMESTAMP '{at}' + to_milliseconds(CAST(i * {step} AS BIGINT)),
        '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp,
        CASE WHEN hash(i) % 100 < 5 THEN 'ERROR' WHEN hash(i) % 100 < 20 THEN 'WARNING' ELSE 'INFO' END AS severity,
        'request ' || (hash(i * 3) % 2000) || ' of service ' || (i % 40) || ' answered' AS message
        FROM range({rows}) AS t(i)""",
}
COLUMNS = {
    "infra_metrics": ", columns={timestamp: 'VARCHAR', instance_id: 'VARCHAR', metric_type: 'VARCHAR',"
    " value: 'DOUBLE'}",
    "logs": ", columns={timestamp: 'TIMESTAMP', severity: 'VARCHAR', message: 'VARCHAR'}",
}
QUERIES = {
    "cpu by instance, 8 days": (METRICS, """SELECT instance_id, AVG(value) as avg_cpu, MAX(value) as max_cpu,
        MIN(value) as min_cpu FROM infra_metrics WHERE metric_type = 'cpu' AND year = '2026' AND month = '02'
        AND day BETWEEN '13' AND '20' GROUP BY instance_id ORDER BY avg_cpu DESC"""),
    "peak memory by day": (METRICS, """SELECT DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) as date,
        MAX(value) as peak_memory FROM infra_metrics WHERE metric_type = 'memory' AND year = '2026' AND month = '02'
        GROUP BY DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) ORDER BY date"""),
    "total": (LOGS, "SELECT COUNT() as totallogs FROM raw_logs"),
    "by severity": (LOGS, """SELECT severity, COUNT(*) as count FROM raw_logs GROUP BY severity
        ORDER BY count DESC"""),
    "top errors": (LOGS, """SELECT message, COUNT(*) as count FROM raw_logs WHERE severity = 'ERROR'
        GROUP BY message ORDER BY count DESC LIMIT 10"""),
    "by hour": (LOGS, """SELECT DATE_TRUNC('hour', timestamp) as hour, COUNT() as count FROM raw_logs
        GROUP BY DATE_TRUNC('hour', timestamp) ORDER BY hour"""),
}  # fmt: skip


def build(folder: Path, records: int, days: int) -> None:
    """Writes both tables: raw, sealed, and as bare files."""
    lake, bare = folder / "lake", folder / "bare"
    per_hour = records // (2 * days * 24)
    sealer = PartitionSealer(FileObjectStore(lake), DuckDbSealer(lake), DuckDbRowReader())
    with duckdb.connect(":memory:") as connection:
        for table in (METRICS, LOGS):
            for hour in range(days * 24):
                at = START + timedelta(hours=hour)
                partition = f"{at:year=%Y/month=%m/day=%d/hour=%H}"
                rows = GENERATE[table.name].format(
                    at=f"{at:%Y-%m-%d %H:%M:%S}", step=3_600_000 / per_hour, rows=per_hour
                )
                raw = lake / "raw" / table.name / partition / "bench-1.json"
                flat = bare / table.name / partition / "data.parquet"
                for path in (raw, flat):
                    path.parent.mkdir(parents=True)
                kind = "::TIMESTAMP" if table is LOGS else ""
                connection.execute(f"COPY ({rows}) TO '{raw}' (FORMAT json)")
                connection.execute(
                    f"COPY (SELECT * REPLACE (timestamp{kind} AS timestamp) FROM ({rows}) ORDER BY timestamp)"
                    f" TO '{flat}' (FORMAT parquet, COMPRESSION zstd)"
                )
                sealer.seal(table, partition)


def on_files(pattern: str, reader: str, options: str, sql: str) -> Callable[[], tuple[float, int]]:
    """Returns a run over files by DuckDB alone: its seconds, and the bytes that it read."""

    def run() -> tuple[float, int]:
        began = time.perf_counter()
        with duckdb.connect(":memory:", config={"memory_limit": f"{MEMORY_MB}MB", "threads": 2}) as connection:
            connection.execute("SET enable_profiling='no_output'")
            source = f"{reader}('{pattern}', {HIVE}{options})"
            name = "raw_logs" if "raw_logs" in sql else "infra_metrics"
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")
            connection.execute(sql).fetchall()
            told = connection.get_profiling_information()
            told = json.loads(told) if isinstance(told, str) else told
            return time.perf_counter() - began, int(told["io"]["total_bytes_read"])

    return run


def on_lake(lake: Path, sql: str, table: LakeTable) -> Callable[[], tuple[float, int]]:
    """Returns a run by the query engine."""
    engine = DuckDbQueryEngine(lake, memory_limit_mb=MEMORY_MB, threads=2)

    def run() -> tuple[float, int]:
        began = time.perf_counter()
        found, _ = ask(engine, sql, tables=[METRICS, LOGS], timeout_seconds=600)
        return time.perf_counter() - began, found.scanned_bytes

    return run


def compare(folder: Path) -> list[dict[str, Any]]:
    """Returns the figures of each query."""
    figures = []
    for name, (table, sql) in QUERIES.items():
        sealed = on_lake(folder / "lake", sql, table)
        flat = on_files(f"{folder}/bare/{table.name}/*/*/*/*/*.parquet", "read_parquet", "", sql)
        raw = on_files(f"{folder}/lake/raw/{table.name}/*/*/*/*/*.json", "read_json", COLUMNS[table.name], sql)
        sealed()
        flat()
        # In turns, so that whatever else the machine does falls on both.
        runs = [(sealed(), flat()) for _ in range(ROUNDS)]
        seconds, flat_seconds = (statistics.median(one[side][0] for one in runs) for side in (0, 1))
        raw_seconds, _ = raw()
        raw_bytes = sum(path.stat().st_size for path in (folder / "lake" / "raw" / table.name).rglob("*.json"))
        figures.append({
            "query": name, "sealed_ms": seconds * 1000, "bare_parquet_ms": flat_seconds * 1000,
            "raw_json_ms": raw_seconds * 1000, "to_bare": seconds / flat_seconds, "to_raw": raw_seconds / seconds,
            "sealed_bytes": runs[0][0][1], "raw_bytes": raw_bytes, "fewer_bytes": 1 - runs[0][0][1] / raw_bytes,
        })  # fmt: skip
    return figures


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--folder", type=Path, help="where the lake is, or is to be made and kept")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="bench-query-"))
    try:
        if not (folder / "lake").exists():
            build(folder, given.records, given.days)
            # A folder that changed just now is not noted as settled.
            time.sleep(2.5)
        figures = compare(folder)
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    if given.json:
        print(json.dumps({"records": given.records, "days": given.days, "queries": figures}))
        return
    for one in figures:
        print(f"{one['query']:24} sealed {one['sealed_ms']:8.1f} ms   bare {one['bare_parquet_ms']:8.1f} ms"
              f" ({one['to_bare']:.2f}x)   raw JSON {one['raw_json_ms']:9.1f} ms ({one['to_raw']:.0f}x)"
              f"   {one['fewer_bytes']:.2%} fewer bytes")  # fmt: skip


if __name__ == "__main__":
    main()
