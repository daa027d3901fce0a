"""The bill: quantities of a month, prices, allowances, whose it is; and a second calculator that charges one by one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cost.bill import Bill, bill
from penstock.cost.measured import Owners, aged
from penstock.cost.prices import Price, PriceBook, book
from penstock.cost.usage import Usage
from penstock.model.deployment import Deployment
from penstock.model.metering import HOUR_SECONDS, Held, Span, Used
from penstock.model.pipeline import Definition
from penstock.pipelines.logs import pipeline as logs
from penstock.pipelines.metrics import pipeline as metrics

DAY = 86_400.0
MONTH = 30 * DAY
METRICS, LOGS = metrics.build(), logs.build()
BOTH = {"metrics": METRICS, "logs": LOGS}
IDLE = {"idle": Definition(name="idle", namespace="Idle")}


def used(item: str, quantity: float, *, at: float = 0, operation: str = "o", resource: str = "idle/t") -> Used:
    return Used(hour=at // 3600 * 3600, item=item, operation=operation, resource=resource, quantity=quantity)


def held(item: str, change: float, at: float, *, operation: str = "raw", resource: str = "idle/t") -> Held:
    hour = at // 3600 * 3600
    moment = change * (at - hour)
    return Held(hour=hour, item=item, operation=operation, resource=resource, change=change, moment=moment)


def made(*events: Used | Held, days: float = 30, definitions: Any = None, **how: Any) -> Bill:
    return bill(
        definitions or IDLE,
        [one for one in events if isinstance(one, Used)],
        [one for one in events if isinstance(one, Held)],
        Span(0, days * DAY),
        **{"prices": book(), **how},
    )


def quantities(found: Bill) -> dict[str, Any]:
    return {line.price: pytest.approx(line.quantity) for line in found.lines if line.price != "alarms"}


def test_a_measured_month_is_as_it_is() -> None:
    found = made(used("s3-put", 2_000_000), used("s3-get", 500_000))
    assert quantities(found) == {"s3-put": 2_000_000, "s3-get": 500_000}
    # 2,000 * 0.005 and 500 * 0.0004
    assert found.monthly_usd == pytest.approx(10.20)
    assert found.services == {"S3": pytest.approx(10.20), "CloudWatch": 0.0}


@pytest.mark.parametrize(("days", "times"), [(1, 30), (15, 2), (60, 0.5)])
def test_another_time_stands_for_a_month(days: float, times: float) -> None:
    assert quantities(made(used("s3-put", 100), days=days)) == {"s3-put": 100 * times}


def test_a_machine_that_starts_a_moment_before_does_not_change_the_month() -> None:
    found = bill(IDLE, [used("s3-put", 240)], [], Span(-1.0, MONTH), prices=book())
    assert quantities(found) == {"s3-put": 240}


def test_what_is_free_is_taken_off_once() -> None:
    """1.5 million requests of two functions, of which one million is free: 500,000 * 0.20 / 1,000,000."""
    found = made(
        used("lambda-requests", 900_000, resource="idle/a"), used("lambda-requests", 600_000, resource="idle/b")
    )
    assert found.monthly_usd == pytest.approx(0.10)
    assert found.full_usd == pytest.approx(0.30 + 0.20)
    assert made(used("lambda-requests", 1_500_000), free_tier=False).monthly_usd == pytest.approx(0.50)


def test_two_processors_share_what_is_free() -> None:
    """400,000 GB-seconds are free, on whatever processor. https://aws.amazon.com/lambda/pricing/"""
    found = made(used("lambda-arm64", 300_000), used("lambda-x86_64", 300_000))
    # 200,000 of x86_64 are not.
    assert found.monthly_usd == pytest.approx(200_000 * 0.0000166667)


def test_the_first_year_is_free_for_more() -> None:
    assert made(used("s3-put", 3000), first_year=True).monthly_usd == pytest.approx(0.005)
    (note,) = made(used("s3-put", 3000), first_year=True).notes
    assert "15 July 2025" in note


