"""What a promotion would carry, what must be done first, and what stays."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.deploy import carry
from penstock.deploy.carry import ItemSurvey, MetricKey, ObjectSurvey
from penstock.deploy.destination import Destination
from penstock.lake.catalog import ARCHIVE_PREFIX
from penstock.lake.inbox_keys import inbox_prefix
from penstock.lake.layout import ZONES, table_prefix
from penstock.model.pipeline import Definition
from penstock.ports.journal import Filter
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.promoted import read_promotions

SHOWN = 1000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a promotion would carry.

    Attributes:
        objects: by prefix.
        items: by hot table.
        datapoints, old_datapoints: to be published, and too old for CloudWatch.
        obstacles: what must be done first.
        staying: what is not carried.
    """

    account: str
    region: str
    objects: dict[str, ObjectSurvey]
    items: dict[str, ItemSurvey]
    datapoints: int
    old_datapoints: int
    obstacles: list[str]
    staying: list[str]


def make_plan(definition: Definition, home: Home, destination: Destination, *, leave_messages: bool = False) -> Plan:
    """Returns what would be carried, and changes nothing."""
    before = read_promotions(home.path).get(definition.name)
    position = 0 if before is None else before.position
    hot = DynamoDbHotStore(home.clock, names=destination.hot_tables, region=destination.region)
    now = home.clock.now()
    recent, old = carry.count_datapoints(home.metrics, own_metrics(definition), position, now)
    return Plan(
        account=destination.account,
        region=destination.region,
        objects={prefix: survey_lake(home, destination, [prefix]) for prefix in own_prefixes(definition)},
        items={name: carry.survey_items(table, home.hot, hot) for name, table in definition.hot_tables.items()},
        datapoints=recent,
        old_datapoints=old,
        obstacles=obstacles(definition, home, leave_messages=leave_messages),
        staying=staying(definition, home, old),
    )


def survey_lake(home: Home, destination: Destination, prefixes: Sequence[str]) -> ObjectSurvey:
    """Compares the objects of a home with those in the account."""
    if not prefixes:
        return ObjectSurvey()
    lake = S3ObjectStore(destination.bucket, region=destination.region)
    return carry.survey_objects(home.objects, lake, prefixes)


def own_prefixes(definition: Definition) -> list[str]:
    """Returns what the keys of a pipeline's objects begin with, those in the archive too."""
    zones = (*ZONES, f"{ARCHIVE_PREFIX}raw")
    tables = [table_prefix(table, zone) for zone in zones for table in definition.lake_tables]
    return [*tables, *map(inbox_prefix, definition.inboxes)]


def own_metrics(definition: Definition) -> set[MetricKey]:
    """Returns the metrics that are the pipeline's own."""
    found = [*definition.metrics.values(), *(alarm.metric for alarm in definition.alarms.values())]
    found += [one for task in definition.tasks.values() for one in (task.errors, task.duration) if one is not None]
    found += [table.throttles for table in definition.hot_tables.values() if table.throttles is not None]
    return {carry.series_key(metric) for metric in found}


def obstacles(definition: Definition, home: Home, *, leave_messages: bool = False) -> list[str]:
    """Returns what is unfinished in a home; messages in queues too, unless they are left behind."""
    name = definition.name
    found = []
    if unfinished := home.journal.unfinished(pipeline=name):
        found.append(f"{unfinished} executions are unfinished")
    due = home.bus.due((name,), SHOWN)
    due += [event for event in home.bus.announced() if event.pipeline == name]
    if due:
        found.append(f"{len(due)} new objects wait for their workflows")
    folders = (*definition.lake_tables, *definition.inboxes)
    waiting = [path for folder in folders for path in (home.inbox / folder).glob("[!.]*")]
    if waiting:
        found.append(f"{len(waiting)} files wait in the inbox, such as {waiting[0]}")
    if not leave_messages:
        found += [f"queue {queue!r} holds {count} messages" for queue, count in messages(definition, home).items()]
    return found


def messages(definition: Definition, home: Home) -> dict[str, int]:
    """Returns how many messages each queue holds that is not empty, received and delayed ones among them."""
    counts = {name: home.queues.counts(queue) for name, queue in definition.queues.items()}
    held = {name: one.waiting + one.in_flight + one.delayed for name, one in counts.items()}
    return {name: count for name, count in held.items() if count}


def staying(definition: Definition, home: Home, old_datapoints: int) -> list[str]:
    """Returns what is not carried, a line each."""
    told = [
        "the history of executions stays on this machine: `penstock executions` shows it",
        "states of alarms stay: CloudWatch finds them anew, from the datapoints",
    ]
    if old_datapoints:
        told.append(f"{old_datapoints} datapoints are older than two weeks, and CloudWatch takes none of these")
    dead = home.journal.find(Filter(pipelines=(definition.name,), dead_letter=True, limit=SHOWN))
    if dead:
        told.append(f"{len(dead)} executions failed for good: `penstock redrive` puts one through again, before this")
    told += [
        f"{count} messages of queue {queue!r} stay here: a message is carried by nobody, it is received or left"
        for queue, count in messages(definition, home).items()
    ]
    told += [
        f"rows of warehouse {name} stay: in the account its tables begin empty, and runs fill them from the inbox"
        for name in definition.warehouses
    ]
    pending = home.outbox.counts()["pending"]
    if pending:
        told.append(f"{pending} notifications are not delivered yet: `penstock up` delivers them, before this")
    return told
