"""Lines of an estimate or a bill: a quantity of a month, and what it costs."""

from __future__ import annotations

import msgspec

from penstock.cost.prices import PriceBook


class Quantity(msgspec.Struct, frozen=True):
    """So much of something in a month.

    Attributes:
        price: the code of its price in the price book.
        what: for people.
    """

    price: str
    what: str
    quantity: float


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an estimate.

    Attributes:
        price: the code of its price in the price book.
        quantity: units in a month.
        unit_price_usd: of ``per`` units.
        free: units of every month that cost nothing.
        monthly_usd: with the free tier.
        full_usd: without it.
    """

    service: str
    what: str
    price: str
    quantity: float
    unit: str
    unit_price_usd: float
    per: float
    free: float
    monthly_usd: float
    full_usd: float


def priced(quantity: Quantity, book: PriceBook) -> Line:
    """Returns a quantity with its price."""
    found = book[quantity.price]
    return Line(
        service=found.service,
        what=quantity.what,
        price=quantity.price,
        quantity=quantity.quantity,
        unit=found.unit,
        unit_price_usd=found.usd,
        per=found.per,
        free=found.free,
        monthly_usd=found.charge(quantity.quantity),
        full_usd=found.charge(quantity.quantity, free_tier=False),
    )
