"""Tasks of a simulation in several processes, with the same outcome as in one.

Calls that end at one moment are made at once. What has to be written in an order is written by the simulation itself,
in the order of the calls: metrics and messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.processes import ForkedProcesses
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.model.topics import Topic
from penstock.ports.invoke import Call, Reply
from penstock.ports.metrics import check_datapoints
from penstock.ports.notify import Message
from penstock.runtime.context import Ports
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.simulation.home import SimulatedHome
from penstock.runtime.simulation.plan import Plan


class Asked(msgspec.Struct, frozen=True):
    """What a process is to do, and what time it is."""

    now: float
    skew_seconds: float
    writer: str
    calls: tuple[Call, ...]


class Done(msgspec.Struct, frozen=True):
    """What became of a call.

    Attributes:
        published: batches of datapoints with their tokens; ``told`` messages with their topics.
    """

    reply: Reply
    published: tuple[tuple[list[Datapoint], str | None], ...] = ()
    told: tuple[tuple[Topic, Message], ...] = ()


class Workers:
    """Processes that call tasks. Construct it while this process has one thread: it forks."""

    def __init__(self, definition: Definition, folder: Path, plan: Plan) -> None:
        self._processes = ForkedProcesses(plan.workers, lambda: _Worker(definition, folder, plan).opened())

    def perform_all(self, home: SimulatedHome, calls: Sequence[Call]) -> list[Reply]:
        """Calls tasks at once; returns the replies in the order of the calls."""
        if not calls:
            return []
        count = min(len(calls), len(self._processes))
        shares = [tuple(calls[number::count]) for number in range(count)]
        clock = home.clock
        answers = self._processes.ask(
            [Asked(clock.true_now, clock.skew_seconds, home.writer, share) for share in shares]
        )
        done: dict[str, Done] = {}
        for share, answer in zip(shares, answers, strict=True):
            done.update(zip((call.token for call in share), answer, strict=True))
        for call in calls:
            for points, token in done[call.token].published:
                home.metrics.publish(points, token=token)
            for topic, message in done[call.token].told:
                home.topics.publish(topic, message)
        return [done[call.token].reply for call in calls]

    def close(self) -> None:
        """Ends the processes."""
        self._processes.close()


class _Worker:
    """What is in one process."""

    def __init__(self, definition: Definition, folder: Path, plan: Plan) -> None:
        self._clock = VirtualClock(plan.begin)
        self._home = SimulatedHome(folder, plan, clock=self._clock, entropy=SeededEntropy(plan.seed))
        self._notes = _Notes(self._clock)
        self._home.metrics = self._notes  # type: ignore[assignment]
        self._home.topics = _Topics(self._notes)  # type: ignore[assignment]
        self._caller = TaskCaller({definition.name: definition}, self._ports)

    def opened(self) -> tuple[Any, Any]:
        return self._answer, self._close

    def _ports(self) -> Ports:
        return self._home.ports(self._home.writer)

    def _answer(self, asked: Asked) -> list[Done]:
        self._clock.advance_to(asked.now)
        self._clock.skew_seconds = asked.skew_seconds
        self._home.writer = asked.writer
        return [self._perform(call) for call in asked.calls]

    def _perform(self, call: Call) -> Done:
        self._home.begin_call(call)
        reply = self._caller(call)
        return Done(reply, *self._notes.take())

    def _close(self) -> None:
        self._home.metrics.close()
        self._home.close()


class _Notes:
    """Metrics as tasks publish them, and messages: noted, to be written by somebody else."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._published: list[tuple[list[Datapoint], str | None]] = []
        self.told: list[tuple[Topic, Message]] = []

    def publish(self, data: Sequence[Datapoint], *, token: str | None = None) -> bool:
        check_datapoints(data, self._clock.now())
        self._published.append((list(data), token))
        return True

    def take(self) -> tuple[Any, Any]:
        """Returns what was noted, and forgets it."""
        taken = tuple(self._published), tuple(self.told)
        self._published, self.told = [], []
        return taken

    def close(self) -> None:
        """Nothing is open."""


class _Topics:
    def __init__(self, notes: _Notes) -> None:
        self._notes = notes

    def publish(self, topic: Topic, message: Message) -> None:
        msgspec.json.encode(message)
        self._notes.told.append((topic, message))
