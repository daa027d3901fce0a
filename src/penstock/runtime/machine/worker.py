"""The workflow worker: feeds what happened to the state machine, journals it, then does what the machine asks.

Only events are journaled, each in the transaction before the effects that follow from it. A process that starts again
replays an execution's events and so knows what is outstanding; a task whose end was not journaled runs again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from penstock import states
from penstock.faultpoints import fault_point
from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.invoke import Answer, Invoker, Report
from penstock.ports.journal import Execution, Journal, Outcome, Recorded, Status
from penstock.ports.metrics import MetricStore
from penstock.runtime.calls import CallBuilder, Refusal, task_event
from penstock.runtime.replay import begin, replay
from penstock.runtime.signals import TaskSignals

Observer = Callable[[Execution, Any], None]
ACTIVE_LIMIT = 500


@dataclass(eq=False)
class _Active:
    execution: Execution
    machine: Any
    state: Any = None
    sequence: int = 0
    invocations: dict[str, states.InvokeTask] = field(default_factory=dict)
    timers: set[str] = field(default_factory=set)


@dataclass
class _Happening:
    active: _Active
    event: Any
    report: Report | None = None


class WorkflowWorker:
    """Drives the executions that this process owns. Belongs to one thread.

    Args:
        observers: told of each change of an execution, once it is journaled.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        invoker: Invoker,
        metrics: MetricStore,
        clock: Clock,
        definitions: Mapping[str, Definition],
        owner: str,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._journal = journal
        self._invoker = invoker
        self._metrics = metrics
        self._clock = clock
        self._pipelines = tuple(definitions)
        self._owner = owner
        self._observers = observers
        self._calls = CallBuilder(definitions)
        self._signals = TaskSignals(definitions)
        self._active: dict[str, _Active] = {}
        self._by_token: dict[str, _Active] = {}
        self._timers: list[tuple[float, int, str, _Active]] = []
        self._numbers = count()
        self._machines: dict[str, Any] = {}
        self._refused: list[_Happening] = []

    @property
    def active(self) -> int:
        """How many executions are being driven."""
        return len(self._active)

    @property
    def calling(self) -> int:
        """How many calls are in flight."""
        return len(self._by_token)

    def execution_of(self, token: str) -> str | None:
        """Returns the execution that a call in flight belongs to."""
        active = self._by_token.get(token)
        return None if active is None else active.execution.id

    def next_due_at(self) -> float | None:
        """Returns when the next timer fires, in seconds since the epoch."""
        return self._timers[0][0] if self._timers else None

    def claim(self) -> int:
        """Takes over executions that nobody drives; returns how many."""
        room = ACTIVE_LIMIT - len(self._active)
        claimed = self._journal.claim(self._owner, self._pipelines, room) if room > 0 else []
        self.admit(claimed)
        return len(claimed)

    def admit(self, executions: Iterable[Execution]) -> None:
        """Starts or continues executions that this process owns."""
        fresh = [e for e in executions if e.id not in self._active]
        if not fresh:
            return
        started: list[tuple[_Active, states.Step]] = []
        with self._journal.transaction():
            for execution in fresh:
                active = _Active(execution, self._machine(execution.version))
                if execution.started_at is None:
                    execution.started_at = self._clock.now()
                    self._journal.start(execution.id, execution.started_at)
                    step = begin(execution, active.machine)
                else:
                    recorded = self._journal.events(execution.id)
                    step = replay(execution, active.machine, recorded)
                    active.sequence = len(recorded)
                    self._journal.start(execution.id, execution.started_at)
                execution.status = Status.RUNNING
                active.state = step.state
                self._record_finish(active, step.commands)
                started.append((active, step))
        for active, step in started:
            self._active[active.execution.id] = active
            self._perform(active, step.commands)

    def stop(self, execution: str, error: str, cause: str) -> bool:
        """Ends an execution that this process drives; False if it does not."""
        active = self._active.get(execution)
        if active is None:
            return False
        self._advance([_Happening(active, states.Stopped(error=error, cause=cause, at=self._clock.now()))])
        return True

    def tick(self, answers: Iterable[Answer]) -> None:
        """Feeds answers and due timers to their executions."""
        now = self._clock.now()
        happenings = [_Happening(*self._outcome(answer, now)) for answer in answers if answer.token in self._by_token]
        # Of what ended at once, successes come first: a failure may make their execution forget them.
        happenings.sort(key=lambda happening: isinstance(happening.event, states.TaskFailed))
        while self._timers and self._timers[0][0] <= now:
            _, _, token, active = heapq.heappop(self._timers)
            if token in active.timers:
                active.timers.discard(token)
                happenings.append(_Happening(active, states.TimerFired(token=token, at=now)))
        while happenings or self._refused:
            refused, self._refused = self._refused, []
            self._advance(happenings + refused)
            happenings = []

    def _outcome(self, answer: Answer, now: float) -> tuple[_Active, Any, Report]:
        active = self._by_token[answer.token]
        return active, task_event(active.invocations[answer.token], answer.reply, now), answer.report

    def _advance(self, happenings: list[_Happening]) -> None:
        self._count(happenings)
        fault_point("worker.before_journal")
        performed: list[tuple[_Active, list[Any]]] = []
        recorded: list[tuple[str, Recorded]] = []
        with self._journal.transaction():
            for happening in happenings:
                active = happening.active
                report = None if happening.report is None else msgspec.json.encode(happening.report)
                event = Recorded(active.sequence, msgspec.json.encode(happening.event), report)
                recorded.append((active.execution.id, event))
                active.sequence += 1
                step = states.step(active.machine, active.state, happening.event)
                active.state = step.state
                self._forget(active, getattr(happening.event, "token", ""))
                performed.append((active, step.commands))
            self._journal.append(recorded)
            for active, commands in performed:
                self._record_finish(active, commands)
        fault_point("worker.after_journal")
        for active, commands in performed:
            self._perform(active, commands)

    def _count(self, happenings: list[_Happening]) -> None:
        """Publishes what the tasks' ends mean for metrics; by their tokens, a repetition counts once."""
        for happening in happenings:
            active, token = happening.active, getattr(happening.event, "token", "")
            if happening.report is None or token not in active.invocations:
                continue
            points = self._signals.points(
                active.execution, active.invocations[token], happening.event, happening.report
            )
            if points:
                self._metrics.publish(points, token=f"{active.execution.id}/{token}")

    def _record_finish(self, active: _Active, commands: Sequence[Any]) -> None:
        for command in commands:
            if isinstance(command, states.Finish):
                execution = active.execution
                output = None if command.error else msgspec.json.encode(command.output)
                outcome = Outcome(
                    Status(command.status), self._clock.now(), output, command.error or None, command.cause or None
                )
                self._journal.finish(execution.id, outcome)
                execution.status, execution.stopped_at = outcome.status, outcome.at
                execution.output, execution.error, execution.cause = output, outcome.error, outcome.cause

    def _perform(self, active: _Active, commands: Sequence[Any]) -> None:
        for command in commands:
            match command:
                case states.InvokeTask():
                    self._invoke(active, command)
                case states.CancelTask(token=token):
                    self._forget(active, token)
                    self._invoker.cancel(token)
                case states.StartTimer(token=token, due_at=due_at):
                    active.timers.add(token)
                    heapq.heappush(self._timers, (due_at, next(self._numbers), token, active))
                case states.CancelTimer(token=token):
                    active.timers.discard(token)
                case states.Finish():
                    active.timers.clear()
                    self._active.pop(active.execution.id, None)
        for observer in self._observers:
            observer(active.execution, active.state)

    def _invoke(self, active: _Active, command: states.InvokeTask) -> None:
        call = self._calls.build(active.execution, command)
        active.invocations[command.token] = command
        if isinstance(call, Refusal):
            event = states.TaskFailed(token=command.token, error=call.error, cause=call.cause, at=self._clock.now())
            self._refused.append(_Happening(active, event))
            return
        self._by_token[command.token] = active
        fault_point("worker.before_invoke")
        self._invoker.submit(call)

    def _forget(self, active: _Active, token: str) -> None:
        active.invocations.pop(token, None)
        self._by_token.pop(token, None)

    def _machine(self, version: str) -> Any:
        if version not in self._machines:
            self._machines[version] = states.parse(self._journal.definition(version))
        return self._machines[version]
