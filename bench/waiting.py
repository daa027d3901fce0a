"""Executions that wait: what so many of them in Wait states cost, and how long they take to start and to go on.

    python bench/waiting.py [COUNT] [--json]

One process with a real journal and a virtual clock: all are started, the clock jumps to the moment that all of them
wait for, and all of them must succeed. Memory and threads are measured while they wait. On a real clock the last of
them would go on as late as it takes to fire all. Growth is told of processor time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = Path(__file__)
SIZES = (1_000, 10_000, 100_000)
WAIT_SECONDS = 7 * 86_400


class Stage:
    """A machine in a temporary folder, with one workflow that waits."""

    def __init__(self, folder: Path) -> None:
        from penstock import Pipeline
        from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
        from penstock.adapters.virtual.invoke import InlineInvoker
        from penstock.runtime.invoke import TaskCaller
        from penstock.runtime.machine.app import Machine
        from penstock.runtime.machine.home import Home

        document = folder / "waiting.asl.json"
        states = {"Wait": {"Type": "Wait", "Seconds": WAIT_SECONDS, "End": True}}
        document.write_text(json.dumps({"StartAt": "Wait", "States": states}))
        pipeline = Pipeline("waiting")
        pipeline.workflow("waiting", document)
        self.clock = VirtualClock(1_771_574_220.0)
        self.home = Home(folder / "home", clock=self.clock, entropy=SeededEntropy(0))
        definitions = {"waiting": pipeline.build()}
        caller = TaskCaller(definitions, lambda: self.home.ports("bench"))
        self.machine = Machine(self.home, definitions, make_invoker=lambda _: InlineInvoker(caller))

    def start(self, count: int) -> None:
        """Starts executions."""
        for number in range(count):
            self.machine.start("waiting", {"number": number})

    def turn(self) -> None:
        """Takes a turn with nothing to do."""
        self.machine.step("")

    def fire(self) -> None:
        """Lets all of them go on."""
        while self.machine.active or self.home.journal.next_wake_at(("waiting",)) is not None:
            self.machine.step("")

    def count(self, condition: str) -> int:
        """Returns how many executions there are of some kind."""
        return int(self.home.database.rows(f"SELECT count(*) FROM executions WHERE {condition}")[0][0])


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Returns how long some work took, in seconds, and how much of that this process worked."""
    began, cpu_began = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - cpu_began


def measure(count: int) -> dict[str, float]:
    """Returns the figures of one count."""
    import psutil

    memory = psutil.Process().memory_info
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        stage.machine.step("")
        before = memory().rss
        start, start_cpu = timed(lambda: stage.start(count))
        waiting_mb, driven = (memory().rss - before) / 1e6, stage.machine.active
        idle, _ = timed(stage.turn)
        rows = stage.count("wake_at IS NOT NULL")
        stage.clock.advance(WAIT_SECONDS)
        fire, fire_cpu = timed(stage.fire)
        done = stage.count("status='SUCCEEDED'")
        journal_mb = stage.home.database.path.stat().st_size / 1e6
        peak_mb, threads = (memory().rss - before) / 1e6, threading.active_count()
        stage.machine.close()
    if (done, rows, driven) != (count, count, 0):
        raise AssertionError(f"{done} of {count} succeeded, {rows} were parked, {driven} were in memory")
    return {
        "rows": rows,
        "in_memory": driven,
        "threads": threads,
        "waiting_memory_mb": round(waiting_mb, 1),
        "peak_memory_mb": round(peak_mb, 1),
        "journal_mb": round(journal_mb, 1),
        "start_seconds": round(start, 2),
        "start_cpu_us_each": round(start_cpu / count * 1e6),
        "idle_turn_ms": round(idle * 1000, 1),
        "fire_seconds": round(fire, 2),
        "fire_cpu_us_each": round(fire_cpu / count * 1e6),
    }


def waiting(*, quick: bool) -> dict[str, Any]:
    """Returns the figures of each count, and the growth of the time of each from the smallest to the largest."""
    found: dict[str, Any] = {}
    sizes = SIZES[:2] if quick else SIZES
    for count in sizes:
        # A process of its own: memory that an earlier count left would count.
        command = [sys.executable, str(FILE), str(count), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FILE.parent.parent)
        found[f"{count}"] = json.loads(done.stdout)
    first, last = found[f"{sizes[0]}"], found[f"{sizes[-1]}"]
    for name in ("start_cpu_us_each", "fire_cpu_us_each"):
        found[f"growth_of_{name}"] = round(last[name] / first[name], 2)
    return found


if __name__ == "__main__":
    figures = measure(int(next((argument for argument in sys.argv[1:] if argument.isdigit()), "1000")))
    print(json.dumps(figures) if "--json" in sys.argv else json.dumps(figures, indent=2))
