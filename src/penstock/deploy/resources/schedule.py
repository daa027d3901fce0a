"""Schedules: EventBridge Scheduler. https://docs.aws.amazon.com/scheduler/latest/UserGuide/"""

from __future__ import annotations

import json
import math
import re

from penstock.deploy.access import USE_KEY
from penstock.deploy.hcl import Block, Expression, identifier, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, long_role_name, machine_address, named
from penstock.deploy.policy import Statement, role
from penstock.errors import Finding
from penstock.model.pipeline import Definition
from penstock.model.schedule import CatchUp, Overlap, Schedule

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SLOT = "<aws.scheduler.scheduled-time>"
RETRIES = 3
AGE_SECONDS = 3600
JITTER_LIMIT_MINUTES = 1440
_RATE = re.compile(r"rate\(([0-9]+)[ \t]+(minute|hour|day)s?\)")


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns schedules and their roles."""
    definition = site.definition
    made, access = [], []
    for schedule in definition.schedules.values():
        made.append(_schedule(definition, schedule))
        access += _role(definition, schedule)
    return {"workflow": made, "access": access}


def limits(definition: Definition) -> list[Finding]:
    """Returns what EventBridge Scheduler would refuse, or do in another way than the machine."""
    schedules = definition.schedules.values()
    found = [finding for schedule in schedules for finding in _findings(schedule)]
    names = [(schedule.place, f"{definition.name}-{schedule.name}-schedule") for schedule in schedules]
    return found + long_role_name(names)


def aligned(expression: str) -> str:
    """Returns an expression with the slots that the machine has.

    The machine counts rates from the epoch; EventBridge counts from when the schedule is made. A rate that divides
    an hour or a day is therefore deployed as the cron expression of the same slots; any other stays as it is.
    """
    match = _RATE.fullmatch(expression)
    if match is None:
        return expression
    count, unit = int(match[1]), match[2]
    if unit == "minute" and 60 % count == 0:
        return f"cron({_every(count, 60)} * * * ? *)"
    minutes = count if unit == "minute" else count * 60
    if unit in {"minute", "hour"} and minutes % 60 == 0 and 1440 % minutes == 0:
        return f"cron(0 {_every(minutes // 60, 24)} * * ? *)"
    return "cron(0 0 * * ? *)" if unit == "day" and count == 1 else expression


def _every(count: int, whole: int) -> str:
    return "*" if count == 1 else "0" if count == whole else f"0/{count}"


def _findings(schedule: Schedule) -> list[Finding]:
    found = []
    deployed = aligned(schedule.expression)
    if deployed.startswith("rate("):
        message = f"schedule {schedule.name!r}: {deployed} counts from the deployment in AWS, from the epoch here"
        found.append(Finding(schedule.place, "rate-not-aligned", message, "write it as cron(…), or accept other slots"))
    if "second" in schedule.expression:
        message = f"schedule {schedule.name!r} runs every few seconds, which is possible on a machine only"
        found.append(Finding(schedule.place, "schedule-too-often", message, "EventBridge begins at one minute"))
    if schedule.overlap is not Overlap.ALLOW:
        message = f"schedule {schedule.name!r}: overlap={schedule.overlap.value!r} is not known to EventBridge"
        found.append(Finding(schedule.place, "overlap-not-in-aws", message, "let the workflow bear two runs at once"))
    if schedule.catch_up is CatchUp.ALL:
        message = f"schedule {schedule.name!r}: slots missed while it was disabled are not caught up in AWS"
        found.append(Finding(schedule.place, "catch-up-not-in-aws", message, "start them by hand"))
    return found


def _schedule(definition: Definition, schedule: Schedule) -> Block:
    name = identifier(schedule.name)
    window = math.ceil(schedule.jitter_seconds / 60)
    flexible = (
        {"mode": "FLEXIBLE", "maximum_window_in_minutes": min(window, JITTER_LIMIT_MINUTES)}
        if window
        else {"mode": "OFF"}
    )
    expression = aligned(schedule.expression)
    note = "" if expression == schedule.expression else f" ({schedule.expression}, counted as on the machine)"
    value = json.dumps({**schedule.input, "slot": SLOT})
    return resource(
        "aws_scheduler_schedule",
        name,
        {
            "name": named(f"{definition.name}-{schedule.name}"),
            "schedule_expression": Expression(
                f'lookup(var.schedule_expressions, "{schedule.name}", {json.dumps(expression)})'
            ),
            # The machine counts rates in UTC, whatever the zone.
            "schedule_expression_timezone": "UTC" if schedule.expression.startswith("rate(") else schedule.timezone,
            "state": Expression('var.schedules_enabled ? "ENABLED" : "DISABLED"'),
        },
        nested("flexible_time_window", flexible),
        target(name, machine_address(schedule.workflow), value),
        comment=f"Schedule {schedule.name} starts workflow {schedule.workflow}{note}.",
    )


def _role(definition: Definition, schedule: Schedule) -> list[Block]:
    start = Statement(
        sid="StartWorkflow",
        actions=("states:StartExecution",),
        resources=(Expression(f"{machine_address(schedule.workflow)}.arn"),),
    )
    comment = f"What schedule {schedule.name} may do: start its workflow."
    return starting_role(definition, schedule.name, start, comment)


def target(name: str, address: str, value: str) -> Block:
    """Returns what a schedule starts, how often it tries, and where what it could not start is kept.

    Args:
        name: the schedule's name in Terraform; ``address`` that of what it starts.
        value: the input, as JSON.
    """
    return nested(
        "target",
        {
            "arn": Expression(f"{address}.arn"),
            "role_arn": Expression(f"aws_iam_role.schedule_{name}.arn"),
            "input": value,
        },
        nested("retry_policy", {"maximum_retry_attempts": RETRIES, "maximum_event_age_in_seconds": AGE_SECONDS}),
        nested("dead_letter_config", {"arn": Expression("aws_sqs_queue.dead_letters.arn")}),
    )


def starting_role(definition: Definition, name: str, start: Statement, comment: str) -> list[Block]:
    """Returns the role in which a schedule starts what it is for, and keeps what it could not start."""
    keep = Statement(
        sid="KeepWhatFailed",
        actions=("sqs:SendMessage",),
        resources=(Expression("aws_sqs_queue.dead_letters.arn"),),
    )
    return role(
        f"schedule_{identifier(name)}",
        named(f"{definition.name}-{name}-schedule"),
        "scheduler.amazonaws.com",
        [start, keep, *([USE_KEY] if definition.deployment.encryption_key else [])],
        comment=comment,
    )


CAPABILITY = Capability(
    name="schedule",
    purpose="Starts workflows by the clock, tries again, and keeps what it could not start",
    blocks=blocks,
    limits=limits,
)
