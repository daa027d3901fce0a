"""A lake of both seeds' pipelines for ``bench.query``: raw, sealed, and the same rows as bare Parquet files.

The records are those of the pipelines, with all their columns; rows are drawn by DuckDB from the logs pipeline's own
templates, a few percent of them grave. An hour has one raw object: the fewer, the faster raw JSON is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.model.datasets import LakeTable
from penstock.pipelines.logs import pipeline as logs_pipeline
from penstock.pipelines.logs.estate import SERVICES
from penstock.pipelines.logs.templates import USUAL
from penstock.pipelines.metrics import pipeline as metrics_pipeline
from penstock.runtime.lake.seal import PartitionSealer

START = datetime(2026, 2, 1, tzinfo=UTC)
LOGS: LakeTable = logs_pipeline.declared().lake_tables["logs"]
METRICS: LakeTable = metrics_pipeline.declared().lake_tables["infra_metrics"]
SHARES = {"ERROR": 0.01, "WARNING": 0.04, "DEBUG": 0.05, "INFO": 0.9}
SLOTS = 20_000
INSTANCES = 500
FIELDS = {
    "address": "'203.0.113.' || (1 + {r} % 254)", "attempt": "(1 + {r} % 5)", "bytes": "(120 + {r} % 47880)",
    "connections": "(40 + {r} % 361)", "device": "['sda1', 'sdb1', 'nvme0n1p1'][1 + {r} % 3]",
    "id": "(100000 + {r} % 900000)", "method": "['GET', 'GET', 'GET', 'POST', 'PUT'][1 + {r} % 5]",
    "path": "['/api/items', '/api/orders', '/api/carts', '/api/sessions', '/health'][1 + {r} % 5]",
    "percent": "(1 + {r} % 100)", "pid": "(300 + {r} % 32468)", "port": "(1024 + {r} % 64512)",
    "interface": "['ge-0/0/1', 'ge-0/0/2', 'xe-1/0/0', 'xe-1/0/3'][1 + {r} % 4]", "rows": "(1 + {r} % 5000)",
    "unit": "['nginx.service', 'postgresql.service', 'docker.service', 'ssh.service'][1 + {r} % 4]",
    "user": "'user' || (1 + {r} % 9999)",
}  # fmt: skip
LOG_ROWS = """SELECT strftime(TIMESTAMP '{at}' + to_microseconds(draw(i, {seed}, 0) % 3600000000),
        '%Y-%m-%dT%H:%M:%S.%fZ') AS timestamp, severity, service, hosts[1 + draw(i, {seed}, 1) % len(hosts)] AS host,
    device_type, {message} AS message,
    CASE WHEN latency_ms IS NOT NULL THEN round(latency_ms * exp(0.5 * (draw(i, {seed}, 2) % 4000 / 1000.0 - 2)), 3)
        END AS latency_ms, CASE WHEN is_traced THEN status END AS status,
    CASE WHEN is_traced THEN md5(draw(i, {seed}, 3)::VARCHAR) END AS trace_id, 'generator' AS source, template
    FROM range({rows}) AS t(i) JOIN slots ON slots.number = draw(i, {seed}, 4) % {slots}"""
METRIC_ROWS = """SELECT strftime(TIMESTAMP '{at}' + to_seconds(tick * 3600 // ticks),
        '%Y-%m-%dT%H:%M:%S.%fZ') AS timestamp,
    'i-' || left(md5(instance::VARCHAR), 17) AS instance_id, 'us-east-1' AS region, metric_type,
    CASE metric_type WHEN 'cpu' THEN round(50 + 40 * sin(draw(i, {seed}, 0) % 6283 / 1000.0), 3)
        WHEN 'memory' THEN round(draw(i, {seed}, 1) % 16000 / 160.0, 3)
        ELSE round(draw(i, {seed}, 0) % 6000000 / 1000.0, 3) END AS value,
    ['percent', 'count/second', 'percent', 'bytes/second'][list_position({kinds}, metric_type)] AS unit,
    {{'collection_method': 'simulated', 'pipeline_version': '1.0'}} AS metadata,
    CASE metric_type WHEN 'memory' THEN MAP {{'used_mb': draw(i, {seed}, 1) % 16000 * 1.0, 'total_mb': 16000.0}}
        ELSE MAP {{}} END AS readings
    FROM (SELECT i, {kinds}[1 + i * 4 // {rows}] AS metric_type, i % ({rows} // 4) // {instances} AS tick,
        greatest(1, {rows} // (4 * {instances})) AS ticks, i % {instances} AS instance FROM range({rows}) AS t(i))"""
KINDS = "['cpu', 'disk', 'memory', 'network']"
READ_AS = {"logs": "* REPLACE (CAST(timestamp AS TIMESTAMP) AS timestamp)", "infra_metrics": "*"}


def hours(days: int) -> Iterator[tuple[int, datetime, str]]:
    """Yields each hour: its number, its beginning, and its partition."""
    for number in range(days * 24):
        at = START + timedelta(hours=number)
        yield number, at, f"{at:year=%Y/month=%m/day=%d/hour=%H}"


def build(folder: Path, rows: int, days: int) -> None:
    """Writes both tables, with half of the rows each: raw, sealed, and as bare files."""
    lake = folder / "lake"
    per_hour = rows // (2 * days * 24)
    sealer = PartitionSealer(FileObjectStore(lake), DuckDbSealer(lake), DuckDbRowReader())
    with duckdb.connect(":memory:") as connection:
        make_slots(connection)
        for table in (LOGS, METRICS):
            for number, at, partition in hours(days):
                connection.execute(f"CREATE OR REPLACE TEMP TABLE hour AS {drawn_rows(table, number, at, per_hour)}")
                raw = lake / "raw" / table.name / partition / "bench-1.json"
                flat = folder / "bare" / table.name / partition / "data.parquet"
                for path in (raw, flat):
                    path.parent.mkdir(parents=True)
                connection.execute(f"COPY hour TO '{raw}' (FORMAT json)")
                order = ", ".join(table.sort or ((table.time,) if table.time else ()))
                connection.execute(
                    f"COPY (SELECT {READ_AS[table.name]} FROM hour{f' ORDER BY {order}' if order else ''})"
                    f" TO '{flat}' (FORMAT parquet, COMPRESSION zstd)"
                )
                sealer.seal(table, partition)


def drawn_rows(table: LakeTable, number: int, at: datetime, rows: int) -> str:
    """Returns the query for the rows of an hour; they are the same each time."""
    drawn = LOG_ROWS if table is LOGS else METRIC_ROWS
    return drawn.format(
        at=f"{at:%Y-%m-%d %H:%M:%S}",
        seed=number,
        rows=rows,
        slots=SLOTS,
        kinds=KINDS,
        instances=INSTANCES,
        message=_message(number),
    )


def make_slots(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the table that rows are drawn from: templates, as often as each is said."""
    connection.execute("CREATE MACRO draw(i, seed, place) AS CAST(hash(i, seed, place) >> 1 AS BIGINT)")
    connection.execute(
        "CREATE TABLE drawn (severity VARCHAR, service VARCHAR, hosts VARCHAR[], device_type VARCHAR,"
        " text VARCHAR, template VARCHAR, status INTEGER, latency_ms DOUBLE, is_traced BOOLEAN, slots INTEGER)"
    )
    for service in SERVICES:
        for severity, share in SHARES.items():
            fitting = [one for one in USUAL[service.device_type] if one.severity == severity]
            weights = sum(one.weight for one in fitting)
            for one in fitting:
                connection.execute("INSERT INTO drawn VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [
                    severity, service.name, list(service.hosts), service.device_type, one.text, one.pattern, one.status,
                    service.latency_ms, service.device_type == "application",
                    round(SLOTS * service.share * share * one.weight / weights),
                ])  # fmt: skip
    connection.execute(
        "CREATE TABLE slots AS SELECT row_number() OVER () - 1 AS number, * EXCLUDE (slots, slot)"
        " FROM (SELECT *, unnest(range(slots)) AS slot FROM drawn ORDER BY ALL)"
    )


def _message(seed: int) -> str:
    made = "text"
    for place, (name, drawn) in enumerate(FIELDS.items(), start=5):
        value = drawn.format(r=f"draw(i, {seed}, {place})")
        made = f"replace({made}, '{{{name}}}', CAST({value} AS VARCHAR))"
    return made
