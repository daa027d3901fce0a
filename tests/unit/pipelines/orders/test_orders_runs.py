"""The orders pipeline in a home: what it stores, quarantines and adds up, against a recount in plain Python."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.pipelines import orders as app
from penstock.pipelines.orders import generator, totals
from penstock.pipelines.orders.generator import Batch
from penstock.pipelines.orders.records import CURRENCIES
from penstock.testing.sandbox import Sandbox

NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z
HOUR = 1_771_567_200
RUN = {"orders": {"count": 300, "seed": 7, "batch": 120}}
BATCHES = (Batch(0, 120, 7, HOUR), Batch(1, 120, 7, HOUR), Batch(2, 60, 7, HOUR))
EUROS = {one.code: one.euros for one in CURRENCIES}
CENT = Decimal("0.01")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(app.pipeline, tmp_path, now=NOW) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def made() -> list[generator.Made]:
    return [generator.make(batch) for batch in BATCHES]


def is_kept(record: dict[str, Any]) -> bool:
    """Tells whether a record is an order, by the rules as docs/reference/orders-pipeline.md has them."""
    lines = record.get("lines")
    return bool(
        all(str(record.get(key) or "").strip() for key in ("order_id", "customer_id"))
        and str(record["ordered_at"]).endswith("Z")
        and record["currency"].strip().upper() in EUROS
        and isinstance(lines, list)
        and lines
        and all(isinstance(line["quantity"], int) and line["quantity"] > 0 for line in lines)
    )


def recount(records: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Returns the totals of each day and currency, each order once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    unique = {record["order_id"]: record for record in records if is_kept(record)}
    for record in unique.values():
        currency = record["currency"].strip().upper()
        of_day = found.setdefault(
            (record["ordered_at"][:10], currency),
            {"orders": 0, "units": 0, "who": set(), "revenue": Decimal(0), "revenue_eur": Decimal(0)},
        )
        gross = sum((line["quantity"] * Decimal(line["unit_price"]) for line in record["lines"]), Decimal(0))
        total = gross - Decimal(record.get("discount", "0"))
        of_day["orders"] += 1
        of_day["units"] += sum(line["quantity"] for line in record["lines"])
        of_day["who"].add(record["customer_id"])
        of_day["revenue"] += total
        of_day["revenue_eur"] += (total * EUROS[currency]).quantize(CENT, ROUND_HALF_UP)
    return found


def daily(home: Sandbox) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["day"], item["currency"]): item for item in home.items(app.daily_sales)}


def test_every_record_is_stored_or_quarantined_or_a_duplicate(home: Sandbox, made: list[generator.Made]) -> None:
    home.run(RUN)
    records = [record for one in made for record in one.records]
    rejected = sum(sum(one.rejected.values()) for one in made)
    twice = sum(one.duplicates for one in made)
    assert sum(home.values(app.read)) == len(records)
    assert sum(home.values(app.stored)) == 300 - rejected == len(home.items(app.orders))
    assert sum(home.values(app.quarantined)) == rejected == len(home.quarantined(app.raw))
    assert sum(home.values(app.duplicates)) == twice
    assert home.values(app.unreconciled) == [0.0, 0.0, 0.0]
    # Nothing that cannot be kept was kept, and nothing else was left out.
    assert {item["order_id"] for item in home.items(app.orders)} == {r["order_id"] for r in records if is_kept(r)}
    assert sum(item["late"] for item in home.items(app.orders)) == sum(one.late for one in made)


def test_orders_are_uniform_and_found_by_order_customer_and_day(home: Sandbox, made: list[generator.Made]) -> None:
    home.run(RUN)
    record = next(r for r in made[0].records if is_kept(r) and r["currency"].startswith(" ") and "discount" in r)
    item = home.home.hot.get(app.orders, {"order_id": record["order_id"]})
    assert item is not None
    gross = sum((line["quantity"] * Decimal(line["unit_price"]) for line in record["lines"]), Decimal(0))
    assert item["total"] == gross - Decimal("0.50")
    assert item["currency"] == record["currency"].strip().upper()
    page = home.home.hot.query(
        app.orders, index="CustomerIndex", partition=record["customer_id"], newest_first=True, limit=100
    )
    times = [one["ordered_at"] for one in page.items]
    assert times == sorted(times, reverse=True)
    assert item in page.items
    assert item in home.home.hot.query(app.orders, index="DayIndex", partition=item["day"]).items


def test_a_record_that_is_none_is_quarantined_with_reason_line_and_text(home: Sandbox) -> None:
    home.run({"example": True})
    (key,) = [info.key for info in home.home.objects.list("raw/raw_orders/")]
    lines = home.home.objects.get(key).splitlines()
    found = home.quarantined(app.raw)
    assert found
    for bad in found:
        assert bad["source"] == key
        assert json.loads(bad["raw"]) == json.loads(lines[bad["line"] - 1])
    reasons = {bad["line"]: bad["reason"] for bad in found}
    for number, line in enumerate(lines, start=1):
        assert (number in reasons) == (not is_kept(json.loads(line))), reasons.get(number)


def test_days_add_up_each_order_once(home: Sandbox, made: list[generator.Made]) -> None:
    home.run(RUN)
    execution = home.run({}, workflow="orders-totals")
    expected = recount([record for one in made for record in one.records])
    found = daily(home)
    assert found.keys() == expected.keys()
    for key, item in found.items():
        wanted = {**expected[key], "customers": len(expected[key]["who"])}
        assert {name: item[name] for name in ("orders", "units", "customers", "revenue", "revenue_eur")} == {
            name: wanted[name] for name in ("orders", "units", "customers", "revenue", "revenue_eur")
        }
    assert msgspec.json.decode(execution.output or b"")["missing"] == 0


def test_processing_an_object_again_changes_nothing(home: Sandbox) -> None:
    home.run(RUN)
    home.run({}, workflow="orders-totals")
    before = [home.items(table) for table in (app.orders, app.daily_sales, app.batches)], home.quarantined(app.raw)
    for info in reversed(list(home.home.objects.list("raw/raw_orders/"))):
        assert home.run({"key": info.key}, workflow="order-etl").status == "SUCCEEDED"
    home.run({}, workflow="orders-totals")
    after = [home.items(table) for table in (app.orders, app.daily_sales, app.batches)], home.quarantined(app.raw)
    assert after == before


def test_an_order_that_comes_again_in_another_object_is_one_order(home: Sandbox, made: list[generator.Made]) -> None:
    home.run(RUN)
    home.run({}, workflow="orders-totals")
    before = home.items(app.orders), {key: item["orders"] for key, item in daily(home).items()}
    # The same orders an hour later, from another execution: other objects.
    home.clock.advance(10.0)
    home.run(RUN)
    home.run({}, workflow="orders-totals")
    assert len(list(home.home.objects.list("raw/raw_orders/"))) == 6
    assert (home.items(app.orders), {key: item["orders"] for key, item in daily(home).items()}) == before


def test_an_object_that_was_never_processed_is_missed(home: Sandbox) -> None:
    home.run(RUN)
    home.home.hot.put(app.batches, totals.generated("raw/raw_orders/lost.json", 17, home.clock.now()))
    assert msgspec.json.decode(home.run({}, workflow="orders-totals").output or b"")["missing"] == 0
    home.clock.advance(totals.PATIENCE_SECONDS + 1.0)
    assert msgspec.json.decode(home.run({}, workflow="orders-totals").output or b"")["missing"] == 17
    home.advance(3600.0)
    assert "OrdersUnreconciled" in _fired(home)


def test_an_object_full_of_rejects_raises_the_alarm(home: Sandbox) -> None:
    raw = b"".join(b'{"order_id": "o-%d"}\n' % number for number in range(20)) + b"no JSON at all\n"
    key = "raw/raw_orders/year=2026/month=02/day=20/hour=07/shop-1.json"
    home.home.objects.create(key, raw)
    home.run({"key": key}, workflow="order-etl")
    assert home.values(app.reject_rate) == [100.0]
    reasons = collections.Counter(bad["reason"].partition(":")[0] for bad in home.quarantined(app.raw))
    assert reasons == {"customer_id is missing": 20, "not JSON": 1}
    home.advance(60.0)
    assert "OrdersRejectRate" in _fired(home)


def test_nothing_for_two_hours_raises_the_alarm(home: Sandbox) -> None:
    home.run(RUN)
    home.advance(60.0)
    assert "OrdersStale" not in _fired(home)
    for _ in range(4):
        home.advance(3600.0)
    assert "OrdersStale" in _fired(home)


def test_an_event_without_a_key_is_refused(home: Sandbox) -> None:
    execution = home.run({}, workflow="order-etl")
    assert (execution.status, execution.error) == ("FAILED", "InvalidInput")


def _fired(home: Sandbox) -> set[str]:
    rows = home.home.outbox.rows(limit=1000)
    return {row.message.subject.split('"')[1] for row in rows if row.message.subject.startswith("ALARM")}
