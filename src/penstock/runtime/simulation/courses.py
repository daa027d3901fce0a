"""How a call of a task goes in a simulation: how long it takes, and what goes wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from penstock.adapters.virtual.chance import Chance
from penstock.adapters.virtual.clock import VirtualClock
from penstock.adapters.virtual.invoke import Course
from penstock.model.faults import Fault, FaultKind
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call, Reply
from penstock.runtime.simulation.plan import seconds_of

SERVICE_SECONDS = 0.05
RAISED = json.dumps({"errorMessage": "the simulation was asked for this fault", "errorType": "InjectedFault"})
# A moment is slow or fast for all calls of it, by so much either way.
SPREAD = 0.2
# Of its memory, a task holds this part and up to as much again.
MEMORY_PART = 0.4


class Courses:
    """Draws the course of calls: the same for the same seed and call."""

    def __init__(self, definition: Definition, faults: Sequence[Fault], clock: VirtualClock, chance: Chance) -> None:
        self._definition = definition
        self._faults = [fault for fault in faults if fault.kind.is_of_tasks]
        self._clock = clock
        self._chance = chance

    def __call__(self, call: Call) -> Course:
        """Returns how a call goes."""
        if not call.task:
            return Course(seconds=SERVICE_SECONDS)
        memory_mb = self._definition.tasks[call.task].memory_mb
        # Calls that begin together end together: what they wrote then goes on together too.
        pace = 1 + SPREAD * (2 * self._chance.draw("pace", call.started_at) - 1)
        course = Course(
            seconds=seconds_of(self._definition, call.task) * pace,
            memory_mb=round(memory_mb * MEMORY_PART * (1 + self._chance.draw("memory", call.task)), 1),
        )
        now = self._clock.true_now
        for fault in self._faults:
            if fault.covers(now, call.task) and self._chance.happens(fault.rate, fault.kind, *_identity(call)):
                course = self._troubled(course, fault, call, memory_mb)
        return course

    def _troubled(self, course: Course, fault: Fault, call: Call, memory_mb: float) -> Course:
        # What a task did before it failed may be there, or not.
        is_performed = self._chance.draw("performed", *_identity(call)) < 0.5
        match fault.kind:
            case FaultKind.TASK_RAISES:
                reply = Reply(error="InjectedFault", cause=RAISED)
                return Course(
                    seconds=course.seconds, memory_mb=course.memory_mb, reply=reply, is_performed=is_performed
                )
            case FaultKind.TASK_OUT_OF_MEMORY:
                # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
                reply = Reply(error="Runtime.ExitError", cause="Runtime exited with error: signal: killed")
                return Course(seconds=course.seconds, memory_mb=memory_mb, reply=reply, is_performed=is_performed)
            case FaultKind.TASK_TIMES_OUT:
                return Course(seconds=call.timeout_seconds + 1, memory_mb=course.memory_mb, is_performed=is_performed)
            case _:
                return Course(
                    seconds=course.seconds + fault.seconds,
                    memory_mb=course.memory_mb,
                    reply=course.reply,
                    is_performed=course.is_performed,
                )


def _identity(call: Call) -> tuple[str, str, int]:
    return call.execution, call.token, call.attempt
