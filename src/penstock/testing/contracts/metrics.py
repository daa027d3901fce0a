"""What every metric store promises. The clock of the store stands at ``NOW``."""

from __future__ import annotations

import pytest

from penstock.errors import ValidationError
from penstock.model.metrics import Datapoint, Metric
from penstock.ports.metrics import MetricStore

NOW = 1_771_574_220.0
CPU = Metric("N", "CPU", (("Host", "a"), ("Zone", "z")), "Percent")


def points(*values: float, at: float = NOW - 600, metric: Metric = CPU) -> list[Datapoint]:
    """Returns datapoints a minute apart."""
    return [Datapoint(metric, at + 60 * number, value) for number, value in enumerate(values)]


class MetricStoreContract:
    """Subclass it with a ``metrics`` fixture.

    Attributes:
        has_tokens: a repeated delivery counts once; in CloudWatch it counts twice.
        lists_units: listed series have their units; CloudWatch does not tell them.
        expires: old datapoints are deleted when it is asked for; CloudWatch deletes by its own rule.
    """

    has_tokens = True
    lists_units = True
    expires = True

    def test_what_is_published_is_read(self, metrics: MetricStore) -> None:
        assert metrics.publish(points(1.0, 2.0))
        assert metrics.values(CPU, NOW - 3600, NOW) == [(NOW - 600, 1.0, 1.0), (NOW - 540, 2.0, 1.0)]
        assert metrics.values(CPU, NOW - 599, NOW - 540) == []

    def test_statistics_by_period(self, metrics: MetricStore) -> None:
        start = NOW // 300 * 300 - 600
        metrics.publish(
            [Datapoint(CPU, start, 1.0), Datapoint(CPU, start + 299, 3.0, 2.0), Datapoint(CPU, start + 300, 9.0)]
        )
        first, second = metrics.statistics(CPU, start, start + 600, 300)
        assert (first.start, first.sample_count, first.sum, first.minimum, first.maximum) == (start, 3.0, 7.0, 1.0, 3.0)
        assert (second.start, second.average) == (start + 300, 9.0)

    def test_the_order_of_dimensions_does_not_matter(self, metrics: MetricStore) -> None:
        metrics.publish(points(1.0))
        turned = Metric("N", "CPU", tuple(reversed(CPU.dimensions)), "Percent")
        assert len(metrics.values(turned, 0.0, NOW)) == 1
        assert metrics.values(Metric("N", "CPU"), 0.0, NOW) == []

    def test_series_are_listed(self, metrics: MetricStore) -> None:
        metrics.publish([*points(1.0), *points(1.0, metric=Metric("M", "B"))])
        assert [metric.key for metric in metrics.series()] == [("M", "B", ()), CPU.key]
        assert [metric.unit for metric in metrics.series("N")] == ["Percent" if self.lists_units else "None"]

    def test_a_repeated_batch_counts_once(self, metrics: MetricStore) -> None:
        if not self.has_tokens:
            return
        assert metrics.publish(points(1.0), token="t")
        assert not metrics.publish(points(1.0), token="t")
        assert metrics.publish(points(1.0), token="u")
        assert len(metrics.values(CPU, 0.0, NOW)) == 2

    @pytest.mark.parametrize(
        "bad",
        [
            Datapoint(CPU, NOW, float("nan")),
            Datapoint(CPU, NOW, float("inf")),
            Datapoint(CPU, NOW, 1e200),
            Datapoint(CPU, NOW, 1.0, 0.0),
            Datapoint(CPU, NOW - 15 * 86_400, 1.0),
            Datapoint(CPU, NOW + 3 * 3600, 1.0),
            Datapoint(Metric("", "x"), NOW, 1.0),
            Datapoint(Metric("n", "x" * 256), NOW, 1.0),
            Datapoint(Metric("n", "x", (("d", ""),)), NOW, 1.0),
            Datapoint(Metric("n", "x", tuple((f"d{i:02}", "v") for i in range(31))), NOW, 1.0),
            Datapoint(Metric("n", "x", (), "Parsec"), NOW, 1.0),  # type: ignore[arg-type]
        ],
    )
    def test_a_batch_with_a_bad_datapoint_is_refused_whole(self, metrics: MetricStore, bad: Datapoint) -> None:
        with pytest.raises(ValidationError):
            metrics.publish([*points(1.0), bad], token="t")
        assert metrics.values(CPU, 0.0, NOW + 7200) == []
        assert metrics.publish(points(1.0), token="t")

    def test_what_is_old_is_deleted(self, metrics: MetricStore) -> None:
        metrics.publish(points(1.0, 2.0, 3.0))
        assert metrics.expire(NOW - 500) == (2 if self.expires else 0)
        assert [value for _, value, _ in metrics.values(CPU, 0.0, NOW)] == ([3.0] if self.expires else [1.0, 2.0, 3.0])
