"""What is simulated: from when, for how long, with what seed, with which faults."""

from __future__ import annotations

import math
import shlex
from datetime import UTC, datetime

import msgspec

from penstock.cost.usage import Usage
from penstock.model.faults import Fault
from penstock.model.pipeline import Definition
from penstock.runtime.simulation.faults import describe

DAY_SECONDS = 86_400.0
# A slot at the very beginning runs, as one at the very end does not.
EARLIER_SECONDS = 1.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation. The same plan of the same definition makes the same home.

    Attributes:
        start: in seconds since the epoch; a slot at this moment runs, one at the end does not.
        instances: how many the pipeline's world has; as the pipeline says when None.
        faults: what goes wrong.
        workers: with more than one, sealing has a process of its own. Of large fleets, two or three let one more write
            hot tables; more, or where something goes wrong, call the tasks. The result is the same.
        is_metered: counts what AWS would charge for.
    """

    start: float
    seconds: float
    seed: int = 0
    instances: int | None = None
    faults: tuple[Fault, ...] = ()
    workers: int = 1
    is_metered: bool = True

    @property
    def end(self) -> float:
        """When it ends, in seconds since the epoch."""
        return self.start + self.seconds

    @property
    def begin(self) -> float:
        """When the machine starts."""
        return self.start - EARLIER_SECONDS

    def command(self, pipeline: str) -> str:
        """Returns the command that plays this again."""
        moment = datetime.fromtimestamp(self.start, UTC)
        parts = ["penstock", "simulate", pipeline, "--from", f"{moment:%Y-%m-%dT%H:%M:%SZ}", "--for",
                 span_text(self.seconds), "--seed", str(self.seed)]  # fmt: skip
        if self.instances is not None:
            parts += ["--instances", str(self.instances)]
        for fault in self.faults:
            parts += ["--fault", describe(fault, self.start)]
        return shlex.join(parts)


def last_days(now: float, seconds: float) -> float:
    """Returns the start of a simulation that ends with the last whole day, in UTC."""
    return math.floor(now / DAY_SECONDS) * DAY_SECONDS - seconds


def span_text(seconds: float) -> str:
    """Returns a span as a person writes it, such as ``30d`` or ``90s``."""
    for unit, width in (("d", DAY_SECONDS), ("h", 3600.0), ("min", 60.0)):
        if seconds >= width and seconds % width == 0:
            return f"{seconds / width:g}{unit}"
    return f"{seconds:g}s"


def in_simulation(definition: Definition, plan: Plan) -> Definition:
    """Returns the definition with the inputs that its schedules have in the simulation."""
    chosen = definition.simulation
    if chosen.input is None:
        return definition
    added = dict(chosen.input(plan.instances or chosen.instances, plan.seed))
    schedules = {
        name: msgspec.structs.replace(schedule, input={**schedule.input, **added})
        for name, schedule in definition.schedules.items()
    }
    return msgspec.structs.replace(definition, schedules=schedules)


def seconds_of(definition: Definition, task: str) -> float:
    """Returns how long a call of a task takes when nothing is wrong."""
    return definition.simulation.seconds.get(task, Usage().default_task_seconds)