def test_what_is_kept_goes_by_time() -> None:
    """A GB from the tenth day on is two thirds of a GB-month; half of it is gone on the twentieth: a third less."""
    assert quantities(made(held("s3-storage", 1, 10 * DAY))) == {"s3-storage": 2 / 3}
    gone = made(held("s3-storage", 1, 10 * DAY), held("s3-storage", -0.5, 20 * DAY))
    assert quantities(gone) == {"s3-storage": 1 / 3 + 1 / 6}


def test_what_was_there_before_stays() -> None:
    before = Held(hour=-10 * DAY, item="s3-storage", operation="raw", resource="idle/t", change=4, moment=0)
    assert quantities(made(before)) == {"s3-storage": 4}
    assert quantities(made(before, days=3)) == {"s3-storage": 4}


def test_what_grows_is_projected_as_it_grows() -> None:
    """A GB a day: after 30 days 15 GB on average, though a measured day had half of one."""
    growing = [held("s3-storage", 1 / 24, hour * HOUR_SECONDS + 1800) for hour in range(24)]
    (line,) = (one for one in made(*growing, days=1).lines if one.price == "s3-storage")
    assert line.measured == pytest.approx(0.5)
    assert line.quantity == pytest.approx(15)


COLD = msgspec.structs.replace(
    METRICS,
    lake_tables={
        name: msgspec.structs.replace(table, infrequent_after_seconds=60 * 86_400)
        for name, table in METRICS.lake_tables.items()
    },
)


def cold(*events: Held, days: float) -> dict[str, Any]:
    moved = [msgspec.structs.replace(one, resource="infra_metrics", operation="raw, large") for one in events]
    found = made(*moved, days=days, definitions={"metrics": COLD})
    return {line.price: pytest.approx(line.measured) for line in found.lines if line.price.startswith("s3")}


def test_large_objects_become_colder() -> None:
    """A GB of the first day, over 90 days: it is in the standard class for 60, and for 30 in the other."""
    assert cold(held("s3-storage", 1, 0), held("s3-large-objects", 1000, 0), days=90) == {
        "s3-storage": 2 / 3,
        "s3-ia-storage": 1 / 3,
        # a thousand in three months
        "s3-ia-transition": 1000 / 3,
    }


def test_young_and_small_objects_stay() -> None:
    assert cold(held("s3-storage", 1, 0), days=60) == {"s3-storage": 1}
    small = made(held("s3-storage", 1, 0, resource="infra_metrics"), days=90, definitions={"metrics": COLD})
    assert quantities(small)["s3-storage"] == 1
    assert "s3-ia-storage" not in quantities(small)


def test_what_leaves_infrequent_access_early_is_billed_for_30_days() -> None:
    """Ten days in the colder class, and 20 that are billed all the same: a month in all, of three."""
    gone = cold(held("s3-storage", 1, 0), held("s3-storage", -1, 70 * DAY), days=90)
    assert gone == {"s3-storage": 60 / 90, "s3-ia-storage": 30 / 90}


def test_items_that_are_gone_take_their_part_of_the_storage() -> None:
    """Ten items of a kilobyte in all three copies; five expire in the middle of the month."""
    found = made(
        held("dynamodb-storage", 30_000 / 1e9, 0, operation="PutItem"),
        held("dynamodb-items", 10, 0, operation="PutItem"),
        held("dynamodb-items", -5, 15 * DAY, operation="TimeToLive"),
    )
    assert quantities(found) == {"dynamodb-storage": (30_000 + 15_000) / 2 / 1e9}


def test_a_metric_is_billed_by_the_hours_with_data() -> None:
    """https://aws.amazon.com/cloudwatch/pricing/: all custom metrics are prorated by the hour."""
    hours = [used("metrics", 1, at=hour * 3600, resource=name) for hour in range(240) for name in ("Idle/a", "Idle/b")]
    assert quantities(made(*hours)) == {"metrics": 2 / 3}


def test_a_metric_is_billed_once_a_month_at_most() -> None:
    """Ten minutes that touch two hours do not make a metric cost more than a metric."""
    hours = [used("metrics", 1, at=hour * 3600, resource="Idle/a") for hour in range(2)]
    assert quantities(made(*hours, days=10 / 1440)) == {"metrics": 1}


