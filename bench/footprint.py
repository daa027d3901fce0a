"""What Penstock weighs: the start of its command line, and the memory of ``penstock up`` when idle."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

import psutil

ROUNDS = 15


def startup_ms() -> dict[str, float]:
    """Returns the medians of ``python -c pass`` and ``penstock --help``, taken in turns, in milliseconds."""
    commands = {"python": [sys.executable, "-c", "pass"], "help": [sys.executable, "-m", "penstock", "--help"]}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken[name].append((time.perf_counter() - began) * 1000)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    return {**medians, "difference": medians["help"] - medians["python"]}


def idle_memory_mb() -> dict[str, float]:
    """Returns the memory of an idle ``penstock up`` with the metrics pipeline, its children included."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "penstock", "--home", home, "up", "metrics"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            time.sleep(5)
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            pss = sum(one.memory_full_info().pss for one in family) / 1e6
            rss = max(one.memory_info().rss for one in family) / 1e6
            process.terminate()
    return {"pss_mb": pss, "largest_rss_mb": rss, "processes": float(len(family))}
