"""An execution in the memory of the process that drives it, and what can happen to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock import states
from penstock.ports.invoke import Report
from penstock.ports.journal import Execution, Mail, Recorded
from penstock.runtime.machine.children import arrived
from penstock.runtime.replay import begin, decode_event, replay


@dataclass(eq=False)
class Driven:
    """An execution with its state.

    Attributes:
        sequence: the number of its next event.
        invocations: tasks that are being called; ``submitted`` those whose ends come by mail.
        timers: tokens of its timers.
        is_parked: it is to leave memory.
    """

    execution: Execution
    machine: states.Machine
    state: Any = None
    sequence: int = 0
    invocations: dict[str, states.InvokeTask] = field(default_factory=dict)
    submitted: dict[str, states.InvokeTask] = field(default_factory=dict)
    timers: set[str] = field(default_factory=set)
    is_parked: bool = False

    def begin(self) -> Sequence[states.Command]:
        """Starts it; returns what it asks for."""
        step = begin(self.execution, self.machine)
        self.state = step.state
        return step.commands

    def resume(self, recorded: Sequence[Recorded]) -> Sequence[states.Command]:
        """Brings it to where its events lead; returns what is outstanding."""
        replayed = replay(self.execution, self.machine, recorded)
        self.sequence = len(recorded)
        self.state, self.submitted = replayed.state, replayed.submitted
        return replayed.commands

    def step(self, event: states.Event) -> Sequence[states.Command]:
        """Feeds an event; returns what it asks for."""
        step = states.step(self.machine, self.state, event)
        self.state = step.state
        self.sequence += 1
        if isinstance(event, states.TaskSubmitted):
            command = self.invocations.pop(event.token, None)
            if command is not None:
                self.submitted[event.token] = command
        elif isinstance(event, states.TaskSucceeded | states.TaskFailed):
            self.forget(event.token)
        return step.commands

    def forget(self, token: str) -> None:
        """Lets a task go that nobody waits for any more."""
        self.invocations.pop(token, None)
        self.submitted.pop(token, None)

    def read(self, mail: Mail, now: float) -> Any:
        """Returns the event of a piece of mail; None if nothing waits for it any more."""
        try:
            event = decode_event(mail.event)
        except (msgspec.DecodeError, RecursionError):
            # Whoever posted it may have been of another version; what cannot be read must not stop the rest.
            return None
        if not isinstance(event, states.Stopped):
            entry = self.state.outstanding.get(getattr(event, "token", ""))
            if entry is None:
                return None
            if isinstance(entry.command, states.InvokeTask):
                if isinstance(event, states.TaskHeartbeat) and entry.command.heartbeat_seconds is None:
                    return None
                event = arrived(entry.command, event)
        # Time never goes back within an execution, whenever it was posted.
        return msgspec.structs.replace(event, at=now)


@dataclass
class Happening:
    """What happened to an execution: an event, a piece of mail, or a child to start, whose event follows."""

    driven: Driven
    event: Any = None
    report: Report | None = None
    mail: Mail | None = None
    child: states.InvokeTask | None = None

    def recorded(self, event: states.Event) -> tuple[str, Recorded]:
        """Returns what the journal is to keep, before the event is fed."""
        report = None if self.report is None else msgspec.json.encode(self.report)
        return self.driven.execution.id, Recorded(self.driven.sequence, msgspec.json.encode(event), report)


def distinct(happenings: Iterable[Happening]) -> list[Driven]:
    """Returns the executions that something happened to, each once."""
    return list({happening.driven.execution.id: happening.driven for happening in happenings}.values())
