"""Alarms that cannot be made, that never fire, or that nobody hears."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.resource import Resource
from penstock.watch.windows import check_window

METRIC_ALARM = "aws_cloudwatch_metric_alarm"
COMPOSITE = "aws_cloudwatch_composite_alarm"
ACTIONS = ("alarm_actions", "ok_actions", "insufficient_data_actions")
_RULE_NAME = re.compile(r"""(?:ALARM|OK|INSUFFICIENT_DATA)\(\s*(?:"([^"]+)"|'([^']+)'|([^\s()"']+))\s*\)""")


def impossible_window(plan: Plan) -> Iterator[Fault]:
    """Yields alarms whose period or window CloudWatch refuses."""
    for alarm in plan.of(METRIC_ALARM):
        count = alarm.number("evaluation_periods")
        mistakes = [check_window(int(seconds), int(count or 1)) for seconds in _periods(alarm)]
        mistake = next(filter(None, mistakes), None)
        if mistake is not None:
            yield Fault(alarm.address, mistake)


def _periods(alarm: Resource) -> list[float]:
    """Returns an alarm's period, or those of its metric queries, the shortest first."""
    found = [alarm.number("period")]
    for query in alarm.blocks("metric_query"):
        found += [query.number("period"), *(metric.number("period") for metric in query.blocks("metric"))]
    return sorted(seconds for seconds in found if seconds is not None)


def too_many_datapoints(plan: Plan) -> Iterator[Fault]:
    """Yields alarms that wait for more datapoints than they look at."""
    for alarm in plan.of(METRIC_ALARM):
        needed, count = alarm.number("datapoints_to_alarm"), alarm.number("evaluation_periods")
        if needed is not None and count is not None and needed > count:
            message = f"it needs {needed:g} datapoints of {count:g} periods: it never fires"
            yield Fault(alarm.address, message, f"write datapoints_to_alarm = {count:g}")


def without_action(plan: Plan) -> Iterator[Fault]:
    """Yields alarms that turn red where nobody looks."""
    rules = [one.text("alarm_rule") for one in plan.of(COMPOSITE)]
    for alarm in plan.of(METRIC_ALARM, COMPOSITE):
        is_disabled = alarm.get("actions_enabled") in (False, "false")
        if not alarm.is_absent("alarm_actions") and not is_disabled:
            continue
        if not _serves_another(plan, alarm) and None not in rules:
            what = "actions_enabled = false" if is_disabled else "the alarm has no action"
            yield Fault(alarm.address, f"{what}: nobody is told")


def _serves_another(plan: Plan, alarm: Resource) -> bool:
    """Tells whether a composite alarm speaks of an alarm."""
    kinds = (METRIC_ALARM, COMPOSITE)
    for one in plan.of(COMPOSITE):
        if alarm.text("alarm_name") in _names(one):
            return True
        if any(alarm in (plan.targets(one, *path, types=kinds) or ()) for path in _SPEAKS):
            return True
    return False


_SPEAKS: tuple[tuple[str | int, ...], ...] = (("alarm_rule",), ("actions_suppressor", 0, "alarm"))


def _names(composite: Resource) -> set[str]:
    """Returns the alarms that a composite alarm's rule speaks of, by name."""
    return {next(filter(None, found)) for found in _RULE_NAME.findall(composite.text("alarm_rule") or "")}


def unknown_topic(plan: Plan) -> Iterator[Fault]:
    """Yields alarms that tell something that is not there."""
    for alarm in plan.of(METRIC_ALARM, COMPOSITE):
        for attribute in ACTIONS:
            for text in alarm.texts(attribute):
                if not text.startswith("arn:"):
                    yield Fault(alarm.address, f"{attribute} names {text!r}, which is no ARN")
                elif ":sns:" in text and not plan.named(text, ("aws_sns_topic",)):
                    yield Fault(alarm.address, f"{attribute} tells {text}, a topic that is not in this plan")