def test_lines_tell_what_caused_them() -> None:
    found = made(used("s3-put", 30, operation="PutObject"), used("s3-put", 10, operation="ListObjectsV2"))
    (line,) = (one for one in found.lines if one.price == "s3-put")
    assert [(cause.operation, cause.quantity) for cause in line.causes] == [("PutObject", 30), ("ListObjectsV2", 10)]
    assert sum(cause.full_usd for cause in line.causes) == pytest.approx(line.full_usd)


def test_pipelines_share_by_what_they_use() -> None:
    found = made(
        used("sns-mail", 3000, resource="infra-monitoring-alerts"),
        used("sns-mail", 1000, resource=next(iter(LOGS.topics))),
        definitions=BOTH,
    )
    (line,) = (one for one in found.lines if one.price == "sns-mail")
    # 4,000 mails, of which 1,000 are free, at 2.00 for 100,000
    assert line.monthly_usd == pytest.approx(0.06)
    assert sum(found.pipelines.values()) == pytest.approx(found.monthly_usd)
    mails = {cause.pipeline: cause.quantity / line.quantity * line.monthly_usd for cause in line.causes}
    assert mails == {"metrics": pytest.approx(0.045), "logs": pytest.approx(0.015)}


def test_every_resource_has_its_pipeline() -> None:
    owners = Owners(BOTH)
    assert owners.of("infra_metrics") == owners.of("InfraMetrics") == owners.of("metrics/collect_cpu") == "metrics"
    assert owners.of("InfraMonitoring/CPUUtilization") == owners.of("InfraMonitoring/other") == "metrics"
    assert owners.of("Penstock/Successes{Task=collect_cpu,Pipeline=metrics}") == "metrics"
    assert owners.of(next(iter(LOGS.lake_tables))) == "logs"
    assert owners.of("infra_metrics+logs") == "metrics"
    assert owners.of("somebody-elses") == ""


def test_what_is_nobodys_is_not_billed() -> None:
    assert quantities(made(used("s3-put", 10, resource="somebody-elses"))) == {}


def deployed(**chosen: Any) -> dict[str, Definition]:
    return {"metrics": msgspec.structs.replace(METRICS, deployment=Deployment(**chosen))}


def of(found: Bill, price: str) -> dict[str, Any]:
    return {
        cause.operation: pytest.approx(cause.quantity)
        for line in found.lines
        for cause in line.causes
        if line.price == price
    }


SEALED = (
    used("s3-put", 9, operation="sealing", resource="infra_metrics"),
    held("s3-storage", 1, 0, operation="sealed", resource="infra_metrics"),
    held("s3-storage", 2, 0, operation="raw", resource="infra_metrics"),
)


def test_a_home_seals_always_an_account_where_it_is_deployed() -> None:
    without = made(*SEALED, definitions=deployed())
    assert of(without, "s3-storage") == {"raw": 2}
    assert of(without, "s3-put") == {}
    with_it = made(*SEALED, definitions=deployed(sealing=True))
    assert of(with_it, "s3-storage") == {"raw": 2, "sealed": 1}
    # Once an hour, three days, both zones.
    assert of(with_it, "s3-put") == {"sealing": 9, "in the account beside it": 720 * 3 * 2}
    assert of(with_it, "schedules") == {"in the account beside it": 720}


def test_a_second_region_has_copies() -> None:
    found = made(
        used("s3-put", 10, operation="PutObject", resource="infra_metrics"),
        used("dynamodb-write", 30, operation="PutItem", resource="InfraMetrics"),
        held("s3-storage", 2, 0, resource="infra_metrics"),
        definitions=deployed(replica_region="eu-west-1"),
    )
    assert of(found, "s3-ia-put") == {"replication": 10}
    assert of(found, "s3-ia-storage") == {"replication": 2}
    assert of(found, "dynamodb-write") == {"PutItem": 60}


def test_what_people_ask_is_as_given() -> None:
    found = made(definitions=deployed(), usage=Usage(queries=20, query_gb=0.1, hot_reads=10_000))
    assert of(found, "athena") == {"asked by people": 2}
    assert of(found, "dynamodb-read") == {"asked by people": 5000}
    # No query scans less than 10 MB.
    least = made(definitions=deployed(), usage=Usage(queries=20, query_gb=0.0001, hot_reads=0))
    assert of(least, "athena") == {"asked by people": 0.2}


