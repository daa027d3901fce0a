"""What a run left behind, in a form in which two homes can be compared.

Ids of executions, the hour of a run and times within it differ between any two runs; they are replaced by what they
stand for. Everything else must be equal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from penstock.deploy.documents import invoked_tasks
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition

# A run's clock and the clock of what it calls need not agree to the second.
SLACK_SECONDS = 5.0
ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?")
PARTITION = re.compile(r"year=\d{4}(?:/month=\d{2}(?:/day=\d{2}(?:/hour=\d{2})?)?)?")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
OF_ALARM = re.compile(r'(ALARM|OK|INSUFFICIENT_DATA): "(.+?)"')
VISIT = re.compile(r"(\{execution \d+\})\.[0-9a-f]{6}")


class Ran(msgspec.Struct, frozen=True, order=True):
    """One execution.

    Attributes:
        states: names of the states that it entered, in order of their names: parallel ones have no order of their own.
        output: its output as JSON; the error where it failed.
    """

    workflow: str
    status: str
    states: tuple[str, ...]
    output: str


class Observed(msgspec.Struct, kw_only=True):
    """What a run left.

    Attributes:
        objects: each object's records as JSON, by key.
        items: of each hot table, its items as JSON.
        messages: topic, subject and text of each message that a task sent.
        notices: topic and alarm of each message that an alarm went off.
        metrics: of each series, how many values, and their least, greatest and sum; of durations how many.
        alarms: the state of each alarm.
    """

    executions: list[Ran] = []
    objects: dict[str, str] = {}
    items: dict[str, list[str]] = {}
    messages: list[tuple[str, str, str]] = []
    notices: list[tuple[str, str]] = []
    metrics: dict[str, str] = {}
    alarms: dict[str, str] = {}


class Neutral:
    """Replaces what differs between any two runs.

    Args:
        executions: ids of the run's executions, in the order in which they began.
        began_at, ended_at: of the run, in seconds since the epoch.
    """

    def __init__(self, executions: Mapping[str, int], began_at: float, ended_at: float) -> None:
        self._executions = dict(executions)
        names = sorted(self._executions, key=len, reverse=True)
        self._ids = re.compile("|".join(map(re.escape, names))) if names else None
        self._from, self._to = began_at - SLACK_SECONDS, ended_at + SLACK_SECONDS

    def text(self, text: str) -> str:
        """Returns a text without what differs."""
        if self._ids is not None:
            text = self._ids.sub(lambda found: f"{{execution {self._executions[found[0]]}}}", text)
        text = VISIT.sub(r"\1", text)
        text = PARTITION.sub(self._partition, text)
        return ISO.sub(self._time, text)

    def value(self, value: Any) -> Any:
        """Returns a JSON value without what differs."""
        match value:
            case str():
                return self.text(value)
            case bool() | None:
                return value
            case int() | float() | Decimal():
                return "{now}" if self._is_now(float(value)) else float(value)
            case Mapping():
                return {self.text(str(name)): self.value(one) for name, one in value.items()}
            case _:
                return [self.value(one) for one in value]

    def document(self, value: Any) -> str:
        """Returns a value as canonical JSON without what differs."""
        return json.dumps(self.value(value), sort_keys=True, ensure_ascii=False)

    def records(self, data: bytes) -> str:
        """Returns an object's records, one a line; what is no JSON as it is."""
        lines = []
        for line in data.decode("utf-8", errors="replace").splitlines():
            try:
                lines.append(self.document(json.loads(line)))
            except ValueError:
                lines.append(line)
        return "\n".join(lines)

    def _is_now(self, number: float) -> bool:
        return self._from <= number <= self._to or self._from <= number / 1000 <= self._to

    def _time(self, found: re.Match[str]) -> str:
        at = datetime.fromisoformat(found[0])
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return "{now}" if self._from <= at.timestamp() <= self._to else found[0]

    def _partition(self, found: re.Match[str]) -> str:
        level = found[0].count("/")
        format_text = "/".join(("year=%Y", "month=%m", "day=%d", "hour=%H")[: level + 1])
        ends = {datetime.fromtimestamp(at, UTC).strftime(format_text) for at in (self._from, self._to)}
        return "{partition}" if found[0] in ends else found[0]


def sort_messages(messages: Iterable[tuple[str, str, str]], observed: Observed) -> None:
    """Puts what tasks sent, and that alarms went off, to where they belong; that all is well again is no notice."""
    for topic, subject, body in messages:
        of_alarm = OF_ALARM.match(subject)
        if of_alarm is None:
            observed.messages.append((topic, subject, body))
        elif of_alarm[1] == "ALARM":
            observed.notices.append((topic, of_alarm[2]))
    observed.messages.sort()
    observed.notices.sort()


def raced(definition: Definition, executions: Iterable[Ran]) -> set[str]:
    """Returns the series whose number of values is chance.

    Where one of several parallel tasks fails, it depends on the others' speed how many of them still end.
    """
    failed = {definition.workflows[one.workflow] for one in executions if one.status != "SUCCEEDED"}
    tasks = [definition.tasks[name] for workflow in failed for name in invoked_tasks(definition, workflow)]
    return {label_of(metric) for task in tasks for metric in (task.errors, task.duration) if metric is not None}


def summary(values: list[float], *, measured: bool) -> str:
    """Returns a series in a line. Of what is measured in time only the count can be equal."""
    if measured:
        return f"{len(values)} values"
    return f"{len(values)} values from {min(values):g} to {max(values):g}, sum {sum(values):.6g}"


def label_of(metric: Metric) -> str:
    """Returns the name of a series, with its namespace."""
    return f"{metric.namespace}/{metric.label}"


def is_measured(metric: Metric) -> bool:
    """Tells whether a series holds times that were measured: no two runs have the same."""
    return metric.unit in {"Seconds", "Milliseconds", "Microseconds"}
