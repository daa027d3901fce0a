"""Sealing: raw lines → validated, sorted Parquet, against bare DuckDB ``COPY`` of the same rows, sorted, in one run.

    python -m bench.seal [--rows 1000000] [--objects 20] [--bad 0] [--memory-mb 1024] [--rounds 3] [--json]

Both read the same files with the same threads and the same memory limit, each in a process of its own, in turns. Bare
DuckDB is told the columns and takes every line for granted; what sealing adds is validation by the record type, the
counts of each object, the quarantine, the metadata and the replacement. With ``--bad N`` every Nth line does not fit:
bare DuckDB then reads the same number of lines that do.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from penstock.model.datasets import LakeTable

PARTITION = "year=2026/month=02/day=20/hour=07"
MESSAGES = (
    "request served", "connection reset by peer while reading from upstream", "user {} logged in", "cache miss for {}",
    "slow query: SELECT * FROM orders WHERE id = {}",
)  # fmt: skip


class Line(msgspec.Struct, kw_only=True):
    """A line of a log, as the logs pipeline has it."""

    timestamp: datetime
    severity: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "UNKNOWN"]
    service: str
    host: str
    device_type: Literal["server", "application", "network"]
    message: str
    latency_ms: float | None = None
    status: int | None = None
    trace_id: str | None = None
    source: str = ""
    template: str | None = None


TABLE = LakeTable(name="logs", record=Line, sort=("timestamp",), time="timestamp")
COLUMNS = {
    "timestamp": "TIMESTAMP", "severity": "VARCHAR", "service": "VARCHAR", "host": "VARCHAR", "device_type": "VARCHAR",
    "message": "VARCHAR", "latency_ms": "DOUBLE", "status": "BIGINT", "trace_id": "VARCHAR", "source": "VARCHAR",
    "template": "VARCHAR",
}  # fmt: skip


def line(chance: random.Random) -> str:
    """Returns one line that fits."""
    second = chance.random() * 3600
    message = chance.choice(MESSAGES).format(chance.randrange(100_000))
    return (
        f'{{"timestamp":"2026-02-20T07:{int(second // 60):02}:{second % 60:09.6f}Z"'
        f',"severity":"{chance.choice(("INFO", "INFO", "INFO", "WARNING", "ERROR"))}"'
        f',"service":"svc-{chance.randrange(12)}","host":"host-{chance.randrange(200):03}","device_type":"server"'
        f',"message":"{message}","latency_ms":{chance.expovariate(0.02):.3f}'
        f',"status":{chance.choice((200, 200, 404, 500))},"trace_id":"{chance.getrandbits(128):032x}"'
        ',"source":"bench"}\n'
    )


def generate(lake: Path, rows: int, objects: int, bad: int) -> None:
    """Writes raw objects; every ``bad``-th line has a number where a text belongs."""
    folder = lake / "raw" / TABLE.name / PARTITION
    folder.mkdir(parents=True)
    chance = random.Random(1)
    for number in range(objects):
        with (folder / f"gen-{number:04}.json").open("w", buffering=1 << 20) as file:
            for place in range(rows // objects):
                text = line(chance)
                file.write(text.replace('"svc-', '7,"x":"', 1) if bad and place % bad == 0 else text)


def ours(lake: Path, memory_mb: int) -> int:
    """Seals; returns how many rows."""
    from penstock.adapters.local.objects import FileObjectStore
    from penstock.adapters.local.rows import DuckDbRowReader
    from penstock.adapters.local.sealer import DuckDbSealer
    from penstock.runtime.lake.seal import PartitionSealer

    sealer = PartitionSealer(FileObjectStore(lake), DuckDbSealer(lake, memory_limit_mb=memory_mb), DuckDbRowReader())
    return sealer.seal(TABLE, PARTITION, again=True).counts.good


def bare(lake: Path, memory_mb: int, bad: int) -> int:
    """Copies with DuckDB; returns how many rows."""
    import duckdb

    paths = sorted(str(path) for path in (lake / "raw").rglob("*.json"))
    with tempfile.TemporaryDirectory(dir=lake) as scratch:
        config = {"memory_limit": f"{memory_mb}MB", "temp_directory": f"{scratch}/spilled"}
        connection = duckdb.connect(":memory:", config=config)
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        lines = f"read_json({paths}, format='newline_delimited', columns={{{columns}}}, ignore_errors={bool(bad)})"
        found = connection.execute(
            f"COPY (SELECT * FROM {lines} ORDER BY timestamp) TO '{scratch}/out.parquet'"
            " (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
    return int(found[0]) if found else 0


def measured(kind: str, lake: Path, memory_mb: int, bad: int) -> dict[str, Any]:
    """Runs one of the two in a process of its own."""
    command = [sys.executable, "-m", "bench.seal", "--only", kind, "--lake", str(lake), "--memory-mb", str(memory_mb)]
    command += ["--bad", str(bad)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    return dict(json.loads(done.stdout))


def only(kind: str, lake: Path, memory_mb: int, bad: int) -> dict[str, Any]:
    """Does the work, and says what it took. The imports are done before the clock is looked at."""
    import duckdb

    duckdb.connect(":memory:").close()
    began, used = time.perf_counter(), time.process_time()
    rows = ours(lake, memory_mb) if kind == "ours" else bare(lake, memory_mb, bad)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": rows, "seconds": seconds, "cpu_seconds": time.process_time() - used, "peak_mb": peak}


def run(rows: int, objects: int, bad: int, memory_mb: int, rounds: int) -> dict[str, Any]:
    """Measures both, in turns."""
    taken: dict[str, list[dict[str, Any]]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory(prefix="bench-seal-") as folder:
        lake = Path(folder)
        generate(lake, rows, objects, bad)
        size = sum(path.stat().st_size for path in lake.rglob("*.json"))
        for number in range(rounds):
            for kind in ("ours", "bare") if number % 2 == 0 else ("bare", "ours"):
                taken[kind].append(measured(kind, lake, memory_mb, bad))
    answer: dict[str, Any] = {"rows": rows, "objects": objects, "bad_every": bad, "raw_mb": size / 1e6}
    for kind, found in taken.items():
        seconds = statistics.median(one["seconds"] for one in found)
        answer[kind] = {
            "rows": found[0]["rows"],
            "seconds": round(seconds, 2),
            "records_per_second": round(rows / seconds),
            "cpu_seconds": round(statistics.median(one["cpu_seconds"] for one in found), 2),
            "peak_mb": round(max(one["peak_mb"] for one in found)),
        }
    answer["ratio"] = round(answer["ours"]["records_per_second"] / answer["bare"]["records_per_second"], 3)
    answer["cores"] = os.cpu_count()
    return answer


def main() -> None:
    """Reads the arguments, measures, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--bad", type=int, default=0)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=["ours", "bare"])
    parser.add_argument("--lake", type=Path)
    given = parser.parse_args()
    if given.only:
        sys.stdout.write(json.dumps(only(given.only, given.lake, given.memory_mb, given.bad)))
        return
    answer = run(given.rows, given.objects, given.bad, given.memory_mb, given.rounds)
    if given.json:
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
        return
    sys.stdout.write(f"{answer['rows']:,} rows in {answer['objects']} objects, {answer['raw_mb']:.0f} MB raw\n")
    for kind in ("ours", "bare"):
        one = answer[kind]
        sys.stdout.write(
            f"  {kind:<5} {one['records_per_second']:>9,} records/s  {one['seconds']:6.2f} s"
            f"  cpu {one['cpu_seconds']:6.2f} s  peak {one['peak_mb']} MB\n"
        )
    sys.stdout.write(f"  ratio {answer['ratio']}\n")


if __name__ == "__main__":
    main()
