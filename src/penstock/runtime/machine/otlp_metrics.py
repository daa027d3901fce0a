"""OpenTelemetry's metrics as datapoints of CloudWatch's model.

Each series has the namespace ``OpenTelemetry`` and its attributes as dimensions, with the service's name among them.
Totals that only grow are published as what they grew by since the last time, as CloudWatch counts; a total whose
beginning was not seen counts from the second time on. https://opentelemetry.io/docs/specs/otel/metrics/data-model/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.errors import ValidationError
from penstock.logs.fields import as_text
from penstock.logs.otlp import attributes, integer
from penstock.model.metrics import Datapoint, Metric, Unit, dimensions
from penstock.ports.metrics import DIMENSIONS_LIMIT, check_datapoint

NAMESPACE = "OpenTelemetry"
CUMULATIVE = 2
NO_VALUE = 1
VALUE_LIMIT = 1024
# https://ucum.org/ucum, as OpenTelemetry's semantic conventions use it.
_UNITS: dict[str, Unit] = {
    "s": "Seconds", "ms": "Milliseconds", "us": "Microseconds", "%": "Percent",
    "By": "Bytes", "kBy": "Kilobytes", "MBy": "Megabytes", "GBy": "Gigabytes", "TBy": "Terabytes", "bit": "Bits",
    "By/s": "Bytes/Second", "bit/s": "Bits/Second",
}  # fmt: skip
Totals = tuple[float, float]
Key = tuple[Metric, int]


class MetricsReader:
    """Reads requests one after the other, and remembers the totals of the last one.

    Args:
        began_at: when the first could come, in seconds since the epoch.
    """

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._totals: dict[Key, Totals] = {}
        self._next: dict[Key, Totals] = {}

    def read(self, request: Mapping[str, Any], now: float) -> tuple[list[Datapoint], int]:
        """Returns the datapoints of a request, and how many of its points break CloudWatch's rules.

        Raises:
            ValidationError: something in it has the wrong type.
        """
        self._next = {}
        good, refused = [], 0
        try:
            for metric, kind, found in _metrics(request):
                for point in found.get("dataPoints") or ():
                    made = list(self._points(metric, kind, found, point, now))
                    if all(_fits(one, now) for one in made):
                        good += made
                    else:
                        refused += 1
        except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValidationError(f"a metric is not as OTLP has it: {error}", hint="see metrics.proto") from error
        return good, refused

    def keep(self) -> None:
        """Remembers the totals of the request that was read last: its datapoints were published."""
        self._totals |= self._next

    def _points(
        self, metric: Metric, kind: str, found: Mapping[str, Any], point: Mapping[str, Any], now: float
    ) -> Iterator[Datapoint]:
        if integer(point.get("flags")) & NO_VALUE:
            return
        series = _series(metric, point)
        at = integer(point.get("timeUnixNano")) / 1e9 or now
        is_total = _is_cumulative(found) or kind == "summary"
        if kind in {"gauge", "sum"}:
            value = float(point["asDouble"]) if "asDouble" in point else float(integer(point.get("asInt")))
            if kind == "sum" and is_total and found.get("isMonotonic"):
                grown = self._grown(series, point, (0.0, value))
                if grown is None:
                    return
                value = grown[1]
            yield Datapoint(series, at, value)
            return
        totals: Totals | None = (float(integer(point.get("count"))), float(point.get("sum") or 0.0))
        if is_total and totals is not None:
            totals = self._grown(series, point, totals)
        if totals is not None and totals[0] > 0:
            yield from _spread(series, at, totals, {} if is_total else point)

    def _grown(self, series: Metric, point: Mapping[str, Any], totals: Totals) -> Totals | None:
        """Returns what totals grew by; None where it cannot be known."""
        start = integer(point.get("startTimeUnixNano"))
        key = (series, start)
        before = self._next.get(key) or self._totals.get(key)
        self._next[key] = totals
        if before is not None:
            return totals[0] - before[0], totals[1] - before[1]
        return totals if start / 1e9 >= self._began_at else None


def _metrics(request: Mapping[str, Any]) -> Iterator[tuple[Metric, str, Mapping[str, Any]]]:
    for group in request.get("resourceMetrics") or ():
        resource = attributes((group.get("resource") or {}).get("attributes"))
        own = {"service": as_text(resource["service.name"])} if resource.get("service.name") else {}
        for scoped in group.get("scopeMetrics") or ():
            for one in scoped.get("metrics") or ():
                unit = str(one.get("unit") or "")
                metric = Metric(NAMESPACE, str(one.get("name", "")), dimensions(own), _unit(unit))
                for kind in ("gauge", "sum", "histogram", "exponentialHistogram", "summary"):
                    if kind in one:
                        yield metric, kind, one[kind]


def _unit(text: str) -> Unit:
    return "Count" if text.startswith("{") else _UNITS.get(text, "None")


def _series(metric: Metric, point: Mapping[str, Any]) -> Metric:
    own = {name: as_text(one)[:VALUE_LIMIT] for name, one in attributes(point.get("attributes")).items()}
    named = {name: one for name, one in own.items() if name and one}
    merged = dict(sorted((dict(metric.dimensions) | named).items())[:DIMENSIONS_LIMIT])
    return Metric(metric.namespace, metric.name, dimensions(merged), metric.unit)


def _is_cumulative(found: Mapping[str, Any]) -> bool:
    return found.get("aggregationTemporality") in {CUMULATIVE, "AGGREGATION_TEMPORALITY_CUMULATIVE"}


def _spread(series: Metric, at: float, totals: Totals, point: Mapping[str, Any]) -> Iterator[Datapoint]:
    """Yields datapoints that have the count and the sum of a distribution, and its extremes where they are known."""
    count, total = totals
    if "min" in point and "max" in point and count >= 2:
        low, high = float(point["min"]), float(point["max"])
        yield Datapoint(series, at, low)
        yield Datapoint(series, at, high)
        count, total = count - 2, total - low - high
    if count > 0:
        yield Datapoint(series, at, total / count, count)


def _fits(point: Datapoint, now: float) -> bool:
    try:
        check_datapoint(point, now)
    except ValidationError:
        return False
    return True