def dangling_composite(plan: Plan) -> Iterator[Fault]:
    """Yields composite alarms whose rule speaks of an alarm that is not there."""
    known = {one.text("alarm_name") for one in plan.of(METRIC_ALARM, COMPOSITE)}
    for one in plan.of(COMPOSITE) if None not in known else ():
        for name in sorted(_names(one)):
            if name not in known and name.rpartition(":")[2] not in known:
                yield Fault(one.address, f"alarm_rule speaks of {name!r}, an alarm that is not in this plan")


def silent_dead_man(plan: Plan) -> Iterator[Fault]:
    """Yields alarms that wait for silence, and take silence for nothing."""
    for alarm in plan.of(METRIC_ALARM):
        missing = alarm.text("treat_missing_data") or "missing"
        if waits_for_silence(alarm) and missing != "breaching" and not alarm.is_unknown("treat_missing_data"):
            less = f"below {alarm.number('threshold'):g}"
            yield Fault(
                alarm.address, f"it waits for a count {less}, but nothing at all is {missing!r}: it never fires"
            )


def waits_for_silence(alarm: Resource) -> bool:
    """Tells whether an alarm is a dead man's: there was less than one, of what a task publishes itself."""
    threshold = alarm.number("threshold")
    is_count = alarm.text("statistic") in {"Sum", "SampleCount"} and threshold is not None and threshold <= 1
    is_less = (alarm.text("comparison_operator") or "").startswith("LessThan")
    return is_count and is_less and not (alarm.text("namespace") or "").startswith("AWS/")


_ALARM_API = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
_COMPOSITE_API = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"
_MISSING_DATA = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"

RULES = (
    Rule(
        code="alarm-window-impossible",
        severity=Severity.ERROR,
        what="An alarm's period or window that CloudWatch refuses",
        why="The apply fails halfway: periods are 10, 20, 30 or whole minutes, windows a day, or seven from an hour on",
        mend="write period in whole minutes, and fewer evaluation_periods",
        page=_ALARM_API,
        check=impossible_window,
    ),
    Rule(
        code="alarm-datapoints",
        severity=Severity.ERROR,
        what="datapoints_to_alarm above evaluation_periods",
        why="There are never so many datapoints in the window",
        mend="write datapoints_to_alarm = evaluation_periods, or less",
        page=_ALARM_API,
        check=too_many_datapoints,
    ),
    Rule(
        code="alarm-without-action",
        severity=Severity.WARNING,
        what="An alarm that tells nobody, and serves no composite alarm",
        why="It turns red where nobody looks",
        mend="write alarm_actions = [aws_sns_topic.<name>.arn]",
        page=_ALARM_API,
        check=without_action,
    ),
    Rule(
        code="alarm-topic-unknown",
        severity=Severity.WARNING,
        what="An alarm that tells a topic which is not in the plan",
        why="A topic that was renamed or removed receives nothing, and CloudWatch does not complain",
        mend="write alarm_actions = [aws_sns_topic.<name>.arn], or silence this rule for a topic of another stack",
        page=_ALARM_API,
        check=unknown_topic,
    ),
    Rule(
        code="composite-dangling",
        severity=Severity.ERROR,
        what="A composite alarm that speaks of an alarm which is not in the plan",
        why="The apply fails, or that part of its rule never comes true",
        mend='write ALARM("${aws_cloudwatch_metric_alarm.<name>.alarm_name}")',
        page=_COMPOSITE_API,
        check=dangling_composite,
    ),
    Rule(
        code="dead-man-silent",
        severity=Severity.ERROR,
        what="An alarm on too few successes that takes missing data for anything but breaching",
        why="A pipeline that stopped publishes nothing, so the alarm for it never fires",
        mend='write treat_missing_data = "breaching"',
        page=_MISSING_DATA,
        check=silent_dead_man,
    ),
)
