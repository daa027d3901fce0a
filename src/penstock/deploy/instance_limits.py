"""What an instance cannot do, found before anything is deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.deploy.kit import has_bucket, on_instance
from penstock.deploy.resources.schedule import aligned
from penstock.deploy.service_calls import calls, has_distributed_map
from penstock.errors import Finding
from penstock.model.deployment import Architecture
from penstock.model.pipeline import Definition
from penstock.model.schedule import Schedule
from penstock.model.workflow import EventTrigger, ObjectTrigger

DAILY = re.compile(r"cron\(([0-9]{1,2}) ([0-9]{1,2}) \* \* \? \*\)")
# Families with Graviton: their generation is followed by a g. https://docs.aws.amazon.com/ec2/latest/instancetypes/
GRAVITON = re.compile(r"(a1|[a-z]+[0-9]+g[a-z]*|im4gn|is4gen)\.")
# What the role, the log and the zip of the instance are called.
NAME = "instance"
# What is written into a crontab and into a shell's command.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def processor(definition: Definition) -> Architecture:
    """Returns what the chosen instance's processor is."""
    return "arm64" if GRAVITON.match(definition.deployment.instance_type) else "x86_64"


def daily(schedule: Schedule) -> tuple[int, int] | None:
    """Returns the minute and the hour of a schedule that runs once a day; None of any other."""
    match = DAILY.fullmatch(aligned(schedule.expression))
    return None if match is None else (int(match[1]), int(match[2]))


def limits(definition: Definition) -> list[Finding]:
    """Returns what an instance cannot do; nothing where there is none."""
    return list(_findings(definition)) if on_instance(definition) else []


def _findings(definition: Definition) -> Iterator[Finding]:
    place, chosen = f"pipeline {definition.name}", definition.deployment
    back = 'choose compute="lambda"'
    if not definition.warehouses:
        yield Finding(place, "instance-network", "an instance is in the network of a warehouse: there is none", back)
    if not has_bucket(definition):
        message = "an instance reads its code from the lake's bucket: there is neither a lake table nor an inbox"
        yield Finding(place, "instance-bucket", message, back)
    if chosen.architecture != processor(definition):
        message = (
            f"{chosen.instance_type} has an {processor(definition)} processor, and code is built for "
            f"{chosen.architecture}"
        )
        hint = f'choose architecture="{processor(definition)}", or another instance_type='
        yield Finding(place, "instance-processor", message, hint)
    if NAME in definition.tasks:
        message = f"task {NAME!r} has the name of the instance"
        yield Finding(definition.tasks[NAME].place, "task-name", message, "rename the task")
    yield from _clock(definition, back)
    yield from _triggers(definition, back)
    for workflow in definition.workflows.values():
        services = [one.state for one in calls(workflow) if one.call.service != "lambda" or one.call.waits]
        if services or has_distributed_map(workflow):
            what = f"calls other services in {', '.join(services)}" if services else "has a distributed Map"
            message = f"workflow {workflow.name!r} {what}, which an instance has nothing for: it calls tasks"
            yield Finding(workflow.place, "instance-call", message, back)


def _clock(definition: Definition, back: str) -> Iterator[Finding]:
    if not definition.schedules:
        message = "an instance runs by the clock: there is no schedule"
        yield Finding(f"pipeline {definition.name}", "instance-clock", message, f"add a cron; or {back}")
    for schedule in definition.schedules.values():
        if daily(schedule) is None:
            message = f"schedule {schedule.name!r} is {schedule.expression}, and an instance's are daily"
            yield Finding(schedule.place, "instance-clock", message, f"write cron(0 6 * * ? *); or {back}")
        if PLAIN.fullmatch(schedule.name) is None:
            message = f"schedule {schedule.name!r} is to be a word of a crontab"
            yield Finding(schedule.place, "instance-clock", message, "use letters, digits and hyphens")


def _triggers(definition: Definition, back: str) -> Iterator[Finding]:
    """What arrives is looked for by the clock: a trigger's workflow has to have a schedule as well."""
    scheduled = {schedule.workflow for schedule in definition.schedules.values()}
    others: list[ObjectTrigger | EventTrigger] = [*definition.triggers.values(), *definition.event_triggers.values()]
    for trigger in others:
        message = f"trigger {trigger.name!r} starts a workflow by itself, and an instance runs by the clock alone"
        yield Finding(trigger.place, "instance-trigger", message, back)
    for inbox in definition.inbox_triggers.values():
        if inbox.workflow not in scheduled:
            message = f"trigger {inbox.name!r}: workflow {inbox.workflow!r} would never run for a file that arrives"
            yield Finding(inbox.place, "instance-trigger", message, f"give it a schedule as well; or {back}")
