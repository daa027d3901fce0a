"""What functions say in their logs: their metrics, and one line for every call that ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from penstock.model.metrics import Datapoint, Metric, dimensions


class Ended(msgspec.Struct, frozen=True):
    """A call that ended, as a function's log has it."""

    task: str
    execution: str
    state: str
    error: str = ""


class _Line(Ended, frozen=True, kw_only=True):
    """The whole of such a line: a document of the user's own that only has some of its fields is none."""

    level: str
    pipeline: str
    attempt: int
    duration_ms: float
    request_id: str


def ended_calls(messages: Iterable[str]) -> Iterator[Ended]:
    """Yields the calls that ended; other lines are passed over."""
    decoder = msgspec.json.Decoder(_Line)
    for message in messages:
        if message.startswith("{") and '"execution"' in message:
            try:
                line = decoder.decode(message)
            except msgspec.DecodeError:
                continue
            yield Ended(line.task, line.execution, line.state, line.error)


def datapoints(messages: Iterable[str]) -> Iterator[Datapoint]:
    """Yields the metrics in logs. CloudWatch takes them from there by itself, an emulator may not.

    A document that is none by the format is passed over as a whole, as CloudWatch does.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for message in messages:
        if not message.startswith("{") or '"_aws"' not in message:
            continue
        try:
            document = json.loads(message)
            points = list(_of_document(document, document["_aws"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        yield from points


def _of_document(document: dict[str, Any], told: dict[str, Any]) -> Iterator[Datapoint]:
    at = float(told["Timestamp"]) / 1000
    for directive in told["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            of = dimensions({name: str(document[name]) for name in names})
            for defined in directive["Metrics"]:
                metric = Metric(directive["Namespace"], defined["Name"], of, defined.get("Unit", "None"))
                values = document[defined["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield Datapoint(metric, at, float(value))
