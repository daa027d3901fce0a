"""Whether all is there at the end of a simulation: every slot, every object, every record, every notification."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from penstock.lake.catalog import Partition
from penstock.model.pipeline import Definition
from penstock.ports.alarms import AlarmChange
from penstock.ports.journal import Execution, Filter, Status
from penstock.runtime.machine.home import Home
from penstock.runtime.names import object_id
from penstock.runtime.simulation.plan import Plan
from penstock.schedules import parse
from penstock.schedules.slots import slot_of

EVERYTHING = 10_000_000
# A decision may wait for a process that is killed, and for a clock that is set.
DECIDED_WITHIN_SECONDS = 7200.0


def problems(home: Home, definition: Definition, plan: Plan) -> list[str]:
    """Returns what is not as it has to be; nothing, when all is there."""
    executions = home.journal.find(Filter(pipelines=(definition.name,), limit=EVERYTHING, with_map_children=True))
    by_id = {execution.id: execution for execution in executions}
    return [
        *_slots(home, definition, plan, by_id),
        *_executions(executions),
        *_objects(home, definition, by_id),
        *_partitions(home, definition, plan),
        *_alarms(home, definition),
        *_deliveries(home, plan),
    ]


def _slots(home: Home, definition: Definition, plan: Plan, by_id: Mapping[str, Execution]) -> Iterator[str]:
    """Every slot is decided: it was started, or it is said why not."""
    for schedule in definition.schedules.values():
        entries = home.ledger.entries(definition.name, schedule.name, EVERYTHING)
        for entry in entries:
            if entry.status == "started" and entry.execution not in by_id:
                yield f"schedule {schedule.name}: the slot {entry.at:.0f} started {entry.execution}, which is not there"
        decided = [(entry.at, entry.last) for entry in entries]
        timetable = parse(schedule.expression, schedule.timezone)
        until = plan.end - DECIDED_WITHIN_SECONDS
        for at in timetable.between(plan.begin, until):
            is_due = slot_of(schedule, timetable, at).due_at < until
            if is_due and not any(first <= at <= last for first, last in decided):
                yield f"schedule {schedule.name}: nothing is known of the slot {at:.0f}"


def _executions(executions: Sequence[Execution]) -> Iterator[str]:
    for execution in executions:
        failed = execution.status in {Status.FAILED, Status.TIMED_OUT}
        if failed is not execution.dead_letter:
            yield f"execution {execution.id} is {execution.status}, and {'no' if failed else 'a'} dead letter"


def _objects(home: Home, definition: Definition, by_id: Mapping[str, Execution]) -> Iterator[str]:
    """Every object that a trigger watches has started its workflow."""
    for trigger in definition.triggers.values():
        for info in home.objects.list(f"raw/{trigger.table}/"):
            if object_id(definition.name, trigger.name, info.key) not in by_id:
                yield f"object {info.key} has started nothing"


def _partitions(home: Home, definition: Definition, plan: Plan) -> Iterator[str]:
    for table in definition.lake_tables.values():
        for partition in home.lake_catalog.listing(table).partitions:
            if partition.sealed is not None and not partition.sealed.is_balanced:
                yield f"{table.name} {partition.path}: {_unbalanced(partition)}"
            is_closed = partition.end + table.seal_after_seconds + DECIDED_WITHIN_SECONDS <= plan.end
            if is_closed and partition.sealed is None and partition.raw:
                yield f"{table.name} {partition.path} is closed, and not sealed"


def _unbalanced(partition: Partition) -> str:
    counts = partition.counts
    rows = partition.sealed.rows if partition.sealed else 0
    return (
        f"{counts.records} records are {rows} sealed, {counts.quarantined} in quarantine and {counts.duplicates} double"
    )


def _alarms(home: Home, definition: Definition) -> Iterator[str]:
    """Every change begins where the one before it ended, says why, and has told whom it says that it told."""
    told = {(row.message.topic, row.message.created_at) for row in home.outbox.rows(limit=EVERYTHING)}
    history = home.alarms.history([definition.name], limit=EVERYTHING)
    history.reverse()
    changes = sorted(history, key=lambda one: one.alarm)
    for name, found in itertools.groupby(changes, key=lambda one: one.alarm):
        before: AlarmChange | None = None
        for change in found:
            expected = "INSUFFICIENT_DATA" if before is None else before.state
            if change.previous != expected and name not in definition.composite_alarms:
                yield f"alarm {name} went from {change.previous} at {change.at:.0f}, where it was {expected}"
            if not change.reason:
                yield f"alarm {name} does not say why it went to {change.state} at {change.at:.0f}"
            for topic in change.notified:
                if definition.topics[topic].subscriptions and (topic, change.at) not in told:
                    yield f"alarm {name} told {topic} at {change.at:.0f}, and there is no message"
            before = change


def _deliveries(home: Home, plan: Plan) -> Iterator[str]:
    for row in home.outbox.rows("pending", limit=EVERYTHING):
        if row.due_at < plan.end - DECIDED_WITHIN_SECONDS:
            yield f"message {row.message.subject!r} to {row.endpoint} was due at {row.due_at:.0f} and nobody has tried"
