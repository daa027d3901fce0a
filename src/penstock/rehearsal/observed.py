"""What a run left behind, in a form in which two homes can be compared.

Ids of executions, the hour of a run and times within it differ between any two runs; they are replaced by what they
stand for. Everything else must be equal.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from penstock.deploy.documents import invoked_tasks
from penstock.errors import ValidationError
from penstock.lake.compression import compression_of, decompressed
from penstock.lake.outcome import BrokenError
from penstock.model.datasets import HotTable
from penstock.model.metrics import Datapoint, Metric
from penstock.model.pipeline import Definition
from penstock.model.workflow import State, Workflow, states_of

# A run's clock and the clock of what it calls need not agree to the second.
SLACK_SECONDS = 5.0
MILLISECONDS_PER_SECOND = 1000
ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?")
PARTITION = re.compile(r"year=\d{4}(?:/month=\d{2}(?:/day=\d{2}(?:/hour=\d{2})?)?)?")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
OF_ALARM = re.compile(r'(ALARM|OK|INSUFFICIENT_DATA): "(.+?)"')
VISIT = re.compile(r"(\{execution \d+\})\.[0-9a-f]{6}(?![0-9A-Za-z])")
# A batch's name follows from its records, and they hold times.
BATCH = re.compile(r"(\{execution \d+\}\.w\d+\.\d{9})-[0-9a-f]{12}(?![0-9A-Za-z])")
UUID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])")
ARN = re.compile(r"arn:aws[a-z-]*:states:[^:\s]*:\d*:(?:stateMachine|execution:[^:\s]+):([^\s\"]+)")
# Optimised integrations pass them on in AWS and here, emulators do not.
OF_THE_SDK = {"SdkHttpMetadata", "SdkResponseMetadata"}
# What else no two homes have alike, in an answer that has the first names: how an execution was called, and its input
# once more; the execution that an event came from, and when.
UNLIKE = (
    ({"ExecutionArn"}, {*OF_THE_SDK, "ExecutionArn", "Name", "Input", "InputDetails", "OutputDetails"}),
    ({"detail-type", "detail"}, {"resources", "time"}),
    # Of a job's run its arguments and its end are left.
    (
        {"JobRunState"},
        {
            *OF_THE_SDK, "AllocatedCapacity", "Attempt", "CompletedOn", "ExecutionTime", "GlueVersion", "Id", "JobName",
            "LastModifiedOn", "LogGroupName", "MaxCapacity", "NumberOfWorkers", "PredecessorRuns", "StartedOn",
            "Timeout", "WorkerType",
        },
    ),
)  # fmt: skip
SEVERAL = {"Parallel", "Map"}


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
        rows: of each table of a warehouse, its rows as JSON.
        messages: topic, subject and text of each message that a task, or a workflow, sent.
        waiting: queue and body of each message that waits in a queue.
        notices: topic and alarm of each message that an alarm went off.
        metrics: of each series, how many values, and their least, greatest and sum; of durations how many.
        by_chance: series of which only the presence can be compared, see ``raced``.
        alarms: the state of each alarm.
    """

    executions: list[Ran] = []
    objects: dict[str, str] = {}
    items: dict[str, list[str]] = {}
    rows: dict[str, list[str]] = {}
    messages: list[tuple[str, str, str]] = []
    waiting: list[tuple[str, str]] = []
    notices: list[tuple[str, str]] = []
    metrics: dict[str, str] = {}
    by_chance: set[str] = set()
    alarms: dict[str, str] = {}


