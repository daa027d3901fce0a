"""What a meter counted, as quantities of a month: whose it is, what caused it, and what it comes to in 30 days."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from penstock.cost.traffic import MONTH_DAYS, MONTH_HOURS
from penstock.cost.units import LARGE, early_deletion_days
from penstock.model.datasets import ZONES
from penstock.model.metering import HOUR_SECONDS, Held, Span, Used
from penstock.model.pipeline import Definition

MONTH_SECONDS = MONTH_DAYS * 86_400.0
# A machine starts a moment before what it is started for.
MINUTE_SECONDS = 60.0
SEALING = "sealing"
# Codes of which another unit is counted than is billed: hours of a metric, of which a month has so many.
HOURLY = {"metrics": MONTH_HOURS}
# How many items a hot table holds, which is not billed itself: it tells how much of the storage is gone.
ITEMS, GONE = "dynamodb-items", ("DeleteItem", "TimeToLive")
PER_ITEM = ("dynamodb-storage", "dynamodb-pitr")
# How many large objects there are, likewise: lifecycle rules move these.
OBJECTS = "s3-large-objects"
UNBILLED = (ITEMS, OBJECTS)
DAY_SECONDS = 86_400.0


class Cause(msgspec.Struct, frozen=True, order=True):
    """What a quantity comes from."""

    price: str
    pipeline: str
    operation: str
    resource: str


class Amount(msgspec.Struct):
    """A quantity, as it was measured and as it is in a month."""

    measured: float = 0.0
    monthly: float = 0.0


def month(
    definitions: Mapping[str, Definition], used: Iterable[Used], held: Iterable[Held], span: Span
) -> dict[Cause, Amount]:
    """Returns the quantities of a month that goes on as what was measured, in units of the prices.

    What is kept is a month's average: it grows from what there was as fast as it grew while it was measured.
    """
    owners, whole = Owners(definitions), max(MINUTE_SECONDS, round(span.seconds / MINUTE_SECONDS) * MINUTE_SECONDS)
    found: defaultdict[Cause, Amount] = defaultdict(Amount)
    _add_used(found, used, owners, MONTH_SECONDS / whole)
    _add_held(found, held, owners, span, MONTH_SECONDS / whole)
    return {cause: amount for cause, amount in sorted(found.items()) if amount.monthly > 0 and cause.pipeline}


class Owners:
    """Which pipeline a resource belongs to."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._named: dict[str, str] = {}
        self._namespaces: dict[str, str] = {}
        for name, one in definitions.items():
            things = (one.lake_tables, one.hot_tables, one.topics, one.queues, one.event_buses, one.inboxes)
            for thing in (key for kind in things for key in kind):
                self._named.setdefault(thing, name)
            metrics = [*one.metrics.values(), *(alarm.metric for alarm in one.alarms.values())]
            self._named.update((f"{metric.namespace}/{metric.label}", name) for metric in metrics)
            self._namespaces.setdefault(one.namespace, name)
        self._pipelines = definitions.keys()
        self._tables = {name: table for one in definitions.values() for name, table in one.lake_tables.items()}

    def of(self, resource: str) -> str:
        """Returns a pipeline's name; empty for what is none of theirs."""
        first = resource.partition("+")[0]
        if first in self._named:
            return self._named[first]
        before = resource.partition("/")[0]
        return before if before in self._pipelines else self._namespaces.get(before, "")

    def infrequent_seconds(self, cause: Cause) -> int | None:
        """Returns after how long what is kept moves into the class for infrequent access; None for never."""
        table, (zone, large, _) = self._tables.get(cause.resource), cause.operation.partition(LARGE)
        if table is None or cause.price != "s3-storage" or not large or zone not in ZONES:
            return None
        return table.infrequent_seconds(zone)


def _add_used(found: dict[Cause, Amount], used: Iterable[Used], owners: Owners, factor: float) -> None:
    for one in used:
        amount = found[Cause(one.item, owners.of(one.resource), one.operation, one.resource)]
        amount.measured += one.quantity / HOURLY.get(one.item, 1.0)
    for cause, amount in found.items():
        # A series is billed once, however many hours of data a short time is taken to stand for.
        amount.monthly = min(amount.measured * factor, 1.0 if cause.price in HOURLY else float("inf"))


