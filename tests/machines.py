"""Machines under a virtual clock, with workflows given as documents: for tests of what waits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock import Pipeline
from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.model.access import Grant, Kind
from penstock.ports.journal import Execution
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

BEGAN = 1_771_574_220.0  # 2026-02-20T07:57:00Z
LAMBDA = "arn:aws:states:::lambda:invoke"
START = "arn:aws:states:::states:startExecution"
Document = dict[str, Any]


def one(state: Document, name: str = "S", **fields: Any) -> Document:
    """Returns the document of a single state."""
    return {"StartAt": name, "States": {name: {**state, "End": True}}, **fields}


def wait(seconds: float) -> Document:
    return {"Type": "Wait", "Seconds": seconds}


def call(suffix: str = "", **fields: Any) -> Document:
    """Returns a state that calls the scene's task with the token."""
    payload = {"token.$": "$$.Task.Token"} if suffix else {"input.$": "$"}
    return {
        "Type": "Task", "Resource": LAMBDA + suffix,
        "Parameters": {"FunctionName": "p-work", "Payload": payload}, **fields,
    }  # fmt: skip


TOKEN = call(".waitForTaskToken")


class Scene:
    """Pipeline ``p`` with a task ``work`` and some workflows, in a home whose machine can be closed and started again.

    Attributes:
        events: what the task was called with.
        work: what the task does; it returns its event unless a test says otherwise.
    """

    def __init__(
        self, folder: Path, documents: Mapping[str, Document], *, may: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.folder = folder
        self.clock = VirtualClock(BEGAN)
        self.events: list[Any] = []
        self.work: Callable[[Any], Any] = lambda event: event
        self._seed = 0
        self.define(documents, may=may)
        self.machine = self.another()

    def define(self, documents: Mapping[str, Document], *, may: Mapping[str, Sequence[str]] | None = None) -> None:
        """Makes the pipeline anew, for machines that are started from now on."""
        pipeline = Pipeline("p")

        @pipeline.task
        def work(event: Any, context: Any) -> Any:
            self.events.append(event)
            return self.work(event)

        for name, document in documents.items():
            path = self.folder / f"{name}.asl.json"
            path.write_text(json.dumps(document))
            grants = [Grant(Kind.WORKFLOW, child, "start") for child in (may or {}).get(name, ())]
            pipeline.workflow(name, path, may=grants)
        self._definitions = {"p": pipeline.build()}

    def another(self) -> Machine:
        """Starts one more machine over the same home."""
        self._seed += 1
        home = Home(self.folder / "home", clock=self.clock, entropy=SeededEntropy(self._seed))
        caller = TaskCaller(self._definitions, lambda: home.ports("scene"))
        return Machine(home, self._definitions, make_invoker=lambda _: InlineInvoker(caller))

    def restart(self) -> None:
        """Closes the machine and starts another."""
        self.machine.close()
        self.machine = self.another()

    @property
    def journal(self) -> Any:
        return self.machine.home.journal

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.clock.now() - BEGAN

    def start(self, workflow: str, value: Any = None) -> str:
        """Starts an execution and lets everything happen that can without time passing; returns its id."""
        execution = self.machine.start("p", {} if value is None else value, workflow)
        self.settle()
        return execution.id

    def settle(self) -> None:
        """Takes turns until nothing is to be done before time passes."""
        for _ in range(200):
            self.machine.step("")
            due_at = self.machine.next_due_at()
            if not self.machine._worker.calling and (due_at is None or due_at > self.clock.now()):
                return
        raise AssertionError("it does not settle")

    def advance(self, seconds: float) -> None:
        """Lets time pass, and everything happen that is due then."""
        self.clock.advance(seconds)
        self.settle()

    def run(self, workflow: str, value: Any = None) -> Execution:
        """Runs an execution to its end, or to where only mail can go on."""
        return self.finish(self.start(workflow, value))

    def finish(self, execution: str) -> Execution:
        """Jumps from timer to timer until an execution is over, or only mail can go on."""
        self.settle()
        while not self.get(execution).status.is_final:
            due_at = self.machine.next_due_at()
            if due_at is None or due_at == math.inf:
                break
            self.advance(max(0.0, due_at - self.clock.now()))
        return self.get(execution)

    def get(self, execution: str) -> Execution:
        found = self.journal.get(execution)
        assert isinstance(found, Execution)
        return found

    def journaled(self, execution: str) -> list[dict[str, Any]]:
        """Returns the events of an execution."""
        return [json.loads(recorded.event) for recorded in self.journal.events(execution)]
