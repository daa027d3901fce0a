"""Orders: every hour a batch; each new object is checked, made uniform, and upserted into a hot table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from penstock import Context, Invoke, Map, Pipeline, TaskError, Widget, days, hours, index, minutes, number, string
from penstock.pipelines.orders import etl, generator, queries, totals
from penstock.pipelines.orders.records import CURRENCIES, RawOrder

EXAMPLE = Path(__file__).parent / "example.json"
# The ETL as a job on Spark, chosen by PENSTOCK_ORDERS_ETL=glue.
JOB = Path(__file__).parent / "etl-job.asl.json"

pipeline = Pipeline(
    "orders",
    description="Orders of a shop, every hour: checked, deduplicated, kept by order, customer and day",
    namespace="Orders",
    tags={"project": "orders", "environment": "production", "owner": "data"},
)

raw = pipeline.lake(
    "raw_orders", RawOrder, partition="hour", seal_after=minutes(30), retain=days(365), infrequent_after=days(60),
    unique="order_id", time="ordered_at",
)  # fmt: skip
orders = pipeline.hot_table(
    "Orders",
    key=string("order_id"),
    indexes=[
        index("CustomerIndex", "customer_id", number("ordered_at")),
        index("DayIndex", "day", number("ordered_at")),
    ],
)
daily_sales = pipeline.hot_table("DailySales", key=(string("day"), string("currency")))
batches = pipeline.hot_table("OrderBatches", key=(string("day"), string("step")), ttl=days(30))
alerts = pipeline.topic("orders-alerts", "console:", "file:orders-alerts.jsonl")

read = pipeline.metric("OrdersRead", "Count")
stored = pipeline.metric("OrdersStored", "Count")
quarantined = pipeline.metric("OrdersQuarantined", "Count")
duplicates = pipeline.metric("OrdersDuplicate", "Count")
reject_rate = pipeline.metric("RejectRate", "Percent")
unreconciled = pipeline.metric("OrdersUnreconciled", "Count")
generator_errors = pipeline.metric("GeneratorErrors", "Count")
etl_errors = pipeline.metric("EtlErrors", "Count")
etl_duration = pipeline.metric("EtlDuration", "Milliseconds")

transformation = pipeline.transformation("orders-etl", inputs=etl.INPUTS, steps=etl.STEPS, outputs=etl.OUTPUTS)


@pipeline.task(name="order-generator", timeout=minutes(1), errors=generator_errors)
def order_generator(event: Any, context: Context) -> dict[str, Any]:
    """Says which orders of the last hour that is over are to be written, in batches of one object each."""
    if isinstance(event, dict) and event.get("example"):
        return {"batches": [{"example": True}]}
    wanted = generator.parse_orders(event, os.environ.get("PENSTOCK_ORDERS", ""))
    at = context.started_at if context.scheduled_time is None else context.scheduled_time
    planned = [] if wanted is None else generator.batches(wanted, at)
    return {"batches": msgspec.to_builtins(planned)}


@pipeline.task(
    name="order-writer", memory=512, timeout=minutes(5), may=[raw.append, batches.put], errors=generator_errors
)
def order_writer(event: Any, context: Context) -> dict[str, Any]:
    """Writes one batch into the raw zone, and notes how many records it has."""
    if event.get("example"):
        made = [msgspec.json.decode(line) for line in EXAMPLE.read_bytes().splitlines() if line]
        name = "example"
    else:
        batch = msgspec.convert(event, generator.Batch)
        made, name = generator.make(batch).records, f"orders-{batch.number:04}"
    written = context[raw].append(made, source=name)
    context[batches].put(totals.generated(written.key, len(made), context.started_at))
    return {"key": written.key, "records": len(made)}


@pipeline.task(
    name="order-etl",
    memory=1769,
    timeout=minutes(15),
    may=[
        raw.read, raw.quarantine, orders.put, batches.put, read.publish, stored.publish, quarantined.publish,
        duplicates.publish, reject_rate.publish, unreconciled.publish,
    ],
    errors=etl_errors,
    duration=etl_duration,
)  # fmt: skip
def order_etl(event: Any, context: Context) -> dict[str, Any]:
    """Checks a new object's orders, makes them uniform, and upserts them; the others go to the quarantine."""
    key = _key(event)
    late = 0
    found_days: set[str] = set()
    with context[transformation].run(raw_orders=key, currencies=CURRENCIES) as result:
        for source, bads in result.bad("raw_orders", etl.BATCH_ROWS):
            context[raw].quarantine(bads, source)
        for rejects in result.batches("rejects", etl.BATCH_ROWS):
            context[raw].quarantine(etl.as_bads(rejects), key)
        for rows in result.rows("good", etl.BATCH_ROWS):
            items = [etl.order_item(row) for row in rows]
            context[orders].put_all(items)
            late += sum(item["late"] for item in items)
            found_days |= {item["day"] for item in items}
        told = totals.Processed(
            key=key,
            read=result.count("raw_orders") + result.bad_count("raw_orders"),
            stored=result.count("good"),
            quarantined=result.count("rejects") + result.bad_count("raw_orders"),
            duplicates=result.count("duplicates"),
            late=late,
        )
    context[batches].put_all(totals.processed(told, totals.arrival_day(key), found_days))
    context.publish(
        [
            (read, told.read),
            (stored, told.stored),
            (quarantined, told.quarantined),
            (duplicates, told.duplicates),
            (reject_rate, 100 * told.quarantined / max(told.read, 1)),
            (unreconciled, abs(told.unreconciled)),
        ]
    )
    return {**msgspec.structs.asdict(told), "unreconciled": told.unreconciled, "days": sorted(found_days)}


