"""Orders: one object's ETL by the pipeline, by boto3's idiom for it, and by PySpark in local mode.

``python -m bench.orders 100000`` writes one object of so many orders and processes it three times, into the embedded
hot table each: by the pipeline's own task; by a loop in Python that parses, checks, deduplicates and writes each record
through a batch writer that does what boto3's does (25 items a request, the last of one key wins); and by the same task
with its transformation on Spark. The idiom does the same work, and no more.
https://docs.aws.amazon.com/boto3/latest/guide/dynamodb.html#batch-writing
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec

from penstock.model.datasets import HotTable
from penstock.pipelines import orders as app
from penstock.pipelines.orders import generator
from penstock.pipelines.orders.records import CURRENCIES
from penstock.ports.hot import BATCH_LIMIT_ITEMS
from penstock.testing.sandbox import Sandbox

HOUR = 1_771_567_200
BATCH = 20_000
KEY = "raw/raw_orders/year=2026/month=02/day=20/hour=07/orders-bench.json"
EUROS = {one.code: one.euros for one in CURRENCIES}
CENT = Decimal("0.01")


class BatchWriter:
    """Writes 25 items a request, and of several with one key the last, as boto3's ``batch_writer`` does."""

    def __init__(self, sandbox: Sandbox, table: HotTable) -> None:
        self._store, self._table = sandbox.home.hot, table
        self._held: dict[str, dict[str, Any]] = {}

    def put_item(self, item: dict[str, Any]) -> None:
        self._held.pop(item["order_id"], None)
        self._held[item["order_id"]] = item
        if len(self._held) >= BATCH_LIMIT_ITEMS:
            self.flush()

    def flush(self) -> None:
        if self._held:
            self._store.batch_put(self._table, list(self._held.values()))
        self._held = {}


def main(count: int = 20_000, *engines: str) -> None:
    """Prints orders a second, CPU seconds (without Spark's own process) and the most memory, of each way."""
    for engine in engines or ("duckdb", "idiom", "spark"):
        with tempfile.TemporaryDirectory() as folder, Sandbox(app.pipeline, Path(folder)) as sandbox:
            records = _write(sandbox, count, Path(folder))
            if engine == "spark":
                _use_spark(sandbox, Path(folder))
            begun, used = time.perf_counter(), time.process_time()
            kept = _idiom(sandbox) if engine == "idiom" else _etl(sandbox)
            took, used = time.perf_counter() - begun, time.process_time() - used
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{engine:8} {records:>9,} records {kept:>9,} kept {took:8.2f} s {records / took:>10,.0f} records/s"
                f" {used:8.2f} CPU s {memory_mb:>7,.0f} MB"
            )


def _write(sandbox: Sandbox, count: int, folder: Path) -> int:
    """Makes the object batch by batch; returns how many records it has."""
    path, encoder, records = folder / "made.json", msgspec.json.Encoder(), 0
    with path.open("wb") as file:
        for number, first in enumerate(range(0, count, BATCH)):
            made = generator.make(generator.Batch(number, min(BATCH, count - first), 7, HOUR)).records
            file.write(encoder.encode_lines(made))
            records += len(made)
    sandbox.home.objects.replace(KEY, path, if_match=None)
    return records


def _use_spark(sandbox: Sandbox, folder: Path) -> None:
    from penstock.adapters.spark.session import local_session
    from penstock.adapters.spark.transform import SparkTransformer
    from penstock.sql.steps import to_spark

    session = local_session(memory_mb=2048)
    session.sql("SELECT 1").count()
    sandbox.home.__dict__["transformer"] = SparkTransformer(session, folder, to_spark)


def _etl(sandbox: Sandbox) -> int:
    execution = sandbox.run({"key": KEY}, workflow="order-etl")
    if execution.output is None:
        raise SystemExit(f"{execution.error}: {execution.cause}")
    told = msgspec.json.decode(execution.output)
    if told["unreconciled"]:
        raise SystemExit(f"unreconciled: {told}")
    return int(told["stored"])


def _idiom(sandbox: Sandbox) -> int:
    """Does the same in the way of AWS's examples: a loop, a set of keys, and a batch writer."""
    lines = sandbox.home.objects.get(KEY).splitlines()
    writer, seen, bad = BatchWriter(sandbox, app.orders), set(), []
    for number, line in enumerate(lines, start=1):
        try:
            item = _item(json.loads(line, parse_float=Decimal))
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            bad.append({"line": number, "reason": str(error), "raw": line.decode()})
            continue
        if item["order_id"] in seen:
            continue
        seen.add(item["order_id"])
        writer.put_item(item)
    writer.flush()
    if bad:
        sandbox.home.objects.put(KEY.replace("raw/", "quarantine/", 1), "\n".join(map(json.dumps, bad)).encode())
    return len(seen)


def _item(record: dict[str, Any]) -> dict[str, Any]:
    for key in ("order_id", "customer_id"):
        if not (record[key] or "").strip():
            raise ValueError(f"{key} is missing")
    moment = datetime.fromisoformat(record["ordered_at"])
    currency = record["currency"].strip().upper()
    lines = list(_lines(record["lines"]))
    if currency not in EUROS or not lines:
        raise ValueError("the order cannot be kept")
    gross = sum((line["quantity"] * line["unit_price"] for line in lines), Decimal(0))
    total = gross - Decimal(record.get("discount") or 0)
    return {
        "order_id": record["order_id"].strip(),
        "customer_id": record["customer_id"].strip(),
        "ordered_at": int(moment.timestamp()),
        "day": moment.strftime("%Y-%m-%d"),
        "currency": currency,
        "country": record["country"].strip().upper(),
        "channel": record["channel"].strip().lower(),
        "units": sum(line["quantity"] for line in lines),
        "total": total,
        "total_eur": (total * EUROS[currency]).quantize(CENT, ROUND_HALF_UP),
        "late": False,
        "lines": lines,
    }


def _lines(found: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(found, list):
        raise TypeError("lines is no list")
    for line in found:
        if not isinstance(line["quantity"], int) or line["quantity"] < 1:
            raise ValueError("a quantity is none")
        yield {**line, "unit_price": Decimal(line["unit_price"])}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, *sys.argv[2:])
