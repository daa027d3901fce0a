"""A workflow on an instance: the state machine of Step Functions, in the process that a cron starts.

Nothing of it is journaled. A run that dies with its instance is not gone on with: the schedule's next one does what is
left, as a workflow that runs by the clock has to look for it anyway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from penstock import states
from penstock.errors import NotFoundError, UsageError
from penstock.model.pipeline import Definition
from penstock.model.schedule import Schedule
from penstock.ports.clock import Clock
from penstock.ports.invoke import Answer, Call, Invoker, Refusal
from penstock.ports.journal import Execution
from penstock.ports.metrics import MetricPublisher
from penstock.runtime.aws.log import call_line
from penstock.runtime.calls import CallBuilder, task_event
from penstock.runtime.names import slot_id, slot_text
from penstock.runtime.replay import begin
from penstock.runtime.signals import TaskSignals
from penstock.schedules import parse

PATIENCE_SECONDS = 60.0


class WorkflowRun:
    """Runs a workflow to its end, once.

    Args:
        invoker: calls the tasks.
        metrics: takes what the ends of tasks mean.
        write: takes a line of the log.
    """

    def __init__(
        self,
        definition: Definition,
        *,
        invoker: Invoker,
        metrics: MetricPublisher,
        clock: Clock,
        write: Callable[[str], Any],
    ) -> None:
        definitions = {definition.name: definition}
        self._definition = definition
        self._invoker = invoker
        self._metrics = metrics
        self._clock = clock
        self._write = write
        self._calls = CallBuilder(definitions)
        self._signals = TaskSignals(definitions)
        self._called: dict[str, tuple[states.InvokeTask, Call]] = {}
        self._timers: dict[str, float] = {}
        self._events: deque[states.Event] = deque()

    def of_schedule(self, name: str) -> states.Finish:
        """Runs the workflow of a schedule for its last slot; returns how it ended.

        Raises:
            NotFoundError: there is no such schedule.
        """
        schedule = self._definition.schedules.get(name)
        if schedule is None:
            raise NotFoundError(
                f"pipeline {self._definition.name!r} has no schedule {name!r}",
                hint="deploy what `penstock synth` wrote",
            )
        execution = self._execution(schedule)
        ended = self._run(execution)
        line = {
            "level": "ERROR" if ended.error else "INFO",
            "message": f"workflow {execution.workflow} {ended.status.lower()}",
            "pipeline": execution.pipeline,
            "execution": execution.id,
            **({"error": ended.error, "cause": ended.cause} if ended.error else {}),
        }
        self._write(msgspec.json.encode(line).decode())
        return ended

    def _execution(self, schedule: Schedule) -> Execution:
        now = self._clock.now()
        slot = parse(schedule.expression, schedule.timezone).previous(now)
        at = now if slot is None else slot
        name = slot_id(self._definition.name, schedule.name, at)
        return Execution(
            id=name,
            pipeline=self._definition.name,
            workflow=schedule.workflow,
            version="",
            input=msgspec.json.encode({**schedule.input, "slot": slot_text(at)}),
            source=f"schedule:{schedule.name}",
            root=name,
            created_at=now,
            slot=at,
            started_at=now,
        )

    def _run(self, execution: Execution) -> states.Finish:
        machine = states.parse(self._definition.workflows[execution.workflow].definition)
        step = begin(execution, machine)
        while True:
            for command in step.commands:
                if isinstance(command, states.Finish):
                    return command
                self._do(execution, command)
            step = states.step(machine, step.state, self._next(execution))

    def _do(self, execution: Execution, command: states.Command) -> None:
        match command:
            case states.InvokeTask(token=token):
                call = self._calls.build(execution, command)
                if isinstance(call, Refusal):
                    self._refuse(token, call.error, call.cause)
                else:
                    self._called[token] = command, call
                    self._invoker.submit(call)
            case states.StartTimer(token=token, due_at=due_at):
                self._timers[token] = due_at
            case states.CancelTimer(token=token):
                self._timers.pop(token, None)
            case states.CancelTask(token=token):
                if self._called.pop(token, None) is not None:
                    self._invoker.cancel(token)
            case _:
                raise UsageError("an instance runs no distributed Map", hint='choose compute="lambda"')

    def _refuse(self, token: str, error: str, cause: str) -> None:
        self._events.append(states.TaskFailed(token=token, error=error, cause=cause, at=self._clock.now()))

    def _next(self, execution: Execution) -> states.Event:
        """Returns what happens next, as soon as it has happened."""
        while not self._events:
            now = self._clock.now()
            due = sorted((at, token) for token, at in self._timers.items())
            if due and due[0][0] <= now:
                self._timers.pop(due[0][1])
                return states.TimerFired(token=due[0][1], at=now)
            patience = min(PATIENCE_SECONDS, due[0][0] - now) if due else PATIENCE_SECONDS
            self._take(execution, self._invoker.wait(patience))
        return self._events.popleft()

    def _take(self, execution: Execution, answers: Sequence[Answer]) -> None:
        for answer in answers:
            command, call = self._called.pop(answer.token, (None, None))
            if command is None or call is None:
                continue
            for line in answer.report.log.splitlines():
                self._write(line)
            self._write(call_line(call, answer.reply, request_id=execution.id, cold=False, trace_id=""))
            event = task_event(command, answer.reply, self._clock.now())
            if isinstance(event, states.TaskSucceeded | states.TaskFailed):
                points = self._signals.points(execution, command, event, answer.report)
                if points:
                    self._metrics.publish(points)
            self._events.append(event)