def test_a_short_time_and_foreign_prices_are_told() -> None:
    assert "only 3.0 hours" in made(days=1 / 8).notes[0]
    (note,) = made(used("s3-get", 10), used("s3-put", 10), prices=book("eu-west-1")).notes
    assert "s3-get" in note
    assert "s3-put" not in note


# A second calculator: it takes one event after the other, and charges each unit at the price that it has by then.


def one_by_one(prices: PriceBook, events: list[tuple[str, float]]) -> float:
    cost, seen = 0.0, defaultdict[str, float](float)
    for code, quantity in events:
        price = prices[code]
        cost += _marginal(price, seen[code], seen[code] + quantity)
        seen[code] += quantity
    return cost


def _marginal(price: Price, start: float, end: float) -> float:
    """Charges what lies between two quantities of a month."""
    ends = [price.free, *(price.free + tier.up_to for tier in price.tiers if tier.up_to is not None), float("inf")]
    usd = [0.0, *(tier.usd for tier in price.tiers)] if price.tiers else [0.0, price.usd]
    cost = below = 0.0
    for top, each in zip(ends, usd, strict=True):
        cost += max(0.0, min(end, top) - max(start, below)) * each / price.per
        below = top
    return cost


USAGE = {
    "lambda-requests": 3e5, "lambda-arm64": 1e9, "transitions": 1000.0, "s3-put": 1e4, "s3-get": 1e5, "athena": 50.0,
    "dynamodb-write": 1e5, "dynamodb-read": 1e5, "sns-mail": 300.0, "sns-publish": 3e5, "sqs-requests": 3e5,
    "events": 1e5, "logs": 2.0, "express-duration": 2000.0, "transfer-out": 3e4, "schedules": 5e6,
}  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    events=st.lists(st.tuples(st.sampled_from(sorted(USAGE)), st.floats(0.001, 1.0), st.integers(0, 719)), max_size=40),
    region=st.sampled_from(["us-east-1", "eu-west-1"]),
)
def test_two_calculators_agree(events: list[tuple[str, float, int]], region: str) -> None:
    prices = book(region)
    taken = [(code, share * USAGE[code]) for code, share, _ in events]
    rows = [used(code, share * USAGE[code], at=hour * 3600) for code, share, hour in events]
    found = bill(IDLE, rows, [], Span(0, MONTH), prices=prices)
    assert found.monthly_usd == pytest.approx(one_by_one(prices, taken), rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(changes=st.lists(st.tuples(st.floats(0, MONTH), st.floats(0, 5), st.floats(0, MONTH)), max_size=20))
def test_two_calculators_agree_on_what_is_kept(changes: list[tuple[float, float, float]]) -> None:
    """Each object by itself: its size, times its part of the month."""
    rows, gb_months = [], 0.0
    for came, size, stays in changes:
        rows.append(held("s3-storage", size, came))
        if came + stays < MONTH:
            rows.append(held("s3-storage", -size, came + stays))
        gb_months += size * (min(MONTH, came + stays) - came) / MONTH
    found = made(*rows)
    assert sum(line.quantity for line in found.lines if line.price == "s3-storage") == pytest.approx(
        gb_months, rel=1e-6, abs=1e-6
    )


@settings(max_examples=100, deadline=None)
@given(
    lives=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 50)), max_size=12),
    stays=st.integers(24, 3000),
)
def test_two_calculators_agree_on_what_is_cold(lives: list[tuple[int, int]], stays: int) -> None:
    """Each object by itself; all stay for one time, so that what came first goes first."""
    end, age = 120 * DAY, 60 * DAY
    rows, seconds, early = [], 0.0, 0.0
    for hour, amount in lives:
        came, went = hour * HOUR_SECONDS, (hour + stays) * HOUR_SECONDS
        rows.append(held("s3-storage", amount, came))
        if went < end:
            rows.append(held("s3-storage", -amount, went))
        seconds += amount * max(0.0, min(went, end) - came - age)
        if came + age < went < end:
            early += amount * max(0.0, 30 * DAY - (went - came - age))
    found = aged(rows, Span(0, end), age)
    assert found.held == pytest.approx(seconds / end)
    assert found.early == pytest.approx(early / end)