def _add_held(found: dict[Cause, Amount], held: Iterable[Held], owners: Owners, span: Span, factor: float) -> None:
    rows: defaultdict[Cause, list[Held]] = defaultdict(list)
    for one in held:
        rows[Cause(one.item, owners.of(one.resource), one.operation, one.resource)].append(one)
    for cause, changes in rows.items():
        if cause.price in UNBILLED:
            continue
        level = Level(span, changes)
        if cause.price in PER_ITEM:
            _take_gone(level, cause.resource, rows, span)
        amount = found[cause]
        amount.measured, amount.monthly = amount.measured + level.average(), amount.monthly + level.monthly()
        age = owners.infrequent_seconds(cause)
        if age is not None:
            objects = rows.get(msgspec.structs.replace(cause, price=OBJECTS), [])
            _move(found, cause, aged(changes, span, age), aged(objects, span, age).moved * factor)


def _take_gone(level: Level, resource: str, rows: Mapping[Cause, list[Held]], span: Span) -> None:
    """Takes off what is gone of a hot table, as if its items were of one size."""
    items = [(cause.operation in GONE, changes) for cause, changes in rows.items() if cause.resource == resource
             and cause.price == ITEMS]  # fmt: skip
    put = sum(change.change for is_gone, changes in items for change in changes if not is_gone)
    for is_gone, changes in items:
        if is_gone and put:
            level.take(Level(span, changes), level.put / put)


def _move(found: dict[Cause, Amount], cause: Cause, old: Aged, objects: float) -> None:
    """Moves what is old enough into the colder class."""
    found[cause].measured -= old.held
    found[cause].monthly -= old.held
    for price, quantity in (("s3-ia-storage", old.held + old.early), ("s3-ia-transition", objects)):
        moved = found[msgspec.structs.replace(cause, price=price)]
        moved.measured, moved.monthly = moved.measured + quantity, moved.monthly + quantity


class Aged(msgspec.Struct, frozen=True):
    """What is older than an age.

    Attributes:
        held: how much, on average.
        early: what is billed beside it because it was deleted too early, as if it was held on average.
        moved: how much became so old.
    """

    held: float = 0.0
    early: float = 0.0
    moved: float = 0.0


def aged(changes: Iterable[Held], span: Span, age: float) -> Aged:
    """Returns what a colder class has of what is kept, when what came first goes first."""
    held = early = moved = 0.0
    for came, went, amount in _lives(changes):
        colder = came + age
        if went is not None and went <= colder:
            continue
        until = span.ended if went is None else min(went, span.ended)
        held += amount * max(0.0, until - max(colder, span.began))
        moved += amount * (span.began <= colder < span.ended)
        if went is not None and span.began <= went < span.ended:
            early += amount * early_deletion_days("infrequent", (went - colder) / DAY_SECONDS) * DAY_SECONDS
    whole = max(span.seconds, 1.0)
    return Aged(held / whole, early / whole, moved)


def _lives(changes: Iterable[Held]) -> Iterator[tuple[float, float | None, float]]:
    """Yields from when to when an amount was there; None for one that is there still."""
    waiting: deque[list[float]] = deque()
    for one in sorted(changes, key=lambda change: change.hour):
        if one.change > 0:
            waiting.append([one.hour, one.change])
            continue
        left = -one.change
        while left > 0 and waiting:
            came, amount = waiting[0]
            taken = min(left, amount)
            left, waiting[0][1] = left - taken, amount - taken
            yield came, one.hour, taken
            if waiting[0][1] <= 0:
                waiting.popleft()
    yield from ((came, None, amount) for came, amount in waiting)


class Level:
    """How much is kept, over a time.

    Attributes:
        put: all that ever came.
    """

    def __init__(self, span: Span, changes: Iterable[Held]) -> None:
        self._span = span
        self._start = self._held = self.put = 0.0
        for change in changes:
            self._add(change)

    def take(self, other: Level, times: float) -> None:
        """Adds what another counts, so many times: what went is below zero."""
        self._held += other._held * times
        self._start += other._start * times

    def average(self) -> float:
        """Returns how much was there on average."""
        return max(0.0, self._held) / max(self._span.seconds, 1.0)

    def monthly(self) -> float:
        """Returns how much a month has on average: of a shorter time it is the month that begins with it."""
        seconds = max(self._span.seconds, 1.0)
        if seconds >= MONTH_SECONDS:
            return self.average()
        growth = max(0.0, self._held - self._start * seconds) * 2 / seconds**2
        return self._start + growth * MONTH_SECONDS / 2

    def _add(self, change: Held) -> None:
        self.put += max(0.0, change.change)
        if change.hour + HOUR_SECONDS <= self._span.began:
            self._start += change.change
            self._held += change.change * self._span.seconds
        else:
            # For how long each unit of them was there, until the end.
            self._held += change.change * (self._span.ended - change.hour) - change.moment
