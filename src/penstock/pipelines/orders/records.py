"""What the orders pipeline reads and makes."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from penstock import Precision

Money = Annotated[Decimal, Precision(12, 2)]
Total = Annotated[Decimal, Precision(18, 2)]
Rate = Annotated[Decimal, Precision(12, 6)]


class OrderLine(msgspec.Struct):
    """One product of an order. The price is of one piece, in the order's currency."""

    product_id: str
    quantity: int
    unit_price: Money


class RawOrder(msgspec.Struct):
    """An order as a shop sends it. What may be missing in JSON is judged by the transformation, with a reason."""

    order_id: str | None = None
    customer_id: str | None = None
    ordered_at: datetime.datetime | None = None
    currency: str | None = None
    country: str | None = None
    channel: str | None = None
    discount: Money | None = None
    lines: list[OrderLine] = []


class Currency(msgspec.Struct):
    """A currency that is taken, and what one of its units is worth in euros."""

    code: str
    euros: Rate


class Order(msgspec.Struct):
    """An order that is kept.

    Attributes:
        day: of ``ordered_at``, in UTC, such as ``2026-02-20``.
        total: what was ordered without the discount.
        late: it arrived later than in the hour after the one in which it came about.
    """

    order_id: str
    customer_id: str
    ordered_at: datetime.datetime
    day: str
    currency: str
    country: str | None
    channel: str | None
    units: int
    total: Total
    total_eur: Total
    late: bool
    lines: list[OrderLine]


class Reject(msgspec.Struct):
    """An order that breaks a rule, with the line that it stands in."""

    source: str
    line: int
    reason: str
    raw: str


class Duplicate(msgspec.Struct):
    """An order that the same objects hold before."""

    source: str
    line: int
    order_id: str


class DailySales(msgspec.Struct):
    """What a day's orders of one currency add up to."""

    day: str
    currency: str
    orders: int
    units: int
    customers: int
    revenue: Total
    revenue_eur: Total


# Rates of an ordinary day; a shop replaces them by its own.
CURRENCIES = tuple(
    Currency(code, Decimal(euros))
    for code, euros in (("EUR", "1"), ("USD", "0.92"), ("GBP", "1.17"), ("CHF", "1.06"), ("JPY", "0.0061"))
)
