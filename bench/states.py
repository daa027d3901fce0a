"""The state machine alone: a Parallel of four no-op tasks, from its start to its end, with nothing around it.

    python bench/states.py [--samples 5000] [--json]

Reports microseconds for one execution (a start and four events), without and with history, and for parsing it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

from penstock.states import ExecutionContext, Finish, InvokeTask, TaskSucceeded, parse, start, step

CONTEXT = ExecutionContext("execution-1", "execution-1", 1_771_574_220.0, "machine", "machine")
BRANCHES = [
    {"StartAt": name, "States": {name: {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}}}
    for name in ("CPU", "Memory", "Disk", "Network")
]
DOCUMENT = json.dumps(
    {"StartAt": "Collect", "States": {"Collect": {"Type": "Parallel", "Branches": BRANCHES, "End": True}}}
)
MACHINE = parse(DOCUMENT)


def execute(*, history: bool) -> None:
    """Runs one execution to its end."""
    current = start(MACHINE, {}, CONTEXT, at=0.0, seed="execution-1", history=history)
    for command in current.commands:
        assert isinstance(command, InvokeTask)
        event = TaskSucceeded(token=command.token, output={"StatusCode": 200}, at=1.0)
        current = step(MACHINE, current.state, event, history=history)
    assert isinstance(current.commands[-1], Finish)


def parse_document() -> None:
    """Checks and compiles the document."""
    assert parse(DOCUMENT).states


def microseconds(work: Callable[[], None], samples: int) -> dict[str, float]:
    """Returns the median and the 99th percentile of some work's time."""
    for _ in range(100):
        work()
    times = []
    for _ in range(samples):
        before = time.perf_counter()
        work()
        times.append((time.perf_counter() - before) * 1e6)
    return {"p50": round(statistics.median(times), 1), "p99": round(sorted(times)[int(len(times) * 0.99)], 1)}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {
        "execution": microseconds(lambda: execute(history=False), options.samples),
        "execution_with_history": microseconds(lambda: execute(history=True), options.samples),
        "parse": microseconds(parse_document, options.samples // 10),
    }
    if options.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:24} p50 {figure['p50']:8.1f} µs   p99 {figure['p99']:8.1f} µs")


if __name__ == "__main__":
    main()
