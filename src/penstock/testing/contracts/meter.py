"""What every meter does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from penstock.model.metering import Held, Span, Used
from penstock.ports.meter import Meter

HOUR = 1_771_570_800.0  # 2026-02-20T07:00:00Z


class MeterContract:
    """A behaviour suite. Subclasses give the fixture ``open_meter``: each call opens the same meter anew."""

    def test_quantities_of_one_hour_are_added_up(self, open_meter: Callable[[], Meter]) -> None:
        meter = open_meter()
        meter.count("s3-put", 1, at=HOUR, operation="PutObject", resource="raw")
        meter.count("s3-put", 2.5, at=HOUR + 3599.9, operation="PutObject", resource="raw")
        meter.count("s3-put", 4, at=HOUR + 3600, operation="PutObject", resource="raw")
        meter.count("s3-put", 8, at=HOUR, operation="ListObjectsV2", resource="raw")
        meter.count("s3-put", 16, at=HOUR, operation="PutObject", resource="other")
        assert [(one.hour, one.operation, one.resource, one.quantity) for one in meter.used()] == [
            (HOUR, "ListObjectsV2", "raw", 8),
            (HOUR, "PutObject", "other", 16),
            (HOUR, "PutObject", "raw", 3.5),
            (HOUR + 3600, "PutObject", "raw", 4),
        ]

    def test_a_series_is_in_use_once_an_hour(self, open_meter: Callable[[], Meter]) -> None:
        meter = open_meter()
        for at in (HOUR, HOUR + 1, HOUR + 3600):
            meter.touch("metrics", at=at, operation="PutMetricData", resource="n/m")
        meter.flush()
        meter.touch("metrics", at=HOUR + 2, operation="PutMetricData", resource="n/m")
        assert [(one.hour, one.quantity) for one in meter.used()] == [(HOUR, 1), (HOUR + 3600, 1)]

    def test_what_is_kept_tells_when_it_came(self, open_meter: Callable[[], Meter]) -> None:
        meter = open_meter()
        meter.hold("s3-storage", 2, at=HOUR + 100, operation="raw", resource="t")
        meter.hold("s3-storage", -1, at=HOUR + 300, operation="raw", resource="t")
        assert [*meter.held()] == [
            Held(hour=HOUR, item="s3-storage", operation="raw", resource="t", change=1, moment=2 * 100 - 300)
        ]

    def test_what_was_there_before_is_older_than_the_meter(self, open_meter: Callable[[], Meter]) -> None:
        meter = open_meter()
        meter.found("s3-storage", 5, at=HOUR + 100, operation="raw", resource="t")
        assert meter.span() == Span(HOUR + 100, HOUR + 100)
        assert [*meter.held()] == [
            Held(hour=HOUR - 3600, item="s3-storage", operation="raw", resource="t", change=5, moment=0)
        ]

    def test_what_was_flushed_is_there_for_the_next(self, open_meter: Callable[[], Meter]) -> None:
        meter = open_meter()
        meter.count("events", 1, at=HOUR, operation="PutEvents", resource="bus")
        meter.close()
        again = open_meter()
        again.count("events", 1, at=HOUR, operation="PutEvents", resource="bus")
        assert [*again.used()] == [Used(hour=HOUR, item="events", operation="PutEvents", resource="bus", quantity=2)]

    def test_several_processes_write_into_one(self, open_meter: Callable[[], Meter]) -> None:
        one, other = open_meter(), open_meter()
        for meter, size in ((one, 0.1), (other, 0.2), (one, 0.3)):
            meter.count("logs", size, at=HOUR, operation="logs", resource="t")
            meter.flush()
        assert [each.quantity for each in one.used()] == [0.6]

    def test_who_is_first_does_not_change_a_sum(self, open_meter: Callable[[], Meter]) -> None:
        """0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 are two floats; a meter's home must be the same, byte for byte."""
        meter = open_meter()
        for resource, sizes in (("a", (0.1, 0.2, 0.3)), ("b", (0.3, 0.2, 0.1))):
            for size in sizes:
                meter.count("logs", size, at=HOUR, operation="logs", resource=resource)
                meter.flush()
        first, second = meter.used()
        assert first.quantity == second.quantity

    def test_threads_lose_nothing(self, open_meter: Callable[[], Meter]) -> None:
        meter = open_meter()
        with ThreadPoolExecutor(4) as threads:
            for _ in threads.map(
                lambda _: meter.count("s3-get", 1, at=HOUR, operation="GetObject", resource="t"), range(2000)
            ):
                pass
        assert [one.quantity for one in meter.used()] == [2000]

    def test_it_knows_from_when_to_when_it_ran(self, open_meter: Callable[[], Meter]) -> None:
        meter = open_meter()
        assert meter.span() is None
        meter.observe(HOUR + 10)
        meter.count("s3-get", 1, at=HOUR + 50, operation="GetObject", resource="t")
        meter.flush()
        meter.observe(HOUR + 40)
        assert meter.span() == Span(HOUR + 10, HOUR + 50)
