"""What would make a bill smaller: changes of the definition, and what each would save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from penstock.cost.bill import Bill, BillCause
from penstock.cost.prices import PriceBook
from penstock.cost.sealing import DAYS_LOOKED_AT, starts_of_sealing
from penstock.cost.traffic import MONTH_DAYS
from penstock.cost.units import ATHENA_LEAST_BYTES, GB
from penstock.cost.usage import Usage
from penstock.model.pipeline import Definition

NAMED = 3
SAVES_LESS = 1e-6
HEARTBEATS = "Penstock/"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change.

    Attributes:
        what: as one would say it.
        saves_usd: of a month, as the bill was asked for.
        saves_full_usd: when what is free is used up by others.
    """

    what: str
    saves_usd: float
    saves_full_usd: float


# What a change takes off, by price; what it adds is negative.
Less = dict[str, float]


def advice(bill: Bill, definitions: Mapping[str, Definition], prices: PriceBook, *, first: int = NAMED) -> list[Change]:
    """Returns the changes that save most, the best first."""
    found = [
        _change(bill, prices, what, less)
        for name, definition in definitions.items()
        for what, less in _possible(bill, name, definition)
    ]
    worth = [change for change in found if change.saves_full_usd > SAVES_LESS]
    return sorted(worth, key=lambda one: (-one.saves_usd, -one.saves_full_usd, one.what))[:first]


def with_metrics_of_each(bill: Bill, definition: Definition, prices: PriceBook, instances: int) -> float:
    """Returns what the month would cost if every instance had its own series of the metrics that all share now."""
    shared = {f"{one.namespace}/{one.name}" for one in definition.metrics.values() if not one.dimensions}
    for line in bill.lines:
        if line.price == "metrics":
            more = sum(cause.quantity for cause in line.causes if cause.resource in shared) * (instances - 1)
            charged = prices["metrics"].charge(line.quantity + more, free_tier=bill.free_tier)
            return bill.monthly_usd + charged - prices["metrics"].charge(line.quantity, free_tier=bill.free_tier)
    return bill.monthly_usd


def _change(bill: Bill, prices: PriceBook, what: str, less: Less) -> Change:
    quantities = {line.price: line.quantity for line in bill.lines}

    def saved(*, free_tier: bool) -> float:
        total = 0.0
        for code, taken in less.items():
            before = quantities.get(code, 0.0)
            after = max(0.0, before - taken)
            total += prices[code].charge(before, free_tier=free_tier) - prices[code].charge(after, free_tier=free_tier)
        return total

    return Change(what=what, saves_usd=saved(free_tier=bill.free_tier), saves_full_usd=saved(free_tier=False))


def _possible(bill: Bill, name: str, definition: Definition) -> Iterator[tuple[str, Less]]:
    causes = defaultdict[str, list[BillCause]](list)
    for line in bill.lines:
        causes[line.price] += [cause for cause in line.causes if cause.pipeline == name]
    yield from _dimensions(causes["metrics"])
    yield from _alarms(definition, causes["metrics"])
    yield from _dashboards(definition)
    yield from _batching(definition, causes)
    yield from _cadence(definition)
    yield from _parquet(definition, causes["athena"])
    yield from _indexes(definition, causes)
    yield from _architecture(definition, causes["lambda-x86_64"])


def _dimensions(series: list[BillCause]) -> Iterator[tuple[str, Less]]:
    by_name = defaultdict[str, list[float]](list)
    for cause in series:
        name, has_dimensions, _ = cause.resource.partition("{")
        # The heartbeats of dead-man alarms have to be told apart.
        if has_dimensions and not name.startswith(HEARTBEATS):
            by_name[name].append(cause.quantity)
    for name, hours in by_name.items():
        if len(hours) > 1:
            yield (
                f"fewer dimensions: publish {name} as one series instead of {len(hours)}",
                {"metrics": sum(hours) - max(hours)},
            )


