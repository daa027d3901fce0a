"""Penstock's side: a real machine, worker processes, the SQLite journal in a folder of its own."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.noop import pipeline
from penstock.ports.journal import Filter, Status
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

IN_FLIGHT = 200


def executions_per_second(count: int) -> float:
    """Returns durable executions of four no-op tasks a second; all of them are found SUCCEEDED in the journal."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Home(Path(folder) / "home"), {"bench": pipeline.build()})
        try:
            began = time.perf_counter()
            started = 0
            while started < count or machine.active:
                while started < count and machine.active < IN_FLIGHT:
                    machine.start("bench", {}, "four")
                    started += 1
                machine.step("")
            elapsed = time.perf_counter() - began
            done = machine.home.journal.find(Filter(statuses=(Status.SUCCEEDED,), limit=count + 1))
            if len(done) != count:
                raise AssertionError(f"{len(done)} of {count} executions succeeded")
        finally:
            machine.close()
    return count / elapsed


def workflow_seconds(workflow: str) -> float:
    """Returns how long one execution of a workflow takes, from its journaled start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Home(Path(folder) / "home"), {"bench": pipeline.build()})
        try:
            execution = machine.start("bench", {}, workflow)
            machine.run(execution.id)
            ended = machine.home.journal.get(execution.id)
        finally:
            machine.close()
    if ended.status is not Status.SUCCEEDED:
        raise AssertionError(f"{workflow}: {ended.error}")
    return (ended.stopped_at or 0.0) - (ended.started_at or 0.0)
