"""Runs the orders pipeline in a home until it is killed: ``orders_crash.py HOME``; again, it finishes what is left."""

import sys
from pathlib import Path

from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.pipelines.orders import pipeline
from penstock.ports.journal import Filter
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

NOW = 1_771_574_220.0
RUN = {"orders": {"count": 60, "seed": 7, "batch": 25}}


def main(path: str) -> None:
    """Begins where nothing has begun, and goes on to the end."""
    clock = VirtualClock(NOW)
    home = Home(Path(path), clock=clock, entropy=SeededEntropy(0))
    is_new = not home.journal.find(Filter(limit=1))
    starts = _starts_before(home.path)
    if not is_new:
        # What a restart finds has its name already, and its owner: new executions, and this process, get other names.
        home.entropy = SeededEntropy(starts)
    definitions = {"orders": pipeline.build()}
    caller = TaskCaller(definitions, lambda: home.ports("crash"))
    machine = Machine(home, definitions, make_invoker=lambda _: InlineInvoker(caller))
    if is_new:
        machine.start("orders", RUN)
    finish(machine, home, clock)
    machine.start("orders", {}, "orders-totals")
    finish(machine, home, clock)
    machine.close()


def _starts_before(home: Path) -> int:
    counted = home.with_suffix(".starts")
    found = counted.read_bytes() if counted.exists() else b""
    counted.write_bytes(found + b"|")
    return len(found)


def finish(machine: Machine, home: Home, clock: VirtualClock) -> None:
    """Goes on until there is nothing left to do."""
    machine.unfinished()
    while home.journal.unfinished(pipeline="orders") or not machine.is_idle():
        machine.step("")
        due_at = machine.next_due_at()
        if due_at is not None and due_at > clock.now():
            clock.advance(due_at - clock.now())


main(*sys.argv[1:])
