"""The scheduler: asks each schedule's ledger what is due, and journals the answer with the executions it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from penstock.faultpoints import fault_point
from penstock.model.pipeline import Definition
from penstock.model.schedule import Overlap, Schedule
from penstock.ports.clock import Clock
from penstock.ports.journal import Execution, Journal
from penstock.ports.ledger import LedgerStore, SlotEntry
from penstock.runtime.names import slot_id, slot_text
from penstock.schedules import Timetable, parse
from penstock.schedules.slots import Decision, Ledger, decide, new_ledger

_ledgers = msgspec.json.Decoder(Ledger)


@dataclass
class _Watched:
    pipeline: str
    schedule: Schedule
    timetable: Timetable
    version: str
    wake_at: float | None = 0.0
    decided_at: float = 0.0

    def is_settled(self, now: float) -> bool:
        """Tells whether a decision would say what the last one said, whatever is running."""
        is_free = self.schedule.overlap is Overlap.ALLOW
        return is_free and self.wake_at is not None and self.decided_at <= now < self.wake_at


class Scheduler:
    """Starts the executions of some pipelines' schedules.

    Args:
        warn: told of what a person should know, such as a clock that was set back.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        ledgers: LedgerStore,
        clock: Clock,
        definitions: Mapping[str, Definition],
        owner: str,
        warn: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._ledgers = ledgers
        self._clock = clock
        self._owner = owner
        self._warn = warn
        self._warned_behind = False
        self._watched = [
            _Watched(
                name,
                schedule,
                parse(schedule.expression, schedule.timezone),
                definition.workflows[schedule.workflow].version,
            )
            for name, definition in definitions.items()
            for schedule in definition.schedules.values()
        ]

    def next_due_at(self) -> float | None:
        """Returns when ``tick`` must be called next, in seconds since the epoch."""
        return min((w.wake_at for w in self._watched if w.wake_at is not None), default=None)

    def tick(self, *, everything: bool = False) -> list[Execution]:
        """Decides what is due; returns the new executions, which this process owns.

        Args:
            everything: ask every ledger, as after a change of the clock or of what is running.
        """
        now = self._clock.now()
        started: list[Execution] = []
        for watched in self._watched:
            if (everything and not watched.is_settled(now)) or (watched.wake_at is not None and watched.wake_at <= now):
                started += self._decide(watched, now)
        return started

    def _decide(self, watched: _Watched, now: float) -> list[Execution]:
        pipeline, schedule = watched.pipeline, watched.schedule
        with self._journal.transaction():
            kept = self._ledgers.ledger(pipeline, schedule.name)
            ledger = new_ledger(now) if kept is None else _ledgers.decode(kept)
            running = self._journal.unfinished(source=f"schedule:{schedule.name}", pipeline=pipeline)
            decision = decide(schedule, watched.timetable, ledger, now, running)
            executions = [
                slot_execution(pipeline, schedule, watched.version, slot.at, now, self._owner)
                for slot in decision.start
            ]
            started = [execution for execution in executions if self._journal.create(execution)]
            if kept is None or decision.ledger != ledger:
                entries = _entries(decision, executions)
                self._ledgers.keep(pipeline, schedule.name, msgspec.json.encode(decision.ledger), entries)
        fault_point("scheduler.after_decide")
        watched.wake_at, watched.decided_at = decision.wake_at, now
        self._tell_if_behind(watched, decision)
        return started

    def _tell_if_behind(self, watched: _Watched, decision: Decision) -> None:
        behind = decision.clock_behind_seconds
        if behind > 1 and not self._warned_behind:
            name = f"{watched.pipeline}/{watched.schedule.name}"
            self._warn(
                f"the clock is {behind:.0f} s behind what schedule {name} has seen; no slot runs twice meanwhile"
            )
        self._warned_behind = behind > 1


def slot_execution(pipeline: str, schedule: Schedule, version: str, at: float, now: float, owner: str) -> Execution:
    """Returns the one execution of a schedule's slot, not journaled yet."""
    execution = slot_id(pipeline, schedule.name, at)
    return Execution(
        id=execution,
        pipeline=pipeline,
        workflow=schedule.workflow,
        version=version,
        input=msgspec.json.encode({**schedule.input, "slot": slot_text(at)}),
        source=f"schedule:{schedule.name}",
        root=execution,
        slot=at,
        created_at=now,
        owner=owner,
    )


def _entries(decision: Decision, executions: list[Execution]) -> list[SlotEntry]:
    entries = [
        SlotEntry(at=slot.at, last=slot.at, count=1, status="started", execution=execution.id)
        for slot, execution in zip(decision.start, executions, strict=True)
    ]
    entries += [SlotEntry(at=slot.at, last=slot.at, count=1, status="queued") for slot in decision.queue]
    entries += [
        SlotEntry(at=skipped.first, last=skipped.last, count=skipped.count, status="skipped", reason=skipped.reason)
        for skipped in decision.skip
    ]
    return entries
