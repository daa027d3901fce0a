"""Logs that are kept, and paid for, for ever."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan

GROUP = "aws_cloudwatch_log_group"


def never_expires(plan: Plan) -> Iterator[Fault]:
    """Yields log groups without a retention time."""
    for group in plan.of(GROUP):
        if group.get("retention_in_days") in (0, "0") or group.is_absent("retention_in_days"):
            yield Fault(group.address, "its logs never expire")


def without_group(plan: Plan) -> Iterator[Fault]:
    """Yields functions whose log group is not in the plan: Lambda makes one, which never expires."""
    groups = plan.of(GROUP)
    for function in plan.of("aws_lambda_function"):
        path = ("logging_config", 0, "log_group")
        chosen = function.text(*path)
        own = function.text("function_name")
        name = chosen or (f"/aws/lambda/{own}" if own and not function.is_unknown(*path) else None)
        if name is None or any(group.text("name") == name or group.is_unknown("name") for group in groups):
            continue
        if not plan.targets(function, *path, types=(GROUP,)):
            yield Fault(
                function.address, f"its log group {name} is not in the plan: Lambda makes one that never expires"
            )


_RETENTION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html"

RULES = (
    Rule(
        code="log-never-expires",
        severity=Severity.WARNING,
        what="A log group without a retention time",
        why="Logs are kept for ever, and each gigabyte is paid for every month",
        mend="write retention_in_days = var.log_retention_days",
        page=_RETENTION,
        check=never_expires,
    ),
    Rule(
        code="function-without-log-group",
        severity=Severity.WARNING,
        what="A function whose log group is not in the plan",
        why="Lambda makes the group at the first call: it never expires, and `destroy` leaves it",
        mend="add an aws_cloudwatch_log_group named /aws/lambda/<function> with retention_in_days",
        page="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html",
        check=without_group,
    ),
)
