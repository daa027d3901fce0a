"""The workflow worker: feeds what happened to the state machine, journals it, then does what the machine asks.

Only events are journaled, each in the transaction before the effects that follow from it. A process that starts again
replays an execution's events and so knows what is outstanding; a task whose end was not journaled runs again. An
execution that only waits is parked: it leaves memory, and any process goes on with it when it is due or has mail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from penstock import states
from penstock.faultpoints import fault_point
from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.invoke import Answer, Invoker, Refusal
from penstock.ports.journal import Execution, Journal, Outcome, Recorded, Status
from penstock.ports.metrics import MetricStore
from penstock.runtime.calls import CallBuilder, starts_execution, submission, task_event
from penstock.runtime.machine.children import ChildStarter
from penstock.runtime.machine.driven import Driven, Happening, distinct
from penstock.runtime.machine.map_runs import SOURCE as MAP_SOURCE
from penstock.runtime.machine.map_runs import MapRunner
from penstock.runtime.machine.parking import wake_at, worth_parking_seconds
from penstock.runtime.machine.timers import Timers
from penstock.runtime.signals import TaskSignals

Observer = Callable[[Execution, Any], None]
ACTIVE_LIMIT = 500
# A workflow that starts itself again and again must not keep others from their turns.
ROUNDS_A_TICK = 20


class WorkflowWorker:
    """Drives the executions that this process owns. Belongs to one thread.

    Args:
        map_runs: drives the distributed Maps of the executions.
        observers: told of each change of an execution, once it is journaled.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        invoker: Invoker,
        metrics: MetricStore,
        map_runs: MapRunner,
        clock: Clock,
        definitions: Mapping[str, Definition],
        owner: str,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._journal = journal
        self._invoker = invoker
        self._metrics = metrics
        self._map_runs = map_runs
        self._clock = clock
        self._pipelines = tuple(definitions)
        self._owner = owner
        self._observers = observers
        self._calls = CallBuilder(definitions)
        self._signals = TaskSignals(definitions)
        self._children = ChildStarter(journal=journal, definitions=definitions, owner=owner)
        self._active: dict[str, Driven] = {}
        self._by_token: dict[str, Driven] = {}
        self._timers: Timers[Driven] = Timers()
        self._machines: dict[str, Any] = {}
        self._own: list[Happening] = []
        self._wake_at: float | None = None
        self._is_behind = False

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

    def is_idle(self) -> bool:
        """Tells whether it drives nothing, and nothing that was parked is due."""
        if self._active or self._own or self._is_behind or self._map_runs.next_due_at() is not None:
            return False
        wake_at = self._journal.next_wake_at(self._pipelines)
        return wake_at is None or wake_at > self._clock.now()

    def next_due_at(self) -> float | None:
        """Returns when ``tick`` has something to do next, in seconds since the epoch."""
        if self._own or self._is_behind:
            return 0.0
        wake_at = self._wake_at if self._has_room() else None
        moments = [self._timers.next_due_at(), self._map_runs.next_due_at(), wake_at]
        return min((moment for moment in moments if moment is not None), default=None)

    def claim(self) -> int:
        """Takes over executions that nobody drives, and the mail of all; returns how many executions."""
        room = ACTIVE_LIMIT - len(self._active)
        claimed: list[Execution] = []
        if room > 0:
            claimed = self._journal.claim(self._owner, self._pipelines, room, self._clock.now())
            fault_point("worker.after_claim")
        self.admit(claimed)
        self._wake_at = self._journal.next_wake_at(self._pipelines)
        self._deliver()
        return len(claimed)

    def create(self, execution: Execution) -> bool:
        """Journals a new execution, which this process owns, and starts it; False if its id is there already."""
        return self._admit([execution], are_new=True)

    def admit(self, executions: Iterable[Execution]) -> None:
        """Starts or continues executions that this process owns."""
        fresh = [e for e in executions if e.id not in self._active]
        if fresh:
            self._admit(fresh, are_new=False)

    def _admit(self, executions: Sequence[Execution], *, are_new: bool) -> bool:
        started: list[tuple[Driven, Sequence[Any]]] = []
        with self._journal.transaction():
            for execution in executions:
                active = Driven(execution, self._machine(execution.version))
                if are_new:
                    execution.status, execution.started_at = Status.RUNNING, self._clock.now()
                    if not self._journal.create(execution):
                        return False
                    commands = active.begin()
                else:
                    commands = self._begin(active)
                self._record(active, commands)
                self._park(active, self._clock.now())
                started.append((active, commands))
        for active, _ in started:
            self._active[active.execution.id] = active
        self._perform(started)
        return True

    def stop(self, execution: str, error: str, cause: str) -> bool:
        """Ends an execution, whoever drives it; False if it is over already."""
        event = states.Stopped(error=error, cause=cause, at=self._clock.now())
        return self._journal.post(execution, msgspec.json.encode(event))

    def tick(self, answers: Iterable[Answer], *, waking: bool = True) -> None:
        """Feeds answers and due timers to their executions.

        Args:
            waking: take over what was parked and is due.
        """
        now = self._clock.now()
        is_due = self._wake_at is not None and self._wake_at <= now and self._has_room()
        if waking and (is_due or self._is_behind):
            self.claim()
        if waking:
            self.admit(self._map_runs.tick(now))
        happenings = [happening for answer in answers for happening in self._outcome(answer, now)]
        # Of what ended at once, successes come first: a failure may make their execution forget them.
        happenings.sort(key=lambda happening: isinstance(happening.event, states.TaskFailed))
        for token, active in self._timers.take_due(now):
            active.timers.discard(token)
            happenings.append(Happening(active, states.TimerFired(token=token, at=now)))
        self._exhaust(happenings)
        # What executions told each other is taken at once: no time passes in between.
        for _ in range(ROUNDS_A_TICK):
            self._is_behind = waking and self._journal.has_posted()
            if not self._is_behind:
                return
            self.claim()
            self._exhaust([])

    def _exhaust(self, happenings: list[Happening]) -> None:
        """Advances by what happened, and by what this worker itself answers to that."""
        for _ in range(ROUNDS_A_TICK):
            own, self._own = self._own, []
            if not happenings and not own:
                return
            self._advance(happenings + own)
            happenings = []

    def _has_room(self) -> bool:
        return len(self._active) < ACTIVE_LIMIT

    def _begin(self, active: Driven) -> Sequence[Any]:
        execution = active.execution
        if execution.started_at is not None and execution.status is Status.RUNNING:
            return active.resume(self._journal.events(execution.id))
        is_new = execution.started_at is None
        execution.started_at = started_at = self._clock.now() if execution.started_at is None else execution.started_at
        self._journal.start(execution.id, started_at)
        execution.status = Status.RUNNING
        return active.begin() if is_new else active.resume(self._journal.events(execution.id))

    def _outcome(self, answer: Answer, now: float) -> list[Happening]:
        """Returns what an answer means; nothing where it was cancelled, or its token was answered before."""
        active = self._by_token.pop(answer.token, None)
        command = None if active is None else active.invocations.get(answer.token)
        if active is None or command is None:
            return []
        submitted = submission(command, answer.reply, now)
        ended = Happening(active, task_event(command, answer.reply, now), answer.report)
        return [ended] if submitted is None else [Happening(active, submitted), ended]

    def _deliver(self) -> None:
        mail = [one for one in self._journal.mail(self._owner) if one.execution in self._active]
        if mail:
            self._advance([Happening(self._active[one.execution], mail=one) for one in mail])

    def _advance(self, happenings: list[Happening]) -> None:
        self._count(happenings)
        fault_point("worker.before_journal")
        now = self._clock.now()
        performed: list[tuple[Driven, Sequence[Any]]] = []
        recorded: list[tuple[str, Recorded]] = []
        with self._journal.transaction():
            for happening in happenings:
                event = self._event(happening, now)
                if event is not None:
                    recorded.append(happening.recorded(event))
                    commands = happening.driven.step(event)
                    self._stop_children(happening.driven, commands, now)
                    performed.append((happening.driven, commands))
            self._journal.append(recorded)
            for active, commands in performed:
                self._record(active, commands)
            for active in distinct(happenings):
                self._park(active, now)
        fault_point("worker.after_journal")
        self._perform(performed)
        self.admit(self._children.created())

    def _event(self, happening: Happening, now: float) -> Any:
        """Returns the event to journal; None if nothing waits for it any more."""
        active, child = happening.driven, happening.child
        if happening.mail is not None:
            return active.read(happening.mail, now) if self._journal.take(happening.mail) else None
        if child is None:
            return happening.event
        return self._children.start(active.execution, child, now) if child.token in active.state.outstanding else None

    def _count(self, happenings: list[Happening]) -> None:
        """Publishes what the tasks' ends mean for metrics; by their tokens, a repetition counts once."""
        for happening in happenings:
            active, token = happening.driven, getattr(happening.event, "token", "")
            if happening.report is None or token not in active.invocations:
                continue
            points = self._signals.points(
                active.execution, active.invocations[token], happening.event, happening.report
            )
            if points:
                self._metrics.publish(points, token=f"{active.execution.id}/{token}")

    def _record(self, active: Driven, commands: Sequence[Any]) -> None:
        """Writes what has to be there with the event: an end, and the map runs that a parked parent waits for."""
        for command in commands:
            if isinstance(command, states.StartMapRun):
                self._map_runs.start(active.execution, command)
            elif isinstance(command, states.Finish):
                execution = active.execution
                output = None if command.error else msgspec.json.encode(command.output)
                outcome = Outcome(
                    Status(command.status), self._clock.now(), output, command.error or None, command.cause or None
                )
                self._journal.finish(execution.id, outcome)
                execution.status, execution.stopped_at = outcome.status, outcome.at
                execution.output, execution.error, execution.cause = output, outcome.error, outcome.cause
                if execution.source.startswith(MAP_SOURCE):
                    self._map_runs.ended(execution)
                self._children.ended(execution)

    def _park(self, active: Driven, now: float) -> None:
        if active.invocations or active.execution.status.is_final:
            return
        moment = wake_at(active.state, active.submitted)
        crowded = len(self._active) * 2 > ACTIVE_LIMIT
        if moment is None or moment - now < worth_parking_seconds(active.sequence, crowded=crowded):
            return
        if self._journal.park(active.execution.id, moment):
            active.is_parked = True
            if moment < math.inf:
                self._wake_at = moment if self._wake_at is None else min(moment, self._wake_at)

    def _stop_children(self, active: Driven, commands: Sequence[Any], now: float) -> None:
        """Stops the executions that an aborted state waited for, in the transaction that journals why."""
        for command in commands:
            if not isinstance(command, states.CancelTask) or command.token in active.invocations:
                continue
            if command.token in active.submitted:
                self._children.stop(active.execution, active.submitted[command.token], now)
            else:
                self._map_runs.cancel(command.token)

    def _perform(self, performed: Iterable[tuple[Driven, Sequence[Any]]]) -> None:
        for active, commands in performed:
            for command in commands:
                self._do(active, command)
            if active.is_parked or active.execution.status.is_final:
                self._leave(active)
            for observer in self._observers:
                observer(active.execution, active.state)

    def _do(self, active: Driven, command: Any) -> None:
        match command:
            case states.InvokeTask():
                self._invoke(active, command)
            case states.CancelTask(token=token):
                active.forget(token)
                self._by_token.pop(token, None)
                self._invoker.cancel(token)
            case states.StartTimer(token=token, due_at=due_at):
                active.timers.add(token)
                self._timers.start(token, due_at, active)
            case states.CancelTimer(token=token):
                active.timers.discard(token)
                self._timers.cancel(token)

    def _leave(self, active: Driven) -> None:
        """Lets an execution go that is over or parked."""
        for token in active.timers:
            self._timers.cancel(token)
        active.timers.clear()
        self._active.pop(active.execution.id, None)

    def _invoke(self, active: Driven, command: states.InvokeTask) -> None:
        active.invocations[command.token] = command
        if starts_execution(command.resource):
            self._own.append(Happening(active, child=command))
            return
        call = self._calls.build(active.execution, command)
        if isinstance(call, Refusal):
            event = states.TaskFailed(token=command.token, error=call.error, cause=call.cause, at=self._clock.now())
            self._own.append(Happening(active, event))
            return
        self._by_token[command.token] = active
        fault_point("worker.before_invoke")
        self._invoker.submit(call)

    def _machine(self, version: str) -> Any:
        if version not in self._machines:
            self._machines[version] = states.parse(self._journal.definition(version))
        return self._machines[version]
