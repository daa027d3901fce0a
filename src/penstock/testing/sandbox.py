"""A pipeline in a temporary home, for tests."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import InlineInvoker
from penstock.define.pipeline import Pipeline
from penstock.lake.compression import compression_of, decompressed
from penstock.model.datasets import HotTable, LakeTable
from penstock.model.metrics import Metric
from penstock.ports.journal import Execution
from penstock.ports.notify import Message
from penstock.runtime import tokens
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home
from penstock.runtime.tokens import WaitingTask

DEFAULT_NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z


class Sandbox:
    """Runs a pipeline with real adapters in a folder of its own.

    Tasks are called in this process, so that breakpoints and coverage work. The clock stands still until
    ``advance`` moves it.

    Args:
        pipeline: as its file defines it.
        folder: an empty folder, such as pytest's ``tmp_path``.
        now: the time at the beginning, in seconds since the epoch.
    """

    def __init__(self, pipeline: Pipeline, folder: Path, *, now: float = DEFAULT_NOW) -> None:
        self.definition = pipeline.build()
        self.clock = VirtualClock(now)
        self.home = Home(folder / "home", clock=self.clock, entropy=SeededEntropy(0))
        definitions = {self.definition.name: self.definition}
        caller = TaskCaller(definitions, lambda: self.home.ports("sandbox"))
        self._machine = Machine(self.home, definitions, make_invoker=lambda _: InlineInvoker(caller))

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, value: Any = None, *, workflow: str | None = None) -> Execution:
        """Runs a workflow and all that follows from it; returns the finished execution.

        Waits, such as those of retries, pass at once: the clock jumps over them. An execution that waits for a token is
        returned as it is: ``waiting`` tells the token, and ``answer`` goes on.
        """
        value = {} if value is None else value
        return self._drive(self._machine.start(self.definition.name, value, workflow).id)

    def arrive(self, file: Path, *, workflow: str | None = None) -> Execution:
        """Puts a file into the pipeline's inbox; runs what it starts, as ``run`` does.

        Raises:
            UsageError: no inbox, or more than one, could be meant; or the file cannot be read.
        """
        return self._drive(self._machine.start_with(self.definition.name, file, workflow).id)

    def waiting(self) -> list[WaitingTask]:
        """Returns the tasks that wait for a token."""
        return list(tokens.waiting_tasks(self.home.journal))

    def answer(self, token: str, output: Any = None, *, error: str = "", cause: str = "") -> Execution:
        """Answers a task that waits for a token, by an output or by an error; goes on as ``run`` does.

        Raises:
            UsageError: it is no token.
            NotFoundError: the task has timed out, or was answered.
        """
        if error:
            task = tokens.fail(self.home.journal, token, self.clock.now(), error=error, cause=cause)
        else:
            task = tokens.succeed(self.home.journal, token, msgspec.json.encode(output), self.clock.now())
        return self._drive(task.execution)

    def _drive(self, execution: str) -> Execution:
        root = self.home.journal.get(execution).root
        while not self._machine.step(root):
            due_at = self._machine.next_due_at()
            if due_at is not None and due_at > self.clock.now():
                self.clock.advance(due_at - self.clock.now())
            elif due_at is None and self._machine.is_idle():
                break
        return self.home.journal.get(execution)

    def advance(self, seconds: float) -> None:
        """Moves the time and looks at the alarms."""
        self.clock.advance(seconds)
        self._machine.look_at_alarms()

    def records(self, table: LakeTable) -> list[dict[str, Any]]:
        """Returns a lake table's raw records, in the order of their objects."""
        found: list[dict[str, Any]] = []
        for info in self.home.objects.list(f"raw/{table.name}/"):
            data = self.home.objects.get(info.key)
            plain = b"".join(decompressed([data], compression_of(data)))
            found += [msgspec.json.decode(line) for line in plain.splitlines() if line]
        return found

    def quarantined(self, table: LakeTable) -> list[dict[str, Any]]:
        """Returns what did not fit into a lake table, with reasons."""
        found: list[dict[str, Any]] = []
        for info in self.home.objects.list(f"quarantine/{table.name}/"):
            found += [msgspec.json.decode(line) for line in self.home.objects.get(info.key).splitlines() if line]
        return found

    def items(self, table: HotTable) -> list[dict[str, Any]]:
        """Returns a hot table's items."""
        return [dict(item) for item in self.home.hot.scan(table).items]

    def values(self, metric: Metric) -> list[float]:
        """Returns a metric's published values, oldest first."""
        return [value for _, value, _ in self.home.metrics.values(metric, 0.0, self.clock.now() + 86_400)]

    def alarms(self) -> dict[str, str]:
        """Returns the state of each alarm that was looked at."""
        return self._machine.alarm_states(self.definition.name)

    def messages(self) -> list[Message]:
        """Returns the notifications, oldest first; nothing is sent from a sandbox."""
        rows = reversed(self.home.outbox.rows(limit=10_000))
        return list({delivery.message.id: delivery.message for delivery in rows}.values())

    def close(self) -> None:
        """Stops the machine; the folder stays as it is."""
        self._machine.close()
