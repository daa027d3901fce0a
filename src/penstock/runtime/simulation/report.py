"""What a simulation came to, read from the home that it left."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from penstock.lake.catalog import Partition
from penstock.model.alarms import Alarm, CompositeAlarm
from penstock.model.datasets import LakeTable
from penstock.model.endpoints import redact
from penstock.model.pipeline import Definition
from penstock.ports.journal import Filter
from penstock.runtime.lake.quarantined import read_quarantine
from penstock.runtime.machine.home import Home
from penstock.runtime.simulation.balance import EVERYTHING, problems
from penstock.runtime.simulation.plan import Plan

if TYPE_CHECKING:
    from penstock.cost.bill import Bill


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How many executions of a workflow ended so."""

    workflow: str
    status: str
    executions: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a zone of a lake table holds. ``records`` is None where it is not known without reading."""

    table: str
    zone: str
    objects: int
    bytes: int
    records: int | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an alarm."""

    at: float
    state: str
    reason: str
    notified: tuple[str, ...]


class Alarmed(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that fired, with all its changes, oldest first."""

    alarm: str
    severity: str
    fired: int
    changes: tuple[Change, ...]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint would have been told.

    Attributes:
        gave_up: messages that could not be delivered, because of a fault.
    """

    endpoint: str
    messages: int
    of_alarms: int
    waiting: int
    gave_up: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation, in numbers.

    Attributes:
        command: plays it again.
        start, end: in seconds since the epoch.
        bill: a month at this rate; None where nothing was metered.
        problems: what is not as it has to be; nothing, when all is there.
    """

    pipeline: str
    command: str
    home: str
    start: float
    end: float
    executions: tuple[Ran, ...]
    lake: tuple[Kept, ...]
    items: dict[str, int]
    datapoints: int
    alarms: tuple[Alarmed, ...]
    alarms_quiet: int
    notifications: tuple[Told, ...]
    kills: int
    warnings: tuple[str, ...]
    bill: Bill | None
    problems: tuple[str, ...]


def report(home: Home, definition: Definition, plan: Plan, *, kills: int, warnings: tuple[str, ...]) -> Report:
    """Returns what a simulation came to."""
    executions = home.journal.find(Filter(pipelines=(definition.name,), limit=EVERYTHING))
    ran = Counter((one.workflow, str(one.status)) for one in executions)
    alarms = _alarms(home, definition)
    return Report(
        pipeline=definition.name,
        command=plan.command(definition.name),
        home=str(home.path),
        start=plan.start,
        end=plan.end,
        executions=tuple(Ran(workflow=w, status=s, executions=count) for (w, s), count in sorted(ran.items())),
        lake=tuple(kept for table in definition.lake_tables.values() for kept in _kept(home, table)),
        items={name: home.hot.count(table) for name, table in definition.hot_tables.items()},
        datapoints=home.metrics.count(),
        alarms=alarms,
        alarms_quiet=len(definition.alarms) + len(definition.composite_alarms) - len(alarms),
        notifications=_told(home),
        kills=kills,
        warnings=warnings,
        bill=_bill(home, definition),
        problems=tuple(problems(home, definition, plan)),
    )


def _kept(home: Home, table: LakeTable) -> list[Kept]:
    partitions = home.lake_catalog.listing(table).partitions
    zones = {
        "raw": [one for partition in partitions for one in partition.raw],
        "archive": [one for partition in partitions for one in partition.archived],
        "quarantine": [one for partition in partitions for one in partition.quarantine],
    }
    found = [
        Kept(table=table.name, zone=zone, objects=len(held), bytes=sum(one.size_bytes for one in held),
             records=_records(home, partitions, zone))
        for zone, held in zones.items()
        if held
    ]  # fmt: skip
    sealed = [partition.sealed for partition in partitions if partition.sealed is not None]
    if sealed:
        found.append(
            Kept(table=table.name, zone="sealed", objects=len(sealed), bytes=sum(one.size_bytes for one in sealed),
                 records=sum(one.rows for one in sealed))
        )  # fmt: skip
    return found


def _records(home: Home, partitions: tuple[Partition, ...], zone: str) -> int | None:
    """Returns how many records a zone holds: of raw objects as far as sealing has counted them."""
    if zone == "quarantine":
        keys = [one.key for partition in partitions for one in partition.quarantine]
        return sum(1 for key in keys for _ in read_quarantine(home.objects, key))
    if zone == "archive" or any(partition.uncovered for partition in partitions):
        return None
    return sum(
        partition.sealed.sources[one.key].records
        for partition in partitions
        if partition.sealed is not None
        for one in partition.covered
    )


def _alarms(home: Home, definition: Definition) -> tuple[Alarmed, ...]:
    changes = defaultdict(list)
    for change in reversed(home.alarms.history([definition.name], limit=EVERYTHING)):
        changes[change.alarm].append(change)
    declared: list[Alarm | CompositeAlarm] = [*definition.alarms.values(), *definition.composite_alarms.values()]
    severities = {alarm.name: alarm.severity for alarm in declared}
    return tuple(
        Alarmed(
            alarm=name,
            severity=severities[name],
            fired=sum(one.state == "ALARM" for one in changes[name]),
            changes=tuple(
                Change(at=one.at, state=one.state, reason=one.reason, notified=one.notified) for one in changes[name]
            ),
        )
        for name in severities
        if any(one.state == "ALARM" for one in changes[name])
    )


def _told(home: Home) -> tuple[Told, ...]:
    rows = defaultdict(list)
    for row in home.outbox.rows(limit=EVERYTHING):
        rows[row.endpoint].append(row)
    return tuple(
        Told(
            endpoint=redact(endpoint),
            messages=len(found),
            of_alarms=sum(bool(row.message.data and "AlarmName" in row.message.data) for row in found),
            waiting=sum(row.status == "pending" for row in found),
            gave_up=sum(row.status == "dead" for row in found),
        )
        for endpoint, found in sorted(rows.items())
    )


def _bill(home: Home, definition: Definition) -> Bill | None:
    if home.meter is None:
        return None
    from penstock.cost.prices import book
    from penstock.runtime.machine.billing import measured_bill

    return measured_bill(home.meter, {definition.name: definition}, book(definition.region))
