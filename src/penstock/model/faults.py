"""Faults: what can go wrong in a simulation, when, and how often."""

from __future__ import annotations

import math
from enum import StrEnum

import msgspec


class FaultKind(StrEnum):
    """What goes wrong. The value is the name that a person writes."""

    TASK_RAISES = "task-raises"
    TASK_TIMES_OUT = "task-times-out"
    TASK_SLOW = "task-slow"
    TASK_OUT_OF_MEMORY = "task-out-of-memory"
    OBJECTS_DOWN = "objects-down"
    OBJECTS_THROTTLED = "objects-throttled"
    HOT_DOWN = "hot-down"
    HOT_THROTTLED = "hot-throttled"
    WAREHOUSE_DOWN = "warehouse-down"
    WAREHOUSE_THROTTLED = "warehouse-throttled"
    METRICS_DOWN = "metrics-down"
    METRICS_THROTTLED = "metrics-throttled"
    TOPIC_DOWN = "topic-down"
    TOPIC_THROTTLED = "topic-throttled"
    MAIL_DOWN = "mail-down"
    MAIL_THROTTLED = "mail-throttled"
    EVENT_TWICE = "event-twice"
    EVENT_LATE = "event-late"
    EVENT_OUT_OF_ORDER = "event-out-of-order"
    KILLED = "killed"
    CLOCK_SKEW = "clock-skew"

    @property
    def is_of_tasks(self) -> bool:
        return self.value.startswith("task-")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault.

    Attributes:
        target: the task that it is about, or the table or topic; all of them when empty.
        start, end: between these it can happen (seconds since the epoch).
        rate: how likely it is for each call, operation or event.
        seconds: how late an event is, how much longer a task takes, how far the clock is off.
        times: how often the process is killed.
    """

    kind: FaultKind
    target: str = ""
    start: float = -math.inf
    end: float = math.inf
    rate: float = 1.0
    seconds: float = 0.0
    times: int = 1

    def covers(self, at: float, target: str = "") -> bool:
        """Tells whether it can happen at a time, to a target."""
        return self.start <= at < self.end and self.target in {"", target}
