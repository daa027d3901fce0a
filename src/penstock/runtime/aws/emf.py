"""Metrics as lines of the log, from which CloudWatch takes them: no call, no permission, no wait.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.errors import ValidationError
from penstock.model.metrics import Datapoint, Dimensions, Unit
from penstock.ports.clock import Clock
from penstock.ports.metrics import check_datapoint

VALUES_LIMIT = 100
METRICS_LIMIT = 100


class EmbeddedMetrics:
    """Writes datapoints as embedded metrics.

    Args:
        write: takes one line of the log.
        prefix: put before every namespace, where a pipeline is deployed more than once in an account.
    """

    def __init__(self, clock: Clock, write: Callable[[str], Any], prefix: str = "") -> None:
        self._clock = clock
        self._write = write
        self._prefix = prefix

    def publish(self, data: Sequence[Datapoint], *, token: str | None = None) -> bool:
        """Writes datapoints; the token is of no use, as a line cannot be known to have been written before.

        Raises:
            ValidationError: a datapoint breaks one of CloudWatch's rules, or one of the format's; nothing is written.
        """
        now = self._clock.now()
        for point in data:
            check_datapoint(point, now)
            _check_members(point)
        for document in documents(data, self._prefix):
            self._write(json.dumps(document, separators=(",", ":")))
        return True


def _check_members(point: Datapoint) -> None:
    """Metrics and dimensions are members of one JSON object, beside ``_aws``."""
    members = [point.metric.name, *(name for name, _ in point.metric.dimensions)]
    if "_aws" in members or len(set(members)) < len(members):
        raise ValidationError(
            f"metric {point.metric.label!r} cannot be embedded: its name and those of its dimensions have to differ",
            hint="rename the dimension; `_aws` is taken",
        )


def documents(data: Sequence[Datapoint], prefix: str = "") -> Iterator[dict[str, Any]]:
    """Yields a document for each namespace, set of dimensions, moment and unit: the format groups by them."""
    grouped: dict[tuple[str, Dimensions, int, Unit], list[Datapoint]] = defaultdict(list)
    for point in data:
        metric = point.metric
        grouped[metric.namespace, metric.dimensions, round(point.at * 1000), metric.unit].append(point)
    for (namespace, dimensions, at, _), points in grouped.items():
        by_name: dict[str, list[Datapoint]] = defaultdict(list)
        for point in points:
            by_name[point.metric.name] += [point] * max(1, round(point.count))
        names = list(by_name)
        for start in range(0, len(names), METRICS_LIMIT):
            part = {name: by_name[name] for name in names[start : start + METRICS_LIMIT]}
            yield from _documents(prefix + namespace, dimensions, at, part)


def _documents(
    namespace: str, dimensions: Dimensions, at: int, by_name: dict[str, list[Datapoint]]
) -> Iterator[dict[str, Any]]:
    longest = max(len(points) for points in by_name.values())
    for start in range(0, longest, VALUES_LIMIT):
        part = {n: p[start : start + VALUES_LIMIT] for n, p in by_name.items() if p[start : start + VALUES_LIMIT]}
        described = [{"Name": name, "Unit": points[0].metric.unit} for name, points in part.items()]
        directive = {"Namespace": namespace, "Dimensions": [[n for n, _ in dimensions]], "Metrics": described}
        values = {
            name: [p.value for p in points] if len(points) > 1 else points[0].value for name, points in part.items()
        }
        yield {"_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]}, **dict(dimensions), **values}
