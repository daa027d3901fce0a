"""Orders: one object's ETL by the pipeline, by boto3's idiom for it, and by PySpark in local mode.

    python -m bench.orders [--orders 100000] [--rounds 1] [--only duckdb|idiom|spark]

One object of so many orders is processed by each in a process and a home of its own, into the embedded hot table: by
the pipeline's own task; by a loop in Python that parses, checks, deduplicates and writes each record through a batch
writer that does what boto3's does (25 items a request, the last of one key wins); and by the same task with its
transformation on Spark. The idiom does the same work, and no more: ``items`` tells that the tables are equal.
https://docs.aws.amazon.com/boto3/latest/guide/dynamodb.html#batch-writing

Printed are seconds, seconds of the processors and the highest memory, with Java's. Spark's session is there before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import psutil

from penstock.model.datasets import HotTable
from penstock.pipelines import orders as app
from penstock.pipelines.orders import generator
from penstock.pipelines.orders.records import CURRENCIES
from penstock.ports.hot import BATCH_LIMIT_ITEMS, scan_all
from penstock.testing.sandbox import Sandbox

ENGINES = ("duckdb", "idiom", "spark")
HOUR = 1_771_567_200
BATCH = 20_000
# Spark's own number of 200 is for clusters.
SPARK_PARTITIONS = 4
KEY = "raw/raw_orders/year=2026/month=02/day=20/hour=07/orders-bench.json"
EUROS = {one.code: one.euros for one in CURRENCIES}
CENT = Decimal("0.01")
ARRIVED = "2026-02-20T07"
# Of more items the digest takes longer than what is measured.
COMPARED_ORDERS = 100_000


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


class Memory:
    """Looks at the memory of this process and of those that it started, now and then."""

    def __init__(self) -> None:
        self.highest_mb, self._over = 0.0, threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Memory:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._looking.join()

    def _look(self) -> None:
        own = psutil.Process()
        while not self._over.wait(0.1):
            total = sum(one.memory_info().rss for one in [own, *own.children(recursive=True)])
            self.highest_mb = max(self.highest_mb, total / 2**20)


def generate(path: Path, count: int) -> int:
    """Writes an object's records batch by batch; returns how many there are."""
    encoder, records = msgspec.json.Encoder(), 0
    with path.open("wb") as file:
        for number, first in enumerate(range(0, count, BATCH)):
            made = generator.make(generator.Batch(number, min(BATCH, count - first), 7, HOUR)).records
            file.write(encoder.encode_lines(made))
            records += len(made)
    return records


def measure(engine: str, path: Path) -> dict[str, Any]:
    """Processes the object here, in one of the ways; returns its figures."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(app.pipeline, Path(folder)) as sandbox:
        # The store takes the file that it is given.
        sandbox.home.objects.replace(KEY, Path(shutil.copy(path, Path(folder) / "orders.json")), if_match=None)
        if engine == "spark":
            _use_spark(sandbox, Path(folder))
        with Memory() as memory:
            begun, used = time.perf_counter(), _cpu_seconds()
            kept = _idiom(sandbox) if engine == "idiom" else _etl(sandbox)
            seconds, used = time.perf_counter() - begun, _cpu_seconds() - used
        return {
            "engine": engine, "kept": kept, "seconds": round(seconds, 2), "cpu_seconds": round(used, 2),
            "memory_mb": round(memory.highest_mb), "items": _digest(sandbox) if kept <= COMPARED_ORDERS else "",
        }  # fmt: skip


def compare(count: int, engines: tuple[str, ...] = ENGINES, rounds: int = 1) -> Iterator[dict[str, Any]]:
    """Yields the figures of each way, each in a process of its own, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.json"
        records = generate(path, count)
        for _ in range(rounds):
            for engine in engines:
                command = [sys.executable, "-m", "bench.orders", "--only", engine, "--file", str(path)]
                done = subprocess.run(
                    command, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
                )
                found = json.loads(done.stdout.splitlines()[-1])
                yield {"records": records, **found, "records_a_second": round(records / found["seconds"])}


def _cpu_seconds() -> float:
    own = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in [own, *own.children(recursive=True)])


def _digest(sandbox: Sandbox) -> str:
    items = sorted(msgspec.json.encode(item, order="deterministic") for item in scan_all(sandbox.home.hot, app.orders))
    return hashlib.sha256(b"\n".join(items)).hexdigest()[:12]


def _use_spark(sandbox: Sandbox, folder: Path) -> None:
    from penstock.adapters.spark.session import local_session
    from penstock.adapters.spark.transform import SparkTransformer
    from penstock.sql.steps import to_spark

    session = local_session(memory_mb=2048, partitions=SPARK_PARTITIONS)
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
        "late": (moment.astimezone(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H") < ARRIVED,
        "lines": lines,
    }


def _lines(found: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(found, list):
        raise TypeError("lines is no list")
    for line in found:
        if not isinstance(line["quantity"], int) or line["quantity"] < 1:
            raise ValueError("a quantity is none")
        yield {**line, "unit_price": Decimal(line["unit_price"])}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=ENGINES)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if asked.file is not None:
        print(json.dumps(measure(asked.only, asked.file)))
        return
    for found in compare(asked.orders, (asked.only,) if asked.only else ENGINES, asked.rounds):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