def _key(event: Any) -> str:
    # A job's arguments begin so.
    key = event.get("key", event.get("--key")) if isinstance(event, dict) else None
    if not isinstance(key, str):
        hint = 'give {"key": "raw/raw_orders/…"}, as a new object does'
        raise TaskError("the event names no object", hint=hint, error="InvalidInput")
    return key


@pipeline.task(
    name="order-totals",
    memory=1769,
    timeout=minutes(15),
    may=[raw.read, batches.query, daily_sales.put, unreconciled.publish],
    errors=etl_errors,
)
def order_totals(event: Any, context: Context) -> dict[str, Any]:
    """Adds up each day that can still change, over all objects that hold orders of it; and looks for lost ones."""
    at = context.started_at if context.scheduled_time is None else context.scheduled_time
    wanted = event.get("days") if isinstance(event, dict) else None
    told: dict[str, Any] = {"days": {}, "missing": 0}
    for day in wanted or totals.last_days(at):
        items = _batches_of(day, context)
        told["missing"] += totals.missing(items, at)
        keys = totals.holding(items)
        if not keys:
            continue
        with context[transformation].run(raw_orders=keys, currencies=CURRENCIES) as result:
            # The objects hold orders of other days too, which have objects of their own.
            sales = [one for batch in result.batches("daily") for one in batch if one.day == day]
        for one in sales:
            context[daily_sales].put(etl.sales_item(one))
        told["days"][day] = sum(one.orders for one in sales)
    context.publish([(unreconciled, told["missing"])])
    return told


def _batches_of(day: str, context: Context) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    page = context[batches].query(partition=day)
    items += page.items
    while page.after is not None:
        page = context[batches].query(partition=day, after=page.after)
        items += page.items
    return items


each_batch = Map(Invoke(order_writer).retry(times=2), items="$.batches", at_once=4, name="WriteBatches")
pipeline.every(hours(1), Invoke(order_generator).retry(times=2).then(each_batch))
if os.environ.get("PENSTOCK_ORDERS_ETL") == "glue":
    # An object an hour, for each at least a minute of two DPUs: $10.56 a month.
    pipeline.aws(jobs=("order-etl",), monthly_budget_usd=30)
    pipeline.on_object(raw, pipeline.workflow("order-etl", JOB))
else:
    pipeline.on_object(raw, order_etl)
pipeline.cron("40 * * * ? *", Invoke(order_totals).retry(times=2), name="orders-totals")
pipeline.example({"example": True})
pipeline.rehearse({"orders": {"count": 40, "seed": 7}}, {"orders": {"count": 0}})
pipeline.simulate(lambda instances, seed: {"orders": {"count": instances, "seed": seed}}, instances=40)


@pipeline.summary
def summary(output: Any, context: Context) -> str:
    """Says what was written, and what became of it."""
    written = output if isinstance(output, list) else []
    places = ({"day": totals.arrival_day(one["key"]), "step": totals.processed_step(one["key"])} for one in written)
    found = (context[batches].get(place) for place in places)
    return totals.told(written, [item for item in found if item is not None])


for _name, (_sql, _description) in queries.NAMED.items():
    pipeline.query(_name, _sql, dialect="athena", description=_description)

HOUR = hours(1)
alarms = (
    pipeline.alarm(
        "OrdersStale", metric=stored, below=1, statistic="Sum", period=HOUR, for_periods=2, missing="breaching",
        severity="HIGH", notify=alerts, description="No order was stored for two hours",
    ),
    pipeline.alarm(
        "OrdersLowVolume", metric=read, below=10, statistic="Sum", period=HOUR, for_periods=2, missing="ignore",
        severity="WARNING", notify=alerts, description="Fewer than 10 orders an hour arrived, two hours in a row",
    ),
    pipeline.alarm(
        "OrdersRejectRate", metric=reject_rate, above=10, statistic="Maximum", period=HOUR, missing="notBreaching",
        severity="HIGH", notify=alerts, description="More than 10 percent of an object were quarantined",
    ),
    pipeline.alarm(
        "OrdersUnreconciled", metric=unreconciled, above=0, statistic="Maximum", period=HOUR, missing="notBreaching",
        severity="CRITICAL", notify=alerts,
        description="Generated orders are neither stored nor quarantined nor duplicates",
    ),
    pipeline.alarm(
        "OrdersEtlErrors", metric=etl_errors, above=0, statistic="Sum", period=HOUR, missing="notBreaching",
        severity="CRITICAL", notify=alerts, description="The ETL, or the totals, failed",
    ),
    pipeline.alarm(
        "OrdersGeneratorErrors", metric=generator_errors, above=0, statistic="Sum", period=HOUR,
        missing="notBreaching", severity="CRITICAL", notify=alerts, description="Orders could not be written",
    ),
)  # fmt: skip

HOUR_SECONDS = int(HOUR.total_seconds())
pipeline.dashboard(
    "orders",
    Widget(title="Orders", metrics=(read, stored, duplicates), statistic="Sum", period_seconds=HOUR_SECONDS),
    Widget(title="Quarantined", metrics=(quarantined,), statistic="Sum", period_seconds=HOUR_SECONDS),
    Widget(title="Reject rate", metrics=(reject_rate,), statistic="Maximum", period_seconds=HOUR_SECONDS),
    Widget(title="Unreconciled", view="number", metrics=(unreconciled,), statistic="Maximum",
           period_seconds=HOUR_SECONDS),
    Widget(title="ETL's duration", metrics=(etl_duration,), period_seconds=HOUR_SECONDS),
    Widget(title="Errors", metrics=(etl_errors, generator_errors), statistic="Sum", period_seconds=HOUR_SECONDS),
    Widget(title="Alarms", view="alarms", alarms=tuple(alarm.name for alarm in alarms)),
)  # fmt: skip