def _alarms(definition: Definition, series: list[BillCause]) -> Iterator[tuple[str, Less]]:
    derived = [alarm for alarm in definition.alarms.values() if alarm.derived]
    of_tasks = [alarm for alarm in derived if dict(alarm.metric.dimensions).get("Task")]
    if of_tasks and len(of_tasks) < len(derived):
        heard = {f"{alarm.metric.namespace}/{alarm.metric.label}" for alarm in of_tasks}
        yield (
            f"fewer alarms: let those of the datasets tell, without the {len(of_tasks)} of single tasks",
            {
                "alarms": float(len(of_tasks)),
                "metrics": sum(cause.quantity for cause in series if cause.resource in heard),
            },
        )


def _dashboards(definition: Definition) -> Iterator[tuple[str, Less]]:
    count = len(definition.dashboards)
    if count:
        yield f"no dashboard in CloudWatch ({count})", {"dashboards": float(count)}


def _batching(definition: Definition, causes: Mapping[str, list[BillCause]]) -> Iterator[tuple[str, Less]]:
    for table in definition.lake_tables.values():
        writers = [t for t in definition.tasks.values() if any(g == table.append for g in t.grants)]
        if len(writers) < 2:
            continue
        share = 1 - 1 / len(writers)
        less: Less = {"s3-put": share * _sum(causes["s3-put"], table.name, "PutObject")}
        less["s3-get"] = share * _sum(causes["s3-get"], table.name, "GetObject")
        started = {one.workflow for one in definition.triggers.values() if one.table == table.name}
        less["transitions"] = share * sum(_sum(causes["transitions"], f"{definition.name}/{w}") for w in started)
        readers = [t.name for t in definition.tasks.values() if any(g == table.read for g in t.grants)]
        less["lambda-requests"] = share * sum(
            _sum(causes["lambda-requests"], f"{definition.name}/{t}") for t in readers
        )
        yield f"batching: one object of {table.name} an execution instead of {len(writers)}", less


def _cadence(definition: Definition) -> Iterator[tuple[str, Less]]:
    starts = starts_of_sealing(definition)
    if starts <= MONTH_DAYS:
        return
    fewer = starts - MONTH_DAYS
    listings = fewer * DAYS_LOOKED_AT * 2 * len(definition.lake_tables)
    yield (
        "sealing cadence: partitions of a day instead of an hour",
        {"schedules": fewer, "lambda-requests": fewer, "s3-put": listings},
    )


def _parquet(definition: Definition, scans: list[BillCause]) -> Iterator[tuple[str, Less]]:
    scanned = sum(cause.quantity for cause in scans)
    if definition.deployment.sealing or not scanned:
        return
    kept = max(Usage().sealed_share * scanned, ATHENA_LEAST_BYTES / GB)
    starts = starts_of_sealing(msgspec.structs.replace(
        definition, deployment=msgspec.structs.replace(definition.deployment, sealing=True)
    ))  # fmt: skip
    listings = starts * DAYS_LOOKED_AT * 2 * len(definition.lake_tables)
    yield (
        "Parquet: seal the lake (pipeline.aws(sealing=True)), so that queries scan less",
        {"athena": scanned - kept, "s3-put": -listings, "lambda-requests": -starts, "schedules": -starts},
    )


def _indexes(definition: Definition, causes: Mapping[str, list[BillCause]]) -> Iterator[tuple[str, Less]]:
    for table in definition.hot_tables.values():
        copies = 1 + len(table.indexes)
        if table.indexes:
            less = {code: _sum(causes[code], table.name) / copies for code in ("dynamodb-write", "dynamodb-storage")}
            yield f"one index less of {table.name} ({', '.join(one.name for one in table.indexes)})", less
        if table.point_in_time_recovery:
            less = {"dynamodb-pitr": _sum(causes["dynamodb-pitr"], table.name)}
            yield f"{table.name} without point-in-time recovery", less


def _architecture(definition: Definition, times: list[BillCause]) -> Iterator[tuple[str, Less]]:
    seconds = sum(cause.quantity for cause in times)
    if definition.deployment.architecture == "x86_64" and seconds:
        yield (
            "functions on arm64: pipeline.aws(architecture='arm64')",
            {"lambda-x86_64": seconds, "lambda-arm64": -seconds},
        )


def _sum(causes: list[BillCause], resource: str, operation: str = "") -> float:
    return sum(cause.quantity for cause in causes if cause.resource == resource and operation in {"", cause.operation})
