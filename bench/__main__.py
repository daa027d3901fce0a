"""``python -m bench [NAME …] [--json] [--quick]``: measures what is named, or everything; the names are below.

Peers run in an environment of their own: PENSTOCK_BENCH_PYTHON, or ``.venv-bench``, which is made when it is absent.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from bench import peer_environment

FOLDER = Path(__file__).parent
PEERS = {"dbos_sqlite": 200, "moto_stepfunctions": 60, "prefect_local": 8}
PEER_SECONDS = 90


def peer(name: str, count: int) -> dict[str, Any]:
    """Runs a peer once; what goes wrong is said, never guessed."""
    command = [peer_environment.PEERS.python(), str(FOLDER / "peers" / f"{name}.py"), str(count)]
    # Files, not pipes: a peer may leave a server behind that would keep a pipe open.
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=printed, stderr=errors, start_new_session=True)
        try:
            code = process.wait(PEER_SECONDS)
        except subprocess.TimeoutExpired:
            return {"failed": f"no answer in {PEER_SECONDS} s"}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        lines, complaints = _lines(printed), _lines(errors)
    if code or not lines:
        return {"failed": (complaints or ["no output"])[-1][:200]}
    return dict(json.loads(lines[-1]))


def _lines(file: IO[bytes]) -> list[str]:
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip().splitlines()


def executions(quick: bool) -> dict[str, Any]:
    """Durable executions of four parallel no-op tasks, ours and each peer's in turns."""
    from bench.ours import executions_per_second

    rounds, count = (1, 500) if quick else (3, 2000)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in PEERS}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        for name, size in PEERS.items():
            ours.append(executions_per_second(count))
            if name in failed:
                continue
            answer = peer(name, size)
            if "failed" in answer:
                failed[name] = answer["failed"]
            else:
                theirs[name].append(answer["per_second"])
    own = statistics.median(ours)
    found: dict[str, Any] = {"penstock_per_second": own, "durability": "WAL, synchronous=NORMAL", "failed": failed}
    for name, rates in theirs.items():
        if rates:
            found[f"{name}_per_second"] = statistics.median(rates)
            found[f"ratio_to_{name}"] = own / statistics.median(rates)
    return found


def parallel(quick: bool) -> dict[str, Any]:
    """Four 3-second tasks at once against one after another."""
    from bench.ours import workflow_seconds

    at_once, in_turn = workflow_seconds("at-once"), workflow_seconds("in-turn")
    return {"at_once_seconds": at_once, "in_turn_seconds": in_turn, "ratio": in_turn / at_once}


def startup(quick: bool) -> dict[str, Any]:
    """The start of the command line."""
    from bench.footprint import startup_ms

    return startup_ms()


def memory(quick: bool) -> dict[str, Any]:
    """The memory of an idle machine."""
    from bench.footprint import idle_memory_mb

    return idle_memory_mb()


def hot(quick: bool) -> dict[str, Any]:
    """The hot table's latencies, in milliseconds."""
    command = [sys.executable, str(FOLDER / "hot_table.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def cold(quick: bool) -> dict[str, Any]:
    """Cold starts of a function under Lambda's rules, ours and each peer's in turns."""
    from bench.cold_start import cold_starts

    return cold_starts(peer_environment.PEERS.python(), quick=quick)


def synth(quick: bool) -> dict[str, Any]:
    """Packaging and synthesizing, ours and Chalice's in turns."""
    from bench.ship import compare

    return compare(peer_environment.PEERS.python(), quick=quick)


def rehearsal(quick: bool) -> dict[str, Any]:
    """A whole rehearsal."""
    from bench.ship import rehearse

    return rehearse()


def waiting(quick: bool) -> dict[str, Any]:
    """Executions in Wait states, from a thousand to a hundred thousand."""
    from bench.waiting import waiting as figures

    return figures(quick=quick)


def maps(quick: bool) -> dict[str, Any]:
    """Distributed Maps of a thousand to a hundred thousand items, a thousand at once."""
    from bench.maps import measure

    return measure([1_000, 10_000] if quick else [1_000, 10_000, 100_000], 1_000, "pass")


def seal(quick: bool) -> dict[str, Any]:
    """Sealing, ours, bare DuckDB's and each peer's in turns."""
    from bench.seal import seal as figures

    return figures(quick)


def query(quick: bool) -> dict[str, Any]:
    """The seeds' queries by days and by hours, on bare Parquet files and on raw JSON, in turns."""
    from bench.query import measure

    if quick:
        return measure([100_000], days=5, rounds=3)
    return measure([1_000_000, 10_000_000])


def simulation(quick: bool) -> dict[str, Any]:
    """A month of one instance and of a thousand, under a virtual clock."""
    from bench.simulation import month

    return month(quick=quick)


def orders(quick: bool) -> dict[str, Any]:
    """The orders pipeline's ETL, boto3's idiom for it and PySpark in turns, from ten thousand to a million."""
    from bench.orders import compare

    counts = [10_000] if quick else [10_000, 100_000, 1_000_000]
    return {f"{count:,}": {one["engine"]: one for one in compare(count)} for count in counts}


def leads(quick: bool) -> dict[str, Any]:
    """The leads pipeline whole and a pandas script for the same work, into PostgreSQL, to a million."""
    from bench.leads_stored import compare

    return compare([10_000] if quick else [10_000, 100_000, 1_000_000])


MEASURES: dict[str, Callable[[bool], dict[str, Any]]] = {
    "executions": executions,
    "parallel": parallel,
    "startup": startup,
    "memory": memory,
    "hot": hot,
    "cold": cold,
    "synth": synth,
    "rehearsal": rehearsal,
    "waiting": waiting,
    "maps": maps,
    "seal": seal,
    "query": query,
    "simulation": simulation,
    "orders": orders,
    "leads": leads,
}


def main(arguments: list[str]) -> None:
    """Measures what was asked for, or everything."""
    names = [name for name in arguments if name in MEASURES] or list(MEASURES)
    found: dict[str, Any] = {"machine": {"cores": os.cpu_count(), "python": platform.python_version()}}
    for name in names:
        found[name] = MEASURES[name]("--quick" in arguments)
        if "--json" not in arguments:
            print(f"{name}\n{json.dumps(found[name], indent=2)}", flush=True)
    if "--json" in arguments:
        print(json.dumps(found, indent=2))


main(sys.argv[1:])
