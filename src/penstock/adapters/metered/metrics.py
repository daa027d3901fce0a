"""Metrics: each series, in each hour in which it gets data, and the log lines that carry them.

https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import GB
from penstock.model.metrics import Datapoint, Metric

METRIC, LOGS = "metrics", "logs"
# A line of the embedded format without its names and values, and what a name takes in it beside itself; about.
LINE_BYTES, NAME_BYTES, VALUE_BYTES = 170, 45, 9


class MeteredMetricStore(Wrapper):
    """What is published, by series and hour."""

    def publish(self, data: Sequence[Datapoint], *, token: str | None = None) -> bool:
        is_new: bool = self._inner.publish(data, token=token)
        if is_new:
            now = self._clock.now()
            # Most datapoints of a batch share the very object that says of which metric they are.
            by_object = defaultdict[int, list[Datapoint]](list)
            for point in data:
                by_object[id(point.metric)].append(point)
            by_series = defaultdict[Metric, list[Datapoint]](list)
            for points in by_object.values():
                by_series[points[0].metric] += points
            for metric, points in by_series.items():
                self._meter.touch(METRIC, at=now, operation="PutMetricData", resource=named(metric))
                self._count(LOGS, _line_bytes(points) / GB, "embedded metrics", named(metric))
        return is_new


def named(metric: Metric) -> str:
    """Returns a series' namespace and name, with its dimensions."""
    return f"{metric.namespace}/{metric.label}"


def _line_bytes(points: Sequence[Datapoint]) -> float:
    """Returns about how long the lines are: a moment's values share one."""
    moments = len({round(point.at * 1000) for point in points})
    metric = points[0].metric
    names = len(metric.namespace) + 2 * len(metric.name) + sum(len(a) * 2 + len(b) for a, b in metric.dimensions)
    return moments * (LINE_BYTES + NAME_BYTES + names) + len(points) * VALUE_BYTES
