"""Metrics in CloudWatch.

Published are datapoints of standard resolution, so that CloudWatch keeps and returns a minute as one: for 15 days, then
five minutes for 63 days, then an hour for 455 days. New datapoints can take minutes to be seen, a new series a quarter
of an hour to be listed.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote_plus

from penstock.adapters.aws.batches import batches
from penstock.adapters.aws.session import calling, client
from penstock.errors import UnavailableError
from penstock.model.metrics import Datapoint, Metric, Statistics, dimensions
from penstock.ports.clock import Clock
from penstock.ports.metrics import Value, check_datapoint

BATCH_LIMIT = 1000
# PutMetricData's limit is 1 MB; what surrounds the datapoints is left room.
BATCH_LIMIT_BYTES = 1_000_000 - 10_000
FIELD_BYTES = 50
MINUTE, HOUR, DAY = 60, 3600, 86_400
# (the narrowest period, how long CloudWatch keeps it)
KEPT = ((MINUTE, 15 * DAY), (5 * MINUTE, 63 * DAY), (HOUR, 455 * DAY))
STATISTICS = {"count": "SampleCount", "sum": "Sum", "minimum": "Minimum", "maximum": "Maximum"}


class CloudWatchMetricStore:
    """The metrics of an account in one region.

    A batch of more than 1000 datapoints, of more than 1 MB, or of several namespaces is sent in several requests, each
    of which counts whole or not at all. Tokens mean nothing here: a batch that is sent again counts again.
    """

    def __init__(self, clock: Clock, *, region: str | None = None) -> None:
        self._clock = clock
        self._client = client("cloudwatch", region=region)

    def publish(self, data: Sequence[Datapoint], *, token: str | None = None) -> bool:
        now = self._clock.now()
        for point in data:
            check_datapoint(point, now)
        for namespace, batch in _batches(data):
            with calling(f"publish metrics of {namespace}"):
                self._client.put_metric_data(Namespace=namespace, MetricData=batch)
        return True

    def statistics(self, metric: Metric, start: float, end: float, period_seconds: int) -> list[Statistics]:
        """Returns statistics for each period that has data.

        An edge that does not fall on a minute takes or leaves its minute whole: it counts if it begins at ``start`` or
        later. What is older than 15 days is known in periods of five minutes only, past 63 days in hours.
        """
        is_whole = period_seconds % MINUTE == start % period_seconds == end % period_seconds == 0
        found: dict[float, Statistics] = {}
        for one in self._read(metric, start, end, period_seconds if is_whole else MINUTE):
            period = float(one.start // period_seconds * period_seconds)
            found[period] = _joined(period, found.get(period), one)
        return list(found.values())

    def values(self, metric: Metric, start: float, end: float) -> list[Value]:
        """Returns (time, average, count) of each minute that has data: CloudWatch returns no single datapoints."""
        return [(one.start, one.average, one.sample_count) for one in self._read(metric, start, end, MINUTE)]

    def series(self, namespace: str | None = None) -> list[Metric]:
        """Returns the series with data in the last two weeks. Their units are unknown (``None``)."""
        which = {} if namespace is None else {"Namespace": namespace}
        found = []
        with calling("list the metrics"):
            for page in self._client.get_paginator("list_metrics").paginate(**which):
                for one in page["Metrics"]:
                    named = {dimension["Name"]: dimension["Value"] for dimension in one.get("Dimensions", ())}
                    found.append(Metric(one["Namespace"], one["MetricName"], dimensions(named)))
        return sorted(found, key=lambda metric: metric.key)

    def expire(self, before: float) -> int:
        """Deletes nothing: CloudWatch forgets by itself, and only by itself."""
        return 0

    def close(self) -> None:
        self._client.close()

    def _read(self, metric: Metric, start: float, end: float, period: int) -> Iterator[Statistics]:
        """Yields statistics in order of time; those of a period that begins before ``start`` or at ``end`` are not."""
        for width, begin, finish in _spans(self._clock.now(), start, end, period):
            columns = self._columns(metric, width, begin, finish)
            for at in sorted(columns["SampleCount"]):
                if start <= at < end:
                    yield Statistics(at, *(columns[statistic][at] for statistic in STATISTICS.values()))

    def _columns(self, metric: Metric, width: int, begin: float, finish: float) -> dict[str, dict[float, float]]:
        of = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": _dimensions(metric)}
        queries = [
            {"Id": key, "MetricStat": {"Metric": of, "Period": width, "Stat": statistic}}
            for key, statistic in STATISTICS.items()
        ]
        found: dict[str, dict[float, float]] = {statistic: {} for statistic in STATISTICS.values()}
        with calling(f"read metric {metric.label}"):
            pages = self._client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=_time(begin), EndTime=_time(finish), ScanBy="TimestampAscending"
            )
            for result in (one for page in pages for one in page["MetricDataResults"]):
                if result.get("StatusCode") not in {None, "Complete", "PartialData"}:
                    raise UnavailableError(
                        f"cannot read metric {metric.label}: CloudWatch answers {result['StatusCode']}",
                        hint="try again later, or grant cloudwatch:GetMetricData",
                    )
                times = (at.timestamp() for at in result["Timestamps"])
                found[STATISTICS[result["Id"]]].update(zip(times, result["Values"], strict=True))
        return found


def _spans(now: float, start: float, end: float, period: int) -> Iterator[tuple[int, float, float]]:
    """Yields (period, start, end) for each width that CloudWatch still has of a time, the oldest first."""
    # What is not asked for by whole periods would come back shifted; what is asked for a moment too late, not at all.
    step = math.lcm(period, HOUR)
    edges = [(math.floor((now - age) / step) + 1) * step for _, age in KEPT]
    for (finest, _), oldest, newest in reversed(list(zip(KEPT, edges, [math.inf, *edges], strict=False))):
        width = period if period % finest == 0 else finest
        begin = max(oldest, math.floor(start / width) * width)
        finish = min(newest, math.ceil(end / width) * width)
        if begin < finish:
            yield width, begin, finish


def _joined(period: float, one: Statistics | None, other: Statistics) -> Statistics:
    if one is None:
        return Statistics(period, other.sample_count, other.sum, other.minimum, other.maximum)
    return Statistics(
        period,
        one.sample_count + other.sample_count,
        one.sum + other.sum,
        min(one.minimum, other.minimum),
        max(one.maximum, other.maximum),
    )


def _batches(data: Sequence[Datapoint]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields the requests that carry these datapoints."""
    for namespace in dict.fromkeys(point.metric.namespace for point in data):
        own = (point for point in data if point.metric.namespace == namespace)
        for batch in batches(own, _size_bytes, limit=BATCH_LIMIT, limit_bytes=BATCH_LIMIT_BYTES):
            yield namespace, [_datum(point) for point in batch]


def _size_bytes(point: Datapoint) -> int:
    """Returns how large a datum can be in the widest of the service's encodings, that of forms."""
    metric = point.metric
    texts = [metric.name, metric.unit, *(text for pair in metric.dimensions for text in pair)]
    # Time, value and count are three fields more.
    return sum(FIELD_BYTES + len(quote_plus(text)) for text in texts) + 3 * (FIELD_BYTES + 30)


def _datum(point: Datapoint) -> dict[str, Any]:
    return {
        "MetricName": point.metric.name,
        "Dimensions": _dimensions(point.metric),
        "Timestamp": _time(point.at),
        "Unit": point.metric.unit,
        "Values": [point.value],
        "Counts": [point.count],
    }


def _dimensions(metric: Metric) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)]


def _time(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.UTC)
