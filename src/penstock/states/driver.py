"""A machine run to its end in one call: time stands still while there is something to do, then jumps to what is next.

For tests, for trying a definition, and for whoever wants the language without the engine around it.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from penstock.errors import TaskError
from penstock.states.commands import CancelTask, CancelTimer, InvokeTask, StartMapRun, StartTimer
from penstock.states.events import Event, TaskFailed, TaskSubmitted, TaskSucceeded, TimerFired
from penstock.states.execution import ExecutionContext
from penstock.states.failures import StateFailedError
from penstock.states.history import HistoryEntry
from penstock.states.machine import Machine
from penstock.states.map_run import item_input, processor
from penstock.states.parse import parse
from penstock.states.step import Step, start, step

if TYPE_CHECKING:
    from penstock.states.distributed import Buckets, Child


# Tasks whose request is done before they are.
SUBMITTED = (".sync", ".sync:2", ".waitForTaskToken")


class After(NamedTuple):
    """An answer that takes its time."""

    seconds: float
    output: Any


NEVER = After(float("inf"), None)
"""The answer of a task that does not answer: what limits its time decides."""

Answer = Callable[[InvokeTask], Any]
"""What does the tasks: returns a call's output, an ``After``, or ``NEVER``; raises TaskError to let it fail."""


@dataclass(frozen=True)
class Outside:
    """The world around a run.

    Attributes:
        answer: does the tasks.
        buckets: what an ItemReader reads from; none where there is none.
        put: writes what a ResultWriter makes: (bucket, key, content).
    """

    answer: Answer
    buckets: Buckets | None = None
    put: Callable[[str, str, bytes], None] = lambda bucket, key, content: None


class Ran(NamedTuple):
    """How a run ended. ``RUNNING`` is one that waits for what never comes."""

    status: str
    output: Any
    error: str
    cause: str
    stopped_at: float
    history: list[HistoryEntry]


def run(
    definition: Machine | bytes | str, value: Any, outside: Answer | Outside, *, name: str = "run", at: float = 0.0
) -> Ran:
    """Runs a state machine to its end.

    Args:
        definition: a parsed machine, or its document.
        value: the input: what JSON can hold.
        outside: what does the tasks; an ``Outside`` where a distributed Map reads or writes objects.
        name: the execution's name; every random value follows from it.
        at: when it begins, in seconds since the epoch.

    Raises:
        InvalidWorkflowError: the document has mistakes.
    """
    machine = definition if isinstance(definition, Machine) else parse(definition)
    around = outside if isinstance(outside, Outside) else Outside(outside)
    context = ExecutionContext(f"{name}", name, at, "machine", "machine")
    return _Run(machine, around, context).to_the_end(value, at)


class _Run:
    """One execution: what is to come, by its time and then in the order in which it was asked for."""

    def __init__(self, machine: Machine, outside: Outside, context: ExecutionContext) -> None:
        self._machine = machine
        self._outside = outside
        self._context = context
        self._coming: list[tuple[float, int, str, Callable[[float], Event]]] = []
        self._order = itertools.count()
        self._awaited: set[str] = set()
        self._history: list[HistoryEntry] = []

    def to_the_end(self, value: Any, at: float) -> Ran:
        made = start(self._machine, value, self._context, at=at, seed=self._context.execution_name, history=True)
        made = self._take(made, at)
        while made.state.status == "RUNNING" and self._coming:
            due_at, _, token, event = heapq.heappop(self._coming)
            if token in self._awaited:
                at = due_at
                self._awaited.discard(token)
                made = self._take(step(self._machine, made.state, event(at), history=True), at)
        state = made.state
        return Ran(state.status, state.output, state.error, state.cause, at, self._history)

    def _take(self, made: Step, at: float) -> Step:
        """Keeps the history of a step and does what it asks for; returns where the execution then stands."""
        self._history += made.history
        now = made
        for command in made.commands:
            match command:
                case InvokeTask(token=token):
                    if command.resource.endswith(SUBMITTED):
                        submitted = TaskSubmitted(token=token, output={}, at=at)
                        now = step(self._machine, now.state, submitted, history=True)
                        self._history += now.history
                    self._expect(token, *self._called(command, at))
                case StartMapRun(token=token):
                    self._expect(token, *_MapRun(command, now, self._outside, self._context, at).answer())
                case StartTimer(token=token, due_at=due_at):
                    self._expect(token, due_at, _timer(token))
                case CancelTask(token=token) | CancelTimer(token=token):
                    self._awaited.discard(token)
        return now

    def _expect(self, token: str, at: float, event: Callable[[float], Event]) -> None:
        self._awaited.add(token)
        if at != float("inf"):
            heapq.heappush(self._coming, (at, next(self._order), token, event))

    def _called(self, command: InvokeTask, at: float) -> tuple[float, Callable[[float], Event]]:
        try:
            answer = self._outside.answer(command)
        except TaskError as error:
            return at, _failed(command.token, error.error, error.message)
        if isinstance(answer, After):
            return at + answer.seconds, _succeeded(command.token, answer.output)
        return at, _succeeded(command.token, answer)