class Neutral:
    """Replaces what differs between any two runs.

    Args:
        executions: ids of the run's executions, with their numbers in the order in which they began.
        began_at, ended_at: of the run, in seconds since the epoch.
        earlier: of the run that made what this one was given; its ids and times are in that.
    """

    def __init__(
        self, executions: Mapping[str, int], began_at: float, ended_at: float, earlier: Neutral | None = None
    ) -> None:
        self._executions: dict[str, int] = {**(earlier._executions if earlier else {}), **executions}
        self._spans: list[tuple[float, float]] = [
            *(earlier._spans if earlier else ()),
            (began_at - SLACK_SECONDS, ended_at + SLACK_SECONDS),
        ]
        names = sorted(self._executions, key=len, reverse=True)
        self._ids = re.compile("|".join(map(re.escape, names))) if names else None

    def text(self, text: str) -> str:
        """Returns a text without what differs."""
        if self._ids is not None:
            text = self._ids.sub(lambda found: f"{{execution {self._executions[found[0]]}}}", text)
        text = BATCH.sub(r"\1", VISIT.sub(r"\1", text))
        text = PARTITION.sub(self._partition, text)
        return ISO.sub(self._time, text)

    def value(self, value: Any) -> Any:
        """Returns a value of JSON, or of a hot table, without what differs, as JSON can hold it."""
        match value:
            case str():
                return self.text(value)
            case bool() | None:
                return value
            case int() | float() | Decimal():
                return "{now}" if _is_finite(value) and self._is_now(value) else _number(value)
            case bytes() | bytearray():
                return {"bytes": bytes(value).hex()}
            case set() | frozenset():
                return {"set": sorted((self.value(one) for one in value), key=json.dumps)}
            case Mapping():
                return {self.text(str(name)): self.value(one) for name, one in value.items()}
            case _:
                return [self.value(one) for one in value]

    def said(self, text: str) -> str:
        """Returns the text of a message without what differs; spaces do not count where it is JSON."""
        try:
            value = json.loads(text)
        except ValueError:
            return self.text(text)
        return self.document(value) if isinstance(value, dict | list) else self.text(text)

    def document(self, value: Any) -> str:
        """Returns a value as canonical JSON without what differs."""
        return json.dumps(self.value(value), sort_keys=True, ensure_ascii=False)

    def outcome(self, value: Any) -> str:
        """Returns an execution's output as canonical JSON without what differs.

        What services answer a workflow differs too: ids of messages, the ARNs of the account, and what the SDK tells.
        """
        return self.document(_answered(value))

    def item(self, table: HotTable, item: Mapping[str, Any]) -> str:
        """Returns an item of a hot table without what differs; its end of life counts from its beginning."""
        name, seconds = table.ttl_attribute, table.ttl_seconds
        ends = item.get(name) if name else None
        if not name or not isinstance(ends, int | float | Decimal) or seconds is None:
            return self.document(item)
        rest = {key: value for key, value in item.items() if key != name}
        return self.document({**rest, name: [ends - seconds, f"and {seconds} seconds"]})

    def objects(self, objects: Iterable[tuple[str, bytes]]) -> dict[str, str]:
        """Returns the records of each object by its key. Those whose keys differ by chance only stand together."""
        found: dict[str, list[str]] = defaultdict(list)
        for key, data in objects:
            found[self.text(key)].append(self.records(data))
        return {key: "\n(and another object)\n".join(sorted(texts)) for key, texts in found.items()}

    def records(self, data: bytes) -> str:
        """Returns an object's records, one a line; what is no JSON as it is."""
        lines = []
        with contextlib.suppress(BrokenError, ValidationError):
            data = b"".join(decompressed([data], compression_of(data)))
        for line in data.decode("utf-8", errors="replace").splitlines():
            try:
                lines.append(self.document(json.loads(line)))
            except ValueError:
                lines.append(self.text(line))
        return "\n".join(lines)

    def _is_now(self, number: float | Decimal) -> bool:
        return any(
            start * unit <= number <= end * unit for start, end in self._spans for unit in (1, MILLISECONDS_PER_SECOND)
        )

    def _time(self, found: re.Match[str]) -> str:
        try:
            at = datetime.fromisoformat(found[0])
        except ValueError:
            # It looks like a time, and is none: month 13.
            return found[0]
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return "{now}" if any(start <= at.timestamp() <= end for start, end in self._spans) else found[0]

    def _partition(self, found: re.Match[str]) -> str:
        level = found[0].count("/")
        format_text = "/".join(("year=%Y", "month=%m", "day=%d", "hour=%H")[: level + 1])
        ends = {datetime.fromtimestamp(at, UTC).strftime(format_text) for span in self._spans for at in span}
        return "{partition}" if found[0] in ends else found[0]


