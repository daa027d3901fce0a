"""CloudWatch's metrics, on moto."""

import datetime
from collections.abc import Iterator

import pytest

from penstock.adapters.aws.metrics import CloudWatchMetricStore
from penstock.adapters.aws.session import client
from penstock.adapters.virtual.clock import VirtualClock
from penstock.model.metrics import Datapoint, Metric, Statistics
from penstock.ports.metrics import MetricStore
from penstock.testing.contracts.metrics import CPU, NOW, MetricStoreContract

DAY = 86_400


class TestCloudWatchMetricStore(MetricStoreContract):
    has_tokens = False
    lists_units = False
    expires = False

    @pytest.fixture
    def metrics(self, aws: str) -> Iterator[CloudWatchMetricStore]:
        store = CloudWatchMetricStore(VirtualClock(NOW))
        yield store
        store.close()

    @pytest.mark.xfail(reason="moto takes a query without dimensions for one of every dimension")
    def test_the_order_of_dimensions_does_not_matter(self, metrics: MetricStore) -> None:
        super().test_the_order_of_dimensions_does_not_matter(metrics)

    def test_the_order_of_dimensions_makes_no_other_series(self, metrics: MetricStore) -> None:
        turned = Metric("N", "CPU", tuple(reversed(CPU.dimensions)), "Percent")
        metrics.publish([Datapoint(CPU, NOW - 60, 1.0), Datapoint(turned, NOW - 60, 2.0)])
        assert metrics.values(turned, NOW - 3600, NOW) == metrics.values(CPU, NOW - 3600, NOW) == [(NOW - 60, 1.5, 2.0)]

    def test_a_minute_is_returned_as_one(self, metrics: MetricStore) -> None:
        metrics.publish([Datapoint(CPU, NOW - 120 + second, value) for second, value in ((0, 1.0), (59.5, 4.0))])
        metrics.publish([Datapoint(CPU, NOW - 60, 10.0, 3.0)])
        assert metrics.values(CPU, NOW - 3600, NOW) == [(NOW - 120, 2.5, 2.0), (NOW - 60, 10.0, 3.0)]
        (found,) = metrics.statistics(CPU, NOW - 120, NOW - 60, 60)
        assert found == Statistics(NOW - 120, 2.0, 5.0, 1.0, 4.0)

    def test_a_period_is_cut_where_the_span_is(self, metrics: MetricStore) -> None:
        hour = NOW // 3600 * 3600
        metrics.publish([Datapoint(CPU, hour + 60 * minute, float(minute)) for minute in range(5)])
        # From minute 2 to before minute 4: 2 and 3.
        assert metrics.statistics(CPU, hour + 120, hour + 240, 3600) == [Statistics(hour, 2.0, 5.0, 2.0, 3.0)]
        assert metrics.statistics(CPU, hour + 240, hour + 120, 3600) == []

    def test_more_than_a_request_takes(self, metrics: MetricStore) -> None:
        others = [Datapoint(Metric("M", f"m{number:03}"), NOW, 1.0) for number in range(600)]
        metrics.publish([*(Datapoint(CPU, NOW - 60, 1.0) for _ in range(1500)), *others])
        assert metrics.values(CPU, NOW - 60, NOW) == [(NOW - 60, 1.0, 1500.0)]
        # A page of the list holds 500.
        assert [metric.name for metric in metrics.series("M")] == [f"m{number:03}" for number in range(600)]


def put(at: float, value: float) -> None:
    """Publishes past the check of the time."""
    dimensions = [{"Name": name, "Value": text} for name, text in CPU.dimensions]
    when = datetime.datetime.fromtimestamp(at, datetime.UTC)
    datum = {"MetricName": "CPU", "Dimensions": dimensions, "Timestamp": when, "Value": value}
    client("cloudwatch").put_metric_data(Namespace="N", MetricData=[datum])


@pytest.mark.parametrize(("age_days", "period_seconds"), [(14, 60), (16, 300), (62, 300), (64, 3600), (454, 3600)])
def test_old_data_are_asked_for_in_the_periods_that_are_kept(aws: str, age_days: int, period_seconds: int) -> None:
    at = NOW - age_days * DAY
    put(at, 5.0)
    store = CloudWatchMetricStore(VirtualClock(NOW))
    wanted = at // period_seconds * period_seconds
    assert store.values(CPU, at - DAY, NOW) == [(wanted, 5.0, 1.0)]
    day = at // DAY * DAY
    assert store.statistics(CPU, day - 10 * DAY, day + 10 * DAY, DAY) == [Statistics(day, 1.0, 5.0, 5.0, 5.0)]


def test_what_is_forgotten_is_not_asked_for(aws: str) -> None:
    put(NOW - 456 * DAY, 5.0)
    store = CloudWatchMetricStore(VirtualClock(NOW))
    assert store.values(CPU, NOW - 500 * DAY, NOW) == []
