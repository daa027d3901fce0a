"""What a metered home gives: its ports, each telling the meter what it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.invoke import Call, Invoker, Reply
from penstock.ports.journal import Execution
from penstock.ports.meter import Meter

if TYPE_CHECKING:
    from penstock.adapters.metered.hot import HeldHotStore
    from penstock.adapters.metered.objects import HeldObjectStore
    from penstock.runtime.machine.stores import Stores
    from penstock.runtime.machine.worker import Observer

Port = TypeVar("Port")
START_JOB = "glue:startJobRun"
# An execution that has ended is told of again at once, if at all.
ENDED_LIMIT = 10_000
# What tasks, and states of workflows, ask of a home: name, module and class. The rest is the home's own business, which
# services do by themselves in AWS.
ASKED = {
    "objects": ("objects", "MeteredObjectStore"),
    "hot": ("hot", "MeteredHotStore"),
    "exchange": ("hot", "MeteredHotStore"),
    "queues": ("queues", "MeteredQueueStore"),
    "events": ("events", "MeteredEventPublisher"),
}


def wrapped(port: Port, module: str, wrapper: str, meter: Meter, clock: Clock) -> Port:
    """Returns a port whose operations a meter is told of."""
    made = getattr(importlib.import_module(f"penstock.adapters.metered.{module}"), wrapper)
    return cast("Port", made(port, meter, clock))


def metered(
    home: Stores, invoker: Invoker, definitions: Mapping[str, Definition], observers: Sequence[Observer]
) -> tuple[Invoker, Sequence[Observer]]:
    """Returns an invoker, and observers of executions, that tell a home's meter; as they are where there is none."""
    if home.meter is None:
        return invoker, observers
    from penstock.adapters.metered.invoke import MeteredInvoker

    if home.meter.span() is None:
        _take_stock(home, definitions)
    home.meter.observe(home.clock.now())
    observer = ExecutionMeter(home.meter, home.clock, definitions)
    return cast("Invoker", MeteredInvoker(invoker, home.meter, home.clock, definitions)), (*observers, observer)


def _take_stock(home: Stores, definitions: Mapping[str, Definition]) -> None:
    """Tells a meter that is new what is there already."""
    objects, hot = cast("HeldObjectStore", home.objects), cast("HeldHotStore", home.hot)
    for info in objects.list():
        objects.found(info)
    for definition in definitions.values():
        for table in definition.hot_tables.values():
            hot.found(table)


class MeteredPorts:
    """A home's ports, as tasks and workflows use them."""

    def __init__(self, home: Stores, meter: Meter) -> None:
        self._home = home
        self._meter = meter
        self.writer = home.writer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._home, name)
        if name in ASKED:
            found = wrapped(found, *ASKED[name], self._meter, self._home.clock)
            self.__dict__[name] = found
        return found

    def serve(self, definition: Definition, call: Call) -> bytes:
        """Does what a workflow asks of a service. Raises TaskError when the service would refuse."""
        from penstock.cost.units import GLUE_LEAST_SECONDS, SPARK_DPUS, glue_dpu_hours
        from penstock.runtime.integrations import perform

        began = self._home.clock.now()
        try:
            return perform(definition, call, cast("Any", self))
        finally:
            if START_JOB in call.resource:
                at = self._home.clock.now()
                hours = glue_dpu_hours(max(GLUE_LEAST_SECONDS, at - began), SPARK_DPUS)
                self._meter.count("glue-dpu", hours, at=at, operation="StartJobRun", resource=f"{definition.name}/jobs")


class FlushingCaller:
    """Calls tasks in a process that may be killed at any time: what a call used is written when it ends.

    Args:
        perform: calls a task.
        flush: writes what the meter of this process has taken.
    """

    def __init__(self, perform: Callable[[Call], Reply], flush: Callable[[], None]) -> None:
        self._perform = perform
        self._flush = flush

    def __call__(self, call: Call) -> Reply:
        try:
            return self._perform(call)
        finally:
            self._flush()


class ExecutionMeter:
    """Counts what executions that end have cost: states entered and tried again, and starts by schedules.

    https://aws.amazon.com/step-functions/pricing/, https://aws.amazon.com/eventbridge/pricing/
    """

    def __init__(self, meter: Meter, clock: Clock, definitions: Mapping[str, Definition]) -> None:
        self._meter = meter
        self._clock = clock
        self._definitions = definitions
        self._ended: dict[str, int] = {}

    def __call__(self, execution: Execution, state: Any) -> None:
        """Is told of each change of an execution; of the last one perhaps more than once."""
        if not execution.status.is_final or self._ended.get(execution.id) == execution.redrives:
            return
        if len(self._ended) >= ENDED_LIMIT:
            self._ended.clear()
        self._ended[execution.id] = execution.redrives
        if self._definitions[execution.pipeline].deployment.compute == "ec2":
            return
        at, named = self._clock.now(), f"{execution.pipeline}/{execution.workflow}"
        self._meter.count("transitions", state.transitions, at=at, operation="state transitions", resource=named)
        if execution.source.startswith("schedule:") and not execution.redrives:
            self._meter.count("schedules", 1, at=at, operation="start by a schedule", resource=named)
        if self._definitions[execution.pipeline].deployment.tracing:
            self._meter.count("traces", 1, at=at, operation="PutTraceSegments", resource=named)
