"""With what a pipeline is simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

# Says that a home was made by a simulation, and by which.
SIMULATION_FILE = "simulation.json"


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """What the definition of a pipeline cannot tell about its world.

    Attributes:
        input: ``input(instances, seed)`` is added to the inputs of the schedules.
        instances: how many there are when nobody says.
        seconds: how long a call of a task takes, by task.
        place: where the definition says so.
    """

    input: Callable[[int, int], Mapping[str, Any]] | None = None
    instances: int = 1
    seconds: dict[str, float] = {}
    place: str = ""
