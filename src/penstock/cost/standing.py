"""What costs by the time that it is there, used or not: alarms, dashboards, keys, networks, databases, instances."""

from __future__ import annotations

from collections.abc import Container, Iterator

from penstock.cost.lines import Quantity
from penstock.cost.sealing import alarms_of_sealing
from penstock.cost.traffic import MONTH_HOURS
from penstock.cost.usage import Usage
from penstock.model.access import Kind
from penstock.model.pipeline import Definition
from penstock.watch.windows import check_window

# A pipeline's network reaches these by an endpoint that costs by the hour.
INTERFACES = {Kind.TOPIC: "SNS", Kind.QUEUE: "SQS", Kind.EVENT_BUS: "EventBridge"}
# An instance reaches these always: its shell has two, its log one.
INSTANCE_WAYS = ("Systems Manager", "its sessions", "CloudWatch Logs")
INSTANCE_DISK_GB = 16
# Every deployment has two of its own: for tasks that were killed, and for dead letters.
OWN_ALARMS = 2
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
HIGH_RESOLUTION_SECONDS = 60


def standing(definition: Definition, usage: Usage, priced: Container[str]) -> Iterator[Quantity]:
    """Yields what a month costs in which nothing happens.

    Args:
        priced: has the codes of the classes of machines that have a price.
    """
    yield from _watching(definition)
    yield from _messages(definition, usage)
    yield from _catalog(definition)
    yield from _network(definition, usage)
    yield from _warehouses(definition, priced)
    yield from _instance(definition, priced)


def unpriced(definition: Definition, priced: Container[str]) -> tuple[str, ...]:
    """Returns what a price book does not know."""
    chosen, found = definition.deployment, []
    if definition.warehouses and chosen.database_class not in priced:
        found.append(f"hours of a database of class {chosen.database_class}")
    if chosen.compute == "ec2" and chosen.instance_type not in priced:
        found.append(f"hours of an instance of type {chosen.instance_type}")
    return tuple(found)


def _watching(definition: Definition) -> Iterator[Quantity]:
    watched = [a for a in definition.alarms.values() if not check_window(a.period_seconds, a.evaluation_periods)]
    often = [alarm for alarm in watched if alarm.period_seconds < HIGH_RESOLUTION_SECONDS]
    usual = len(watched) - len(often) + OWN_ALARMS + alarms_of_sealing(definition)
    yield Quantity("alarms", "alarms", usual)
    yield Quantity("alarms-high-resolution", "alarms of less than a minute", len(often))
    yield Quantity("composite-alarms", "composite alarms", len(definition.composite_alarms))
    yield Quantity("dashboards", "dashboards", len(definition.dashboards))


def _messages(definition: Definition, usage: Usage) -> Iterator[Quantity]:
    if definition.deployment.encryption_key:
        yield Quantity("kms-key", "the key of topics and queues", 1)
    yield Quantity("secrets", "secrets", usage.secrets)


def _catalog(definition: Definition) -> Iterator[Quantity]:
    if definition.lake_tables:
        objects = 1 + len(definition.lake_tables) * (3 + definition.deployment.sealing)
        yield Quantity("glue-catalog", "tables", objects)


def _network(definition: Definition, usage: Usage) -> Iterator[Quantity]:
    ways = _ways(definition)
    if definition.deployment.vpc and ways:
        yield Quantity("endpoint-hours", f"the way to {', '.join(ways)}", usage.zones * len(ways) * MONTH_HOURS)


def _warehouses(definition: Definition, priced: Container[str]) -> Iterator[Quantity]:
    count, chosen = len(definition.warehouses), definition.deployment
    if not count:
        return
    if chosen.database_class in priced:
        yield Quantity(chosen.database_class, "databases of warehouses", count * MONTH_HOURS)
    # Backups cost nothing up to the size of the disk.
    yield Quantity("db-storage", "disks of warehouses", count * chosen.database_storage_gb)
    yield Quantity("endpoint-hours", "the way to Secrets Manager", MONTH_HOURS)
    # RDS keeps the password of each owner there.
    yield Quantity("secrets", "passwords of owners", count)


def _instance(definition: Definition, priced: Container[str]) -> Iterator[Quantity]:
    if definition.deployment.compute != "ec2":
        return
    if definition.deployment.instance_type in priced:
        yield Quantity(definition.deployment.instance_type, "the instance", MONTH_HOURS)
    yield Quantity("gp3-storage", "the instance's disk", INSTANCE_DISK_GB)
    ways = [*INSTANCE_WAYS, *_ways(definition)]
    yield Quantity("endpoint-hours", f"the instance's way to {', '.join(ways)}", len(ways) * MONTH_HOURS)


def _ways(definition: Definition) -> list[str]:
    kinds = {grant.kind for task in definition.tasks.values() for grant in task.grants}
    return [service for kind, service in INTERFACES.items() if kind in kinds]
