"""Simulated orders: a pure function of seed, hour and batch, with a known share of what goes wrong in real ones."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from penstock import TaskError
from penstock.pipelines.orders.records import CURRENCIES

HOUR_SECONDS = 3600
MOST_ORDERS = 1_000_000
CUSTOMERS, PRODUCTS = 400, 60
COUNTRIES = {"EUR": ("DE", "FR", "NL", "ES"), "USD": ("US",), "GBP": ("GB",), "CHF": ("CH",), "JPY": ("JP",)}
CHANNELS = ("web", "app", "store", "phone")
LATE_SECONDS = (HOUR_SECONDS, 36 * HOUR_SECONDS)

Record = dict[str, Any]


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be made.

    Attributes:
        count: orders an hour, without those that come twice.
        seed: what everything is drawn from.
        batch: the most orders of one object.
    """

    count: int = 500
    seed: int = 0
    batch: int = 5000


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The orders of one object; ``hour`` is its beginning, in seconds since the epoch."""

    number: int
    count: int
    seed: int
    hour: int


class Customer(msgspec.Struct, frozen=True):
    """Somebody who orders."""

    customer_id: str
    name: str
    currency: str
    country: str


class Product(msgspec.Struct, frozen=True):
    """Something that is ordered; the price is in euros."""

    product_id: str
    name: str
    price: Decimal


class Made(msgspec.Struct):
    """A batch, and what is in it.

    Attributes:
        rejected: how many records cannot be kept, by what is wrong with them.
    """

    records: list[Record]
    orders: int
    duplicates: int
    rejected: dict[str, int]
    late: int


def parse_orders(event: Any, environment: str) -> Orders | None:
    """Returns what the workflow's input or PENSTOCK_ORDERS ("500:7") asks for; None for PENSTOCK_ORDERS=off.

    Raises:
        TaskError: ``InvalidInput`` for what cannot be made.
    """
    wanted = event.get("orders") if isinstance(event, dict) else None
    if wanted is None and environment == "off":
        return None
    try:
        if wanted is not None:
            orders = msgspec.convert(wanted, Orders)
        else:
            count, _, seed = environment.partition(":")
            orders = Orders(int(count or Orders().count), int(seed or 0))
    except (msgspec.ValidationError, ValueError) as error:
        raise _impossible(f"{wanted or environment!r}"[:80], str(error)) from None
    if not (1 <= orders.count <= MOST_ORDERS and 1 <= orders.batch <= MOST_ORDERS):
        raise _impossible(f"{orders.count} orders", f"1 to {MOST_ORDERS} are possible")
    return orders


def _impossible(given: str, reason: str) -> TaskError:
    hint = 'give {"orders": {"count": 500, "seed": 7}}, PENSTOCK_ORDERS=500:7, or PENSTOCK_ORDERS=off for none'
    return TaskError(f"{given} cannot be made: {reason}", hint=hint, error="InvalidInput")


def batches(orders: Orders, at: float) -> list[Batch]:
    """Returns the batches of the last hour that is over at a time, in seconds since the epoch."""
    hour = int(at // HOUR_SECONDS) * HOUR_SECONDS - HOUR_SECONDS
    return [
        Batch(number, min(orders.batch, orders.count - first), orders.seed, hour)
        for number, first in enumerate(range(0, orders.count, orders.batch))
    ]


def make(batch: Batch) -> Made:
    """Returns a batch's records in the order in which a shop's systems send them: nearly by time."""
    draw = random.Random(_digest(batch.seed, batch.hour, batch.number, batch.count))
    people, products = customers(batch.seed), catalogue(batch.seed)
    made = Made([], batch.count, 0, {}, 0)
    timed: list[tuple[float, Record]] = []
    for number in range(batch.count):
        record, at = _order(batch, number, draw, people, products)
        place = draw.random()
        for name, share, spoil in DEFECTS:
            if place < share:
                spoil(record, draw)
                made.rejected[name] = made.rejected.get(name, 0) + 1
                break
            place -= share
        else:
            at = _delayed(record, at, draw, made)
            if draw.random() < DUPLICATES:
                made.duplicates += 1
                timed.append((at + draw.random() * 600, dict(record)))
        timed.append((at + draw.random() * 60, record))
    timed.sort(key=lambda one: one[0])
    made.records = [record for _, record in timed]
    return made


# Shares of all orders.
DUPLICATES, LATE = 0.02, 0.03


def _delayed(record: Record, at: float, draw: random.Random, made: Made) -> float:
    """Makes some orders come late: returns when it is sent, in seconds since the epoch."""
    if draw.random() < LATE:
        made.late += 1
        record["ordered_at"] = _moment(at - draw.uniform(*LATE_SECONDS))
    return at


def _order(
    batch: Batch, number: int, draw: random.Random, people: list[Customer], products: list[Product]
) -> tuple[Record, float]:
    who = people[int(draw.random() ** 2 * len(people))]
    at = batch.hour + draw.random() * HOUR_SECONDS
    rate = next(one.euros for one in CURRENCIES if one.code == who.currency)
    lines = []
    for product in draw.sample(products, 1 + int(draw.random() ** 2 * 5)):
        price = (product.price / rate).quantize(Decimal("0.01"))
        lines.append(
            {"product_id": product.product_id, "quantity": 1 + int(draw.random() ** 3 * 4), "unit_price": str(price)}
        )
    digest = hashlib.sha256(f"{batch.seed}/{batch.hour}/{batch.number}/{number}".encode()).hexdigest()
    record: Record = {
        "order_id": f"o-{digest[:16]}",
        "customer_id": who.customer_id,
        "ordered_at": _moment(at),
        "currency": who.currency if draw.random() < 0.9 else f" {who.currency.lower()}",
        "country": who.country,
        "channel": draw.choice(CHANNELS),
        "lines": lines,
    }
    if draw.random() < 0.1:
        record["discount"] = "0.50"
    return record, at


def _moment(at: float) -> str:
    return datetime.fromtimestamp(int(at), UTC).isoformat().replace("+00:00", "Z")


def _no_number(record: Record, draw: random.Random) -> None:
    record["lines"][0]["quantity"] = draw.choice(["three", "2 pcs", ""])


def _no_time(record: Record, draw: random.Random) -> None:
    record["ordered_at"] = draw.choice(["yesterday", "20.02.2026", 1_771_574_220_000])


def _no_list(record: Record, draw: random.Random) -> None:
    record["lines"] = draw.choice(["none", {"0": record["lines"][0]}])


def _no_key(record: Record, draw: random.Random) -> None:
    record[draw.choice(["order_id", "customer_id"])] = draw.choice([None, "", "  "])


def _other_currency(record: Record, draw: random.Random) -> None:
    record["currency"] = draw.choice(["XXX", "BTC", "€"])


def _negative(record: Record, draw: random.Random) -> None:
    record["lines"][0]["quantity"] = draw.choice([0, -1])


def _empty(record: Record, draw: random.Random) -> None:
    record["lines"] = []


# What goes wrong, its share of all orders, and how.
DEFECTS: tuple[tuple[str, float, Callable[[Record, random.Random], None]], ...] = (
    ("a quantity that is no number", 0.004, _no_number),
    ("a time that is none", 0.003, _no_time),
    ("lines that are no list", 0.003, _no_list),
    ("a key that is missing", 0.005, _no_key),
    ("a currency that is not taken", 0.005, _other_currency),
    ("a quantity below 1", 0.005, _negative),
    ("no lines", 0.005, _empty),
)


@functools.lru_cache(maxsize=4)
def customers(seed: int) -> list[Customer]:
    """Returns who orders."""
    fake, draw = _faker(seed), random.Random(_digest(seed, "customers"))
    found = []
    for number in range(CUSTOMERS):
        currency = draw.choices([one.code for one in CURRENCIES], (60, 20, 10, 6, 4))[0]
        found.append(Customer(f"c-{number:05}", fake.name(), currency, draw.choice(COUNTRIES[currency])))
    return found


@functools.lru_cache(maxsize=4)
def catalogue(seed: int) -> list[Product]:
    """Returns what is ordered."""
    fake, draw = _faker(seed + 1), random.Random(_digest(seed, "products"))
    return [
        Product(f"p-{number:03}", " ".join(fake.words(2)), Decimal(draw.randint(199, 24_999)) / 100)
        for number in range(PRODUCTS)
    ]


def _faker(seed: int) -> Any:
    try:
        from faker import Faker
    except ImportError as error:
        hint = "pip install 'penstock[orders]', or set PENSTOCK_ORDERS=off and put files into the inbox"
        raise TaskError("Faker is not installed", hint=hint, error="NotInstalled") from error
    fake = Faker("en_US")
    fake.seed_instance(seed)
    return fake


def _digest(*parts: Any) -> int:
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16], "big")
