"""Distributed Maps through the real engine: how long they take, and how much memory, for more and more items.

    python -m bench.maps [--items 1000 10000 100000] [--concurrency 1000] [--processor pass|task] [--json]

Each size runs in a process of its own: a home of its own, its journal in SQLite, the items in a JSON Lines object of
the lake, every item an execution with its own rows. Time is from the parent's start to its end, results written to the
lake included. Memory is what the process has more at its highest than before the start.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from penstock import Pipeline
from penstock.ports.journal import Status
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

SIZES = (1_000, 10_000, 100_000)
SOURCE, RESULTS = "raw/items/items.jsonl", "raw/items/results"


class Row(msgspec.Struct):
    """One item."""

    number: int


def pipeline(folder: Path, concurrency: int, processor: str) -> Pipeline:
    """Returns a pipeline whose one workflow is the Map; its document is written into a folder."""
    made = Pipeline("maps")
    items = made.lake("items", Row)
    work: dict[str, Any] = {"Type": "Pass", "End": True}
    if processor == "task":
        made.task(name="work")(lambda event, context: event)
        invoke = {"FunctionName": "maps-work", "Payload.$": "$"}
        work = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": invoke, "End": True}
    spread = {
        "Type": "Map",
        "MaxConcurrency": concurrency,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {"Bucket": "lake", "Key": SOURCE},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Work",
            "States": {"Work": work},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "lake", "Prefix": RESULTS},
        },
        "End": True,
    }
    document = folder / "map.asl.json"
    document.write_text(json.dumps({"StartAt": "Spread", "States": {"Spread": spread}}))
    made.workflow("map", document, may=[items.read, items.append])
    return made


def rss_mb() -> float:
    """Returns the memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(items: int, concurrency: int, processor: str) -> dict[str, Any]:
    """Runs one Map and checks that every item was done."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        machine = Machine(home, {"maps": pipeline(Path(folder), concurrency, processor).build()})
        try:
            write_items(home, items)
            before = rss_mb()
            began = time.perf_counter()
            parent = machine.start("maps", {}, "map")
            machine.run(parent.id)
            seconds = time.perf_counter() - began
            ended = home.journal.get(parent.id)
            if ended.status is not Status.SUCCEEDED:
                raise AssertionError(f"{ended.status}: {ended.error} {ended.cause}")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            written = check(home, json.loads(ended.output or b"{}"), items)
        finally:
            machine.close()
    return {
        "items": items, "seconds": round(seconds, 2), "items_per_second": round(items / seconds),
        "memory_mb": round(peak - before, 1), "peak_rss_mb": round(peak, 1), "results": written,
    }  # fmt: skip


def write_items(home: Home, items: int) -> None:
    """Writes the items into the lake."""
    home.objects.put(SOURCE, b"".join(b'{"number": %d}\n' % number for number in range(items)))


def check(home: Home, output: dict[str, Any], items: int) -> int:
    """Returns how many results were written; each item's is there once."""
    manifest = json.loads(home.objects.get(output["ResultWriterDetails"]["Key"]))
    found: list[int] = []
    for file in manifest["ResultFiles"]["SUCCEEDED"]:
        found += [json.loads(entry["Input"])["number"] for entry in json.loads(home.objects.get(file["Key"]))]
    if found != list(range(items)):
        raise AssertionError(f"{len(found)} of {items} items are in the results")
    return len(found)


def measure(sizes: list[int], concurrency: int, processor: str) -> dict[str, Any]:
    """Runs each size in a process of its own."""
    found = []
    for items in sizes:
        command = [sys.executable, "-m", "bench.maps", "--one", str(items)]
        command += ["--concurrency", str(concurrency), "--processor", processor]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    per_item = [entry["seconds"] / entry["items"] for entry in found]
    return {
        "concurrency": concurrency, "processor": processor, "sizes": found,
        "milliseconds_per_item": [round(each * 1000, 3) for each in per_item],
        "growth_of_time_per_item": round(per_item[-1] / per_item[0], 2),
    }  # fmt: skip


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description="Distributed Maps through the real engine.")
    parser.add_argument("--items", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--concurrency", type=int, default=1_000)
    parser.add_argument("--processor", choices=["pass", "task"], default="pass")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(run(options.one, options.concurrency, options.processor)))
        return
    found = measure(options.items, options.concurrency, options.processor)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for entry in found["sizes"]:
        print(f"{entry['items']:>9,} items  {entry['seconds']:8.2f} s  {entry['items_per_second']:>6,} items/s  "
              f"+{entry['memory_mb']:.1f} MB")  # fmt: skip
    print(f"time per item, largest against smallest: {found['growth_of_time_per_item']}")


if __name__ == "__main__":
    main()
