"""Leads: a file cleaned, deduplicated, scored and stored, against a pandas + ``to_sql`` script, in one run.

    python -m bench.leads_stored [--rows 100000] [--url postgresql://…] [--rounds 1] [--only ours|pandas]

Both work on the same generated file, each in a process of its own, into the same kind of database: SQLite unless a URL
is given. Ours is the pipeline as it runs: the file arrives in an inbox, the workflow is journaled. Printed are seconds,
seconds of the processor (of the client, not of the server), records a second and the highest memory.
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

from bench.leads import AS_OF, generate


def ours(path: Path, url: str) -> dict[str, Any]:
    """Runs the pipeline."""
    import msgspec

    from penstock.pipelines.leads import crm, pipeline
    from penstock.testing.sandbox import Sandbox

    os.environ["PENSTOCK_WAREHOUSE_LEADS"] = url
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, Sandbox(pipeline, Path(folder)) as sandbox:
        if url:
            sandbox.home.warehouses.schema.upgrade(crm)
        execution = sandbox.arrive(path)
        if execution.output is None:
            raise SystemExit(f"{execution.error}: {execution.cause}")
        (run,) = msgspec.json.decode(execution.output)["runs"]
    return {"leads": run["stored"], "rejects": run["rejected"], "best": run["grades"]["A"]}


def pandas(path: Path, url: str) -> dict[str, Any]:
    """Runs the script."""
    from bench.peers.leads_stored_pandas import run

    begin, stages = time.perf_counter(), {}

    def told(stage: str) -> None:
        stages[stage] = round(time.perf_counter() - begin, 2)

    database = url.replace("postgresql://", "postgresql+psycopg://") or f"sqlite:///{path.parent / 'pandas.db'}"
    return {**run(path, AS_OF, database, told), **stages}


def measure(kind: str, path: Path, url: str) -> dict[str, Any]:
    """Runs one of the two here; returns its figures."""
    begin = time.perf_counter()
    counts = {"ours": ours, "pandas": pandas}[kind](path, url)
    seconds, used = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    return {
        "kind": kind, **counts, "seconds": round(seconds, 2), "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "memory_mb": used.ru_maxrss // 1024,
    }  # fmt: skip


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=("ours", "pandas"))
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if asked.file is not None:
        print(json.dumps(measure(asked.only, asked.file, asked.url)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        generate(path, asked.rows, "csv")
        for _ in range(asked.rounds):
            for kind in (asked.only,) if asked.only else ("ours", "pandas"):
                command = [sys.executable, "-m", "bench.leads_stored", "--only", kind, "--file", str(path)]
                done = subprocess.run(
                    [*command, "--url", asked.url], check=True, stdout=subprocess.PIPE, text=True,
                    cwd=Path(__file__).parent.parent,
                )  # fmt: skip
                found = json.loads(done.stdout.splitlines()[-1])
                found["records_a_second"] = round(asked.rows / found["seconds"])
                found["records_a_cpu_second"] = round(asked.rows / found["cpu_seconds"])
                print(json.dumps(found))


if __name__ == "__main__":
    main()
