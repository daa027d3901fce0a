"""Sealing: raw lines → validated, sorted Parquet, against those who write Parquet from the same lines, in one run.

    python -m bench.seal [--rows 100000,1000000,10000000] [--objects 20] [--bad 0] [--memory-mb 1024] [--rounds 3]
                         [--no-peers] [--json]

All read the same files on the same machine, each in a process of its own, in turns. Bare DuckDB has the same memory
limit and threads, is told the columns, and takes every line for granted; what sealing adds is validation by the record
type, the counts of each object, the quarantine, the metadata and the replacement. With ``--bad N`` every Nth line does
not fit: bare DuckDB then leaves those out. Polars and pandas (with pyarrow, as awswrangler writes) sort as well and
validate nothing; dlt does not sort. Peers run in an environment of their own: PENSTOCK_BENCH_LAKE_PYTHON, or
``.venv-bench-lake``, which is made when it is absent. pandas and dlt are given at most a million rows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.peer_environment import LAKE_PEERS
from bench.seal_rows import generate

FOLDER = Path(__file__).parent
PEERS = {"polars": 100_000_000, "pandas": 1_000_000, "dlt": 1_000_000}
ROUNDS_OF_SLOW = 1
SLOW = {"pandas", "dlt"}
SMALL_OBJECTS = 2_000
SORT = "severity,timestamp"
PEER_SECONDS = 900


def measured(kind: str, lake: Path, memory_mb: int, bad: int) -> dict[str, Any]:
    """Runs one of them in a process of its own; what goes wrong with a peer is said, never guessed."""
    target = lake / f"{kind}.out"
    if kind in PEERS:
        command = [LAKE_PEERS.python(), str(FOLDER / "peers" / f"seal_{kind}.py"), str(lake / "raw"), str(target), SORT]
    else:
        command = [sys.executable, "-m", "bench.seal_rows", kind, str(lake), str(memory_mb), str(bad)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=FOLDER.parent, timeout=PEER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer in {PEER_SECONDS} s"}
    finally:
        (shutil.rmtree if target.is_dir() else os.unlink)(target) if target.exists() else None
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no output"])[-1][:200]}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def compare(rows: int, objects: int, *, bad: int, memory_mb: int, rounds: int, peers: list[str]) -> dict[str, Any]:
    """Measures all of them, in turns."""
    kinds = ["ours", "bare", *(name for name in peers if rows <= PEERS[name])]
    taken: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="bench-seal-") as folder:
        lake = Path(folder)
        generate(lake, rows, objects, bad)
        raw_bytes = sum(path.stat().st_size for path in lake.rglob("*.json"))
        for number in range(rounds):
            wanted = [kind for kind in kinds if kind not in SLOW or number < ROUNDS_OF_SLOW]
            for kind in wanted if number % 2 == 0 else reversed(wanted):
                taken[kind].append(measured(kind, lake, memory_mb, bad))
    answer: dict[str, Any] = {"rows": rows, "objects": objects, "bad_every": bad, "raw_mb": round(raw_bytes / 1e6)}
    for kind, found in taken.items():
        answer[kind] = _summary(rows, found)
        if kind != "ours" and "failed" not in answer[kind]:
            answer[f"ratio_to_{kind}"] = round(answer[kind]["seconds"] / answer["ours"]["seconds"], 2)
    return answer


def _summary(rows: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    failed = [one["failed"] for one in found if "failed" in one]
    if failed:
        return {"failed": failed[0]}
    seconds = statistics.median(one["seconds"] for one in found)
    summary = {
        "rows": found[0]["rows"],
        "seconds": round(seconds, 2),
        "records_per_second": round(rows / seconds),
        "peak_mb": round(max(one["peak_mb"] for one in found)),
    }
    if "cpu_seconds" in found[0]:
        summary["cpu_seconds"] = round(statistics.median(one["cpu_seconds"] for one in found), 2)
    return summary


def seal(quick: bool) -> dict[str, Any]:
    """Sealing, from a hundred thousand to ten million rows, and of small objects."""
    settings: dict[str, Any] = {"bad": 0, "memory_mb": 1024}
    if quick:
        return {"sizes": [compare(100_000, 20, rounds=1, peers=["polars"], **settings)]}
    sizes = [compare(rows, 20, rounds=3, peers=list(PEERS), **settings) for rows in (100_000, 1_000_000, 10_000_000)]
    small = compare(1_000_000, SMALL_OBJECTS, rounds=3, peers=["polars"], **settings)
    return {"sizes": sizes, "small_objects": small, "growth": growth(sizes)}


def growth(sizes: list[dict[str, Any]]) -> dict[str, float]:
    """Returns how much longer a record takes among most records than among fewest, and how much more memory."""
    first, last = sizes[0]["ours"], sizes[-1]["ours"]
    longer = first["records_per_second"] / last["records_per_second"]
    return {"seconds_a_record": round(longer, 2), "peak_memory": round(last["peak_mb"] / first["peak_mb"], 2)}


def show(answer: dict[str, Any]) -> None:
    """Prints one comparison."""
    print(f"{answer['rows']:,} rows in {answer['objects']} objects, {answer['raw_mb']} MB raw")
    for kind in ("ours", "bare", *PEERS):
        one = answer.get(kind)
        if one is None:
            print(f"  {kind:<7} not run with so many rows") if kind in SLOW else None
        elif "failed" in one:
            print(f"  {kind:<7} failed: {one['failed']}")
        else:
            cpu = f"  cpu {one['cpu_seconds']:6.2f} s" if "cpu_seconds" in one else " " * 14
            ratio = f"  ours is {answer[f'ratio_to_{kind}']:.2f} times as fast" if kind != "ours" else ""
            print(
                f"  {kind:<7} {one['records_per_second']:>9,} records/s  {one['seconds']:7.2f} s{cpu}"
                f"  peak {one['peak_mb']:>5} MB{ratio}",
                flush=True,
            )


def main() -> None:
    """Reads the arguments, measures, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1000000")
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--bad", type=int, default=0)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sizes = []
    for rows in map(int, given.rows.split(",")):
        found = compare(
            rows,
            given.objects,
            bad=given.bad,
            memory_mb=given.memory_mb,
            rounds=given.rounds,
            peers=[] if given.no_peers else list(PEERS),
        )
        sizes.append(found)
        if not given.json:
            show(found)
    told = {"cores": os.cpu_count(), "sizes": sizes, "growth": growth(sizes)}
    print(json.dumps(told, indent=2) if given.json else f"growth from the first to the last size: {told['growth']}")


if __name__ == "__main__":
    main()
