"""Alarms and functions against the schedules that feed them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from penstock.deploy.doctor.cadence import Cadence, cadences, expression, timetable
from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.resource import Resource
from penstock.deploy.doctor.rules.alarms import METRIC_ALARM, waits_for_silence

COUNTS = {"Sum", "SampleCount"}
# CloudWatch evaluates more periods than asked for when some are empty.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
EXTRA_PERIODS = 2
DIMENSION_OF = {"AWS/Lambda": "FunctionName", "AWS/States": "StateMachineArn"}


def feeding(plan: Plan, alarm: Resource, known: Mapping[str, Sequence[Cadence]]) -> list[Cadence]:
    """Returns the rhythms in which a metric can be published; empty when no schedule decides it.

    A metric of AWS's own is that of the function or state machine in its dimensions, one of a log filter comes with
    the function that writes the log. Any other may come from every scheduled function: the fastest schedule stands for
    them all, so that what is too short for it is too short for each.

    Args:
        known: the rhythms of functions and state machines, by address.
    """
    namespace = alarm.text("namespace")
    if namespace is None or not known:
        return []
    if namespace.startswith("AWS/"):
        return [one for fed in _own(plan, alarm, namespace) for one in known.get(fed.address, ())]
    filters = [one for one in plan.of("aws_cloudwatch_log_metric_filter") if _publishes(one, alarm)]
    if filters:
        groups = [group for one in filters for group in plan.targets(one, "log_group_name") or ()]
        functions = [one for group in groups for one in writers(plan, group)]
        found = [one for function in functions for one in known.get(function.address, ())]
        if found:
            return found
    everything = [one for found in known.values() for one in found]
    return [min(everything, key=lambda one: one.longest_seconds)]


def _own(plan: Plan, alarm: Resource, namespace: str) -> list[Resource]:
    dimension = DIMENSION_OF.get(namespace)
    name = alarm.text("dimensions", dimension) if dimension else None
    if name is not None:
        return plan.named(name)
    return (plan.targets(alarm, "dimensions") or []) if dimension else []


def _publishes(one: Resource, alarm: Resource) -> bool:
    return any(
        made.text("namespace") == alarm.text("namespace") and made.text("name") == alarm.text("metric_name")
        for made in one.blocks("metric_transformation")
    )


def writers(plan: Plan, group: Resource) -> list[Resource]:
    """Returns the functions that write into a log group."""
    name = group.text("name") or ""
    return [
        one
        for one in plan.of("aws_lambda_function")
        if f"/aws/lambda/{one.text('function_name')}" == name
        or group in (plan.targets(one, "logging_config", 0, "log_group", types=(group.type,)) or ())
    ]


def hasty_dead_man(plan: Plan) -> Iterator[Fault]:
    """Yields alarms that take the time between two runs for the end of all runs."""
    known = cadences(plan)
    for alarm in plan.of(METRIC_ALARM):
        period, needed = alarm.number("period"), _datapoints(alarm)
        if alarm.text("treat_missing_data") != "breaching" or not period or needed is None:
            continue
        fed = feeding(plan, alarm, known)
        if not fed:
            continue
        rhythm = min(fed, key=lambda one: one.empty_periods(period))
        empty = rhythm.empty_periods(period)
        if needed <= empty:
            longest = rhythm.longest_seconds + rhythm.window_seconds
            message = (
                f"it fires after {needed:g} empty periods of {period:g} s, but {rhythm.schedule} leaves up to {empty} "
                f"empty between two runs ({said(longest)} apart): a false alarm in every cycle"
            )
            mend = f"write evaluation_periods = {math.ceil(2 * longest / period)}, which is two cadences"
            yield Fault(alarm.address, message, mend)


def too_short(plan: Plan) -> Iterator[Fault]:
    """Yields alarms with never enough datapoints in their window, and those that forget between two runs."""
    known = cadences(plan)
    for alarm in plan.of(METRIC_ALARM):
        period, count, needed = alarm.number("period"), alarm.number("evaluation_periods"), _datapoints(alarm)
        missing = alarm.text("treat_missing_data") or "missing"
        if not period or not count or needed is None or missing == "breaching":
            continue
        if alarm.is_unknown("treat_missing_data") or waits_for_silence(alarm):
            continue
        fed = feeding(plan, alarm, known)
        if not fed:
            continue
        rhythm = min(fed, key=lambda one: one.shortest_seconds)
        cadence = rhythm.shortest_seconds
        possible = math.ceil((count + EXTRA_PERIODS) * period / max(cadence, period))
        mend = f"write period = {_whole(cadence)}, or silence this rule if the metric comes from elsewhere"
        if possible < needed:
            message = (
                f"it needs {needed:g} datapoints of {period:g} s, but {rhythm.schedule} runs every {said(cadence)}"
            )
            yield Fault(alarm.address, f"{message}: it never fires", mend)
        elif count * period < cadence and missing != "ignore" and alarm.text("statistic") not in COUNTS:
            then = "INSUFFICIENT_DATA" if missing == "missing" else "OK"
            message = f"its window is {said(count * period)}, but {rhythm.schedule} runs every {said(cadence)}"
            yield Fault(alarm.address, f"{message}: it goes back to {then} with nothing mended", mend)


def misaligned(plan: Plan) -> Iterator[Fault]:
    """Yields alarms on sums whose periods hold now more runs, now fewer."""
    known = cadences(plan)
    for alarm in plan.of(METRIC_ALARM):
        period = alarm.number("period")
        if not period or alarm.text("statistic") not in COUNTS:
            continue
        for rhythm in feeding(plan, alarm, known)[:1]:
            cadence = rhythm.shortest_seconds
            if cadence == rhythm.longest_seconds and cadence < period and period % cadence:
                message = (
                    f"a period of {said(period)} holds now more runs of {rhythm.schedule}, now fewer: "
                    f"they are {said(cadence)} apart"
                )
                yield Fault(alarm.address, message, f"write period = {_whole(cadence * (period // cadence))}")


def outlives_schedule(plan: Plan) -> Iterator[Fault]:
    """Yields functions that may still run when their schedule starts them again."""
    known = cadences(plan)
    for function in plan.of("aws_lambda_function"):
        seconds = function.number("timeout")
        rhythm = min(known.get(function.address, ()), key=lambda one: one.shortest_seconds, default=None)
        if seconds is not None and rhythm is not None and seconds > rhythm.shortest_seconds:
            cadence = rhythm.shortest_seconds
            message = f"it may take {said(seconds)}, but {rhythm.schedule} starts it every {said(cadence)}"
            yield Fault(function.address, message, f"write timeout = {int(cadence)}, or run it less often")


def unreadable_schedule(plan: Plan) -> Iterator[Fault]:
    """Yields schedules that EventBridge refuses, and those that are never due."""
    for schedule in plan.of("aws_scheduler_schedule", "aws_cloudwatch_event_rule"):
        text = expression(schedule)
        if text is None:
            continue
        table = timetable(schedule)
        if table is None or table.machine_only or not table.is_satisfiable:
            why = (
                "is never due" if table is not None and not table.is_satisfiable else "is not understood by EventBridge"
            )
            yield Fault(schedule.address, f"{text!r} {why}")


def disabled_schedule(plan: Plan) -> Iterator[Fault]:
    """Yields schedules that are switched off."""
    for schedule in plan.of("aws_scheduler_schedule", "aws_cloudwatch_event_rule"):
        if schedule.text("state") == "DISABLED" or schedule.get("is_enabled") is False:
            yield Fault(schedule.address, "it is switched off: nothing is started")


def _datapoints(alarm: Resource) -> float | None:
    if alarm.is_unknown("datapoints_to_alarm"):
        return None
    return alarm.number("datapoints_to_alarm") or alarm.number("evaluation_periods")


def _whole(seconds: float) -> int:
    """Returns a period that CloudWatch knows and that is long enough."""
    return max(60, math.ceil(seconds / 60) * 60)


def said(seconds: float) -> str:
    """Returns a time in its largest whole unit."""
    for name, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"


_MISSING_DATA = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"
_SCHEDULES = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"

RULES = (
    Rule(
        code="dead-man-hasty",
        severity=Severity.ERROR,
        what="A dead-man alarm whose window is shorter than the schedule's cadence",
        why="It fires between any two runs, and is soon ignored",
        mend="make period * evaluation_periods longer than the time between two runs",
        page=_MISSING_DATA,
        check=hasty_dead_man,
    ),
    Rule(
        code="alarm-faster-than-data",
        severity=Severity.WARNING,
        what="An alarm whose window holds too few runs of the schedule that feeds it",
        why="It never has its datapoints, or goes back to OK or INSUFFICIENT_DATA with nothing mended",
        mend="write the schedule's cadence as period, or silence this rule for a metric that comes from elsewhere",
        page=_MISSING_DATA,
        check=too_short,
    ),
    Rule(
        code="alarm-misaligned",
        severity=Severity.INFO,
        what="An alarm on a count whose period is no multiple of the cadence",
        why="The same state of affairs is above the threshold in one period, and below it in the next",
        mend="write a multiple of the cadence as period",
        page="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html",
        check=misaligned,
    ),
    Rule(
        code="function-outlives-schedule",
        severity=Severity.WARNING,
        what="A function whose timeout is longer than the schedule's cadence",
        why="A run that hangs is still there when the next one starts, and both write",
        mend="write a timeout below the cadence",
        page="https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html",
        check=outlives_schedule,
    ),
    Rule(
        code="schedule-unreadable",
        severity=Severity.ERROR,
        what="A schedule expression that EventBridge refuses, or that is never due",
        why="The apply fails, or nothing is ever started",
        mend='write schedule_expression = "rate(3 hours)" or "cron(0 8 ? * MON-FRI *)"',
        page=_SCHEDULES,
        check=unreadable_schedule,
    ),
    Rule(
        code="schedule-disabled",
        severity=Severity.INFO,
        what="A schedule that is switched off",
        why="Nothing is started, and dead-man alarms fire",
        mend="write schedules_enabled = true in terraform.tfvars",
        page="https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-state.html",
        check=disabled_schedule,
    ),
)