class _MapRun:
    """The executions of a distributed Map. They begin at one moment; the Map ends with the last of them."""

    def __init__(
        self, command: StartMapRun, made: Step, outside: Outside, context: ExecutionContext, at: float
    ) -> None:
        self._command = command
        self._made = made
        self._outside = outside
        self._context = context
        self._at = self._ended_at = at

    def answer(self) -> tuple[float, Callable[[float], Event]]:
        """Returns when the Map Run ends, and with what."""
        token = self._command.token
        try:
            output = self._output()
        except StateFailedError as failure:
            return self._ended_at, _failed(token, failure.error, failure.cause)
        return self._ended_at, _succeeded(token, output)

    def _output(self) -> Any:
        from penstock.states import distributed

        command = self._command
        label = command.label or command.state_name
        children = self._children(label)
        if command.writer is None:
            return distributed.outputs(children, distributed.transformation(None), command.state_name)
        files = distributed.ResultFiles(command.writer, distributed.map_run_id(command.token))
        arn = distributed.map_run_arn(self._context.machine_id, label, command.token)
        for child in children:
            for key, content in files.add(child):
                self._outside.put(files.bucket, key, content)
        for key, content in files.finish(arn):
            self._outside.put(files.bucket, key, content)
        return files.output(arn)

    def _children(self, label: str) -> list[Child]:
        from penstock.states.distributed import Counts, Tolerance, batches, threshold_exceeded

        command = self._command
        machine = processor(self._made.state.machine, command.state_name)
        tolerance = Tolerance(count=command.tolerated_failure_count, percentage=command.tolerated_failure_percentage)
        counts, children = Counts(), []
        for number, batch in enumerate(batches(self._inputs(), command.batcher)):
            child = self._child(machine, batch.input, f"{label}-{number}")
            counts = counts.begun(batch.size).ended(child.status, batch.size)
            children.append(child)
            if tolerance.is_exceeded(counts, total=None):
                raise threshold_exceeded()
        if tolerance.is_exceeded(counts, total=counts.total):
            raise threshold_exceeded()
        return children

    def _inputs(self) -> Iterator[Any]:
        from penstock.states.distributed import given_items, read_items, reader_failed

        command, state = self._command, self._made.state
        if command.reader is None:
            items = given_items(command.items)
        elif self._outside.buckets is None:
            raise reader_failed("there are no buckets to read from")
        else:
            items = read_items(command.reader, self._outside.buckets)
        for index, item in enumerate(items):
            yield item_input(state, command.token, index, item.value, self._at, key=item.key, source=item.source)

    def _child(self, machine: Machine, value: Any, name: str) -> Child:
        from penstock.states.distributed import Child

        context = ExecutionContext(
            f"{self._context.execution_id}/{name}", name, self._at, self._context.machine_id, self._context.machine_name
        )
        ran = _Run(machine, self._outside, context).to_the_end(value, self._at)
        self._ended_at = max(self._ended_at, ran.stopped_at)
        is_good = ran.status == "SUCCEEDED"
        return Child(
            id=context.execution_id,
            name=name,
            machine=context.machine_id,
            status=ran.status if ran.status != "RUNNING" else "ABORTED",
            input=msgspec.json.encode(value),
            output=msgspec.json.encode(ran.output) if is_good else None,
            error=ran.error or None,
            cause=ran.cause or None,
            started_at=self._at,
            stopped_at=ran.stopped_at,
        )


def _succeeded(token: str, output: Any) -> Callable[[float], Event]:
    return lambda at: TaskSucceeded(token=token, output=output, at=at)


def _failed(token: str, error: str, cause: str) -> Callable[[float], Event]:
    return lambda at: TaskFailed(token=token, error=error, cause=cause, at=at)


def _timer(token: str) -> Callable[[float], Event]:
    return lambda at: TimerFired(token=token, at=at)
