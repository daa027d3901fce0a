"""Polars: lines of JSON → one sorted Parquet file. Arguments: raw folder, new file, sort columns. Prints JSON."""

import json
import resource
import sys
import time
from pathlib import Path

import polars as pl

SCHEMA = {
    "timestamp": pl.String, "severity": pl.String, "service": pl.String, "host": pl.String, "device_type": pl.String,
    "message": pl.String, "latency_ms": pl.Float64, "status": pl.Int64, "trace_id": pl.String, "source": pl.String,
    "template": pl.String,
}  # fmt: skip

folder, target, order = sys.argv[1:]
paths = sorted(Path(folder).rglob("*.json"))
began = time.perf_counter()
rows = pl.scan_ndjson(paths, schema=SCHEMA).with_columns(
    pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us")
)
rows.sort(order.split(",")).sink_parquet(target, compression="zstd")
seconds = time.perf_counter() - began
count = pl.scan_parquet(target).select(pl.len()).collect().item()
print(json.dumps({
    "rows": count, "seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))  # fmt: skip
