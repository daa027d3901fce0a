"""Metrics as lines of the log, from which CloudWatch takes them: no call, no permission, no wait.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.model.metrics import Datapoint, Dimensions
from penstock.ports.clock import Clock
from penstock.ports.metrics import check_datapoint

VALUES_LIMIT = 100
METRICS_LIMIT = 100


class EmbeddedMetrics:
    """Writes datapoints as embedded metrics.

    Args:
        write: takes one line of the log.
    """

    def __init__(self, clock: Clock, write: Callable[[str], Any]) -> None:
        self._clock = clock
        self._write = write

    def publish(self, data: Sequence[Datapoint], *, token: str | None = None) -> bool:
        """Writes datapoints; the token is of no use, as a line cannot be known to have been written before."""
        now = self._clock.now()
        for point in data:
            check_datapoint(point, now)
        for document in documents(data):
            self._write(json.dumps(document, separators=(",", ":")))
        return True


def documents(data: Sequence[Datapoint]) -> Iterator[dict[str, Any]]:
    """Yields a document for each namespace, set of dimensions and moment: that is how the format groups them."""
    grouped: dict[tuple[str, Dimensions, int], list[Datapoint]] = defaultdict(list)
    for point in data:
        grouped[point.metric.namespace, point.metric.dimensions, round(point.at * 1000)].append(point)
    for (namespace, dimensions, at), points in grouped.items():
        by_name: dict[str, list[Datapoint]] = defaultdict(list)
        for point in points:
            by_name[point.metric.name] += [point] * max(1, round(point.count))
        names = list(by_name)
        for start in range(0, len(names), METRICS_LIMIT):
            part = {name: by_name[name] for name in names[start : start + METRICS_LIMIT]}
            yield from _documents(namespace, dimensions, at, part)


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
