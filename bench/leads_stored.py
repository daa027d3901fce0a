"""Leads: a file cleaned, deduplicated, scored and stored, against a pandas + ``to_sql`` script, in one run.

    python -m bench.leads_stored [--rows 100000 …] [--server sqlite|postgresql] [--url postgresql://…] [--rounds 1]
                                 [--only ours|pandas]

Both work on the same generated file, each in a process of its own, into the same kind of database: a private PostgreSQL
that does not wait for the disk, SQLite, or whatever the URL names. Ours is the pipeline as it runs: the file arrives in
an inbox, the workflow is journaled. Printed are seconds, seconds of the processor (of the client, and of the private
server), records a second and the highest memory of the client; what each stored stands beside, to show that it was the
same work.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.leads import AS_OF, generate

KINDS = ("ours", "pandas")
GRADES = "ABCD"


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
    return {"leads": run["stored"], "rejects": run["rejected"], **run["grades"]}


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


class Place:
    """Where both store: a database of its own for each run.

    Args:
        server: a private server, or None: then it is a file of SQLite, or what the URL names.
    """

    def __init__(self, server: Any = None, url: str = "") -> None:
        self._server, self._url = server, url

    def database(self) -> str:
        """Returns the URL of a database, which is a new one where the server is ours."""
        return self._url if self._server is None else self._server.url(self._server.new_database())

    def cpu_seconds(self) -> float:
        """Returns what processes of the server that have ended have used of the processor; 0 where none is ours."""
        if self._server is None:
            return 0.0
        # Those of the children that were waited for: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
        fields = Path(f"/proc/{self._server.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def place(server: str, url: str = "") -> Iterator[Place]:
    """Returns where to store; a private server runs meanwhile."""
    if url or server == "sqlite":
        yield Place(url=url)
        return
    from tests.database_servers import PostgresqlServer, running

    with running(PostgresqlServer, "initdb") as private:
        yield Place(private)


def in_process(kind: str, path: Path, where: Place, rows: int) -> dict[str, Any]:
    """Runs one of the two in a process of its own; returns its figures."""
    before = where.cpu_seconds()
    command = [sys.executable, "-m", "bench.leads_stored", "--only", kind, "--file", str(path)]
    done = subprocess.run(
        [*command, "--url", where.database()], check=True, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    (path.parent / "pandas.db").unlink(missing_ok=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    # A process of the server counts once it has ended, which is a moment after its client.
    time.sleep(0.5)
    server = round(where.cpu_seconds() - before, 2)
    whole = found["cpu_seconds"] + server
    return {
        **found, "server_cpu_seconds": server, "records_a_second": round(rows / found["seconds"]),
        "records_a_cpu_second": round(rows / whole),
    }  # fmt: skip


def compare(sizes: list[int], server: str = "postgresql", rounds: int = 1) -> dict[str, Any]:
    """Runs both for files of some sizes; returns the medians of their figures, and how many times faster ours is."""
    found: dict[str, Any] = {"server": server}
    with tempfile.TemporaryDirectory() as folder, place(server) as where:
        for rows in sizes:
            path = Path(folder) / f"leads-{rows}.csv"
            generate(path, rows, "csv")
            runs = [{kind: in_process(kind, path, where, rows) for kind in KINDS} for _ in range(rounds)]
            kept = ("records_a_second", "records_a_cpu_second", "memory_mb")
            rates = {
                kind: {name: statistics.median(run[kind][name] for run in runs) for name in kept} for kind in KINDS
            }
            stored = {kind: {name: runs[0][kind][name] for name in ("leads", "rejects", *GRADES)} for kind in KINDS}
            found[str(rows)] = {
                **rates,
                "times_faster": rates["ours"]["records_a_second"] / rates["pandas"]["records_a_second"],
                "times_less_cpu": rates["ours"]["records_a_cpu_second"] / rates["pandas"]["records_a_cpu_second"],
                "stored": stored,
            }
    return found


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--server", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--url", default="")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if asked.file is not None:
        print(json.dumps(measure(asked.only, asked.file, asked.url)))
        return
    with tempfile.TemporaryDirectory() as folder, place(asked.server, asked.url) as where:
        for rows in asked.rows:
            path = Path(folder) / f"leads-{rows}.csv"
            generate(path, rows, "csv")
            for _ in range(asked.rounds):
                for kind in (asked.only,) if asked.only else KINDS:
                    print(json.dumps({"rows": rows, **in_process(kind, path, where, rows)}), flush=True)


if __name__ == "__main__":
    main()
