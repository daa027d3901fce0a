"""Saying with what a pipeline is simulated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from penstock.define.parts import Parts
from penstock.define.places import caller_place
from penstock.errors import Finding
from penstock.model.pipeline import Definition
from penstock.model.simulation import Simulated
from penstock.model.task import Task


class Simulating(Parts):
    """The part of a pipeline that says what its world is like in a simulation."""

    _simulation: Simulated = Simulated()

    def simulate(
        self,
        input: Callable[[int, int], Mapping[str, Any]] | None = None,  # noqa: A002 - Amazon States Language's word
        *,
        instances: int = 1,
        takes: Mapping[Task, timedelta] | None = None,
    ) -> None:
        """Says with what ``penstock simulate`` plays the pipeline.

        Args:
            input: ``input(instances, seed)`` returns what is added to the inputs of the schedules. It should make the
                same data for the same numbers.
            instances: how many there are when nobody says; what one is, the pipeline knows: a host, a shop, a sensor.
            takes: how long a call of a task takes; three seconds where it is not said.
        """
        self._simulation = Simulated(
            input=input,
            instances=instances,
            seconds={task.name: span.total_seconds() for task, span in (takes or {}).items()},
            place=caller_place(),
        )


def check(definition: Definition) -> list[Finding]:
    """Returns what is said of the simulation and cannot be."""
    chosen = definition.simulation
    findings = [
        Finding(chosen.place, "simulation", f"task {name!r} cannot take {seconds} seconds", "give 0 or more")
        for name, seconds in chosen.seconds.items()
        if not (math.isfinite(seconds) and seconds >= 0)
    ]
    if chosen.instances < 1:
        message = f"a simulation cannot have {chosen.instances} instances"
        findings.append(Finding(chosen.place, "simulation", message, "give 1 or more"))
    return findings
