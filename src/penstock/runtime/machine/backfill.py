"""Backfill: the slots of a schedule that lie in the past, by their logical times, a few at a time.

A slot's execution has the id that it would have had in time, so that each slot runs once, whoever asked for it and how
often. What was interrupted goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from penstock.errors import NotFoundError, UsageError
from penstock.model.pipeline import Definition
from penstock.model.schedule import Schedule
from penstock.ports.journal import Execution, Status
from penstock.runtime.machine.app import Machine
from penstock.runtime.names import slot_id
from penstock.schedules import parse

SOURCE = "backfill:"
FAILED = {Status.FAILED, Status.TIMED_OUT, Status.ABORTED}
Changed = Callable[[Execution], None]


class Backfilled(msgspec.Struct, kw_only=True):
    """What a backfill came to.

    Attributes:
        slots: how many lie in the time that was asked for.
        known: of these, how many had run before.
        started: how many were begun now; ``again`` those that had failed and were put through again.
        failed: ids of those that failed now, or had failed before and were left.
        left: how many were not begun, because it was stopped.
    """

    slots: int = 0
    known: int = 0
    started: int = 0
    again: int = 0
    failed: list[str] = []
    left: int = 0


def schedule_of(definition: Definition, name: str | None) -> Schedule:
    """Returns the schedule that is meant.

    Raises:
        NotFoundError: there is none of that name.
        UsageError: there is none, or more than one that it could be.
    """
    known = ", ".join(definition.schedules) or "none"
    if name is not None:
        if name not in definition.schedules:
            raise NotFoundError(
                f"pipeline {definition.name!r} has no schedule {name!r}", hint=f"its schedules are: {known}"
            )
        return definition.schedules[name]
    if len(definition.schedules) == 1:
        return next(iter(definition.schedules.values()))
    if definition.name in definition.schedules:
        return definition.schedules[definition.name]
    raise UsageError(
        f"pipeline {definition.name!r} has {len(definition.schedules)} schedules",
        hint=f"choose with --schedule: {known}",
    )


def slots_of(schedule: Schedule, start: float, end: float) -> list[float]:
    """Returns a schedule's slots from a moment to before another, in seconds since the epoch."""
    timetable = parse(schedule.expression, schedule.timezone)
    return [at for at in timetable.between(start - 1, end) if start <= at < end]


class Backfill:
    """Runs slots of a schedule.

    Args:
        parallel: how many run at once, with all that follows from each.
        again: puts slots through again that have failed.
        changed: told of each slot's execution when it has ended.
    """

    def __init__(
        self,
        machine: Machine,
        definition: Definition,
        schedule: Schedule,
        *,
        parallel: int,
        again: bool = False,
        changed: Changed = lambda execution: None,
    ) -> None:
        self._machine = machine
        self._definition = definition
        self._schedule = schedule
        self._parallel = parallel
        self._again = again
        self._changed = changed

    def run(self, slots: list[float]) -> Backfilled:
        """Runs what has not run yet; returns when all is over, or when the machine is asked to stop."""
        found = Backfilled(slots=len(slots))
        self._machine.unfinished()
        coming = self._begin(slots, found)
        running: list[str] = []
        while not self._machine.stop.is_set():
            running = [root for root in running if not self._has_ended(root, found)]
            while len(running) < self._parallel and (begun := next(coming, None)) is not None:
                running.append(begun)
            if not running:
                break
            self._machine.turn()
        found.left = found.slots - found.known - found.started - found.again
        return found

    def _begin(self, slots: list[float], found: Backfilled) -> Iterator[str]:
        """Yields the executions that are under way, each begun when it is asked for."""
        for at in slots:
            identity = slot_id(self._definition.name, self._schedule.name, at)
            known = self._machine.find(identity)
            if known is None:
                self._machine.start_slot(self._definition.name, self._schedule.name, at, source=SOURCE)
                found.started += 1
                yield identity
            elif not known.status.is_final:
                found.started += 1
                yield identity
            elif known.status in FAILED and self._again:
                self._machine.redrive(identity)
                found.again += 1
                yield identity
            else:
                found.known += 1
                if known.status in FAILED:
                    found.failed.append(identity)

    def _has_ended(self, root: str, found: Backfilled) -> bool:
        if self._machine.home.journal.unfinished(root=root):
            return False
        execution = self._machine.home.journal.get(root)
        if execution.status in FAILED:
            found.failed.append(root)
        self._changed(execution)
        return True