def _answered(value: Any) -> Any:
    match value:
        case str():
            return UUID.sub("{id}", ARN.sub(lambda found: found[1], value))
        case Mapping():
            unlike = next((names for known, names in UNLIKE if value.keys() >= known), OF_THE_SDK)
            return {name: _answered(one) for name, one in value.items() if name not in unlike}
        case list():
            return [_answered(one) for one in value]
    return value


def _number(value: float | Decimal) -> int | float | str:
    """Returns a number so that equal ones are written alike, whatever type they came in, and no digit is lost."""
    if isinstance(value, int):
        return value
    if not _is_finite(value):
        return str(value)
    if value == int(value):
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == Decimal(str(value)) else str(value)


def _is_finite(value: float | Decimal) -> bool:
    return value.is_finite() if isinstance(value, Decimal) else isinstance(value, int) or math.isfinite(value)


def sort_messages(
    messages: Iterable[tuple[str, str, str]], observed: Observed, alarms: Collection[str] | None = None
) -> None:
    """Puts what tasks sent, and that alarms went off, to where they belong; that all is well again is no notice.

    Args:
        alarms: names of alarms: what speaks of any other was said by a task. Any name is an alarm's when absent.
    """
    for topic, subject, body in messages:
        of_alarm = OF_ALARM.match(subject)
        if of_alarm is None or (alarms is not None and of_alarm[2] not in alarms):
            observed.messages.append((topic, subject, body))
        elif of_alarm[1] == "ALARM":
            observed.notices.append((topic, of_alarm[2]))
    observed.messages.sort()
    observed.notices.sort()


def raced(definition: Definition, executions: Iterable[Ran]) -> set[str]:
    """Returns the series whose number of values is chance.

    Where one of several parallel tasks fails, it depends on the others' speed how many of them still end.
    """
    names: dict[str, None] = {}
    for one in executions:
        workflow = definition.workflows[one.workflow]
        for name, state in states_of(json.loads(workflow.definition)):
            if state.get("Type") in SEVERAL and _has_failed(state, one):
                names |= dict.fromkeys(invoked_tasks(definition, _alone(workflow, name, state)))
    tasks = [definition.tasks[name] for name in names]
    return {label_of(metric) for task in tasks for metric in (task.errors, task.duration) if metric is not None}


def _has_failed(state: State, ran: Ran) -> bool:
    """Tells whether an execution left a state by its error: it failed, or went where the error is caught."""
    return ran.status != "SUCCEEDED" or any(caught["Next"] in ran.states for caught in state.get("Catch", ()))


def _alone(workflow: Workflow, name: str, state: State) -> Workflow:
    document = json.dumps({"States": {name: state}}).encode()
    return msgspec.structs.replace(workflow, definition=document)


def series(points: Iterable[Datapoint]) -> dict[str, str]:
    """Returns each series of datapoints in a line."""
    found: dict[str, list[float]] = defaultdict(list)
    measured = set()
    for point in points:
        label = label_of(point.metric)
        found[label] += [point.value] * int(point.count)
        if is_measured(point.metric):
            measured.add(label)
    return {label: summary(values, measured=label in measured) for label, values in found.items()}


def summary(values: list[float], *, measured: bool) -> str:
    """Returns a series in a line, in whatever order its values came.

    Of what is measured in time only the count can be equal.
    """
    if measured:
        return f"{len(values)} values"
    return f"{len(values)} values from {min(values):g} to {max(values):g}, sum {math.fsum(values):.6g}"


def label_of(metric: Metric) -> str:
    """Returns the name of a series, with its namespace."""
    return f"{metric.namespace}/{metric.label}"


def is_measured(metric: Metric) -> bool:
    """Tells whether a series holds times that were measured: no two runs have the same."""
    return metric.unit in {"Seconds", "Milliseconds", "Microseconds"}
