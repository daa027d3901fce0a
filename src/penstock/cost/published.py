"""A cost table that somebody has published, against a bill: line by line, and where it is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec

from penstock.cost.bill import Bill
from penstock.cost.prices import PriceBook
from penstock.errors import UsageError

SHIPPED = ("logs", "metrics")
# What is nearer than this, in parts of the greater, is no difference worth telling.
TOLERANCE = 0.05
CENT = 0.005


class PublishedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a table.

    Attributes:
        usage: as the table says it; ``quantities`` is the same by the codes of prices.
        note: why it is wrong, where it is.
    """

    service: str
    usage: str
    usd: float
    quantities: dict[str, float]
    note: str = ""


class Published(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table.

    Attributes:
        assumed: what its text says of what no meter sees; fields of ``Usage``.
        instances: what its text says that a month costs with so many.
    """

    title: str
    total_usd: float
    lines: tuple[PublishedLine, ...]
    assumed: dict[str, float] = {}
    instances: dict[str, float] = {}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table against a bill.

    Attributes:
        said_usd: what the table says.
        same_usage_usd: what the usage that it says costs at the bill's prices.
        billed_usd: what the bill says.
        usage, billed: what of each price, in the table and in the bill.
        verdict: what is wrong with the table; empty where it is right.
    """

    service: str
    said_usd: float | None
    same_usage_usd: float | None
    billed_usd: float
    usage: str
    billed: dict[str, float]
    verdict: str


def published(name: str) -> Published:
    """Returns a table that comes with Penstock, or that is in a file.

    Raises:
        UsageError: there is none, or it is no table.
    """
    try:
        if name in SHIPPED:
            text = resources.files("penstock.cost").joinpath(f"tables/{name}.toml").read_text("utf-8")
        else:
            text = Path(name).read_text("utf-8")
        return msgspec.convert(tomllib.loads(text), Published)
    except (OSError, UnicodeDecodeError) as error:
        hint = f"give one of {', '.join(SHIPPED)}, or a TOML file as in penstock/cost/tables"
        raise UsageError(f"there is no cost table {name!r}", hint=hint) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{name} is no cost table: {error}", hint="see penstock/cost/tables for one") from error


def compare(bill: Bill, table: Published, prices: PriceBook) -> list[Compared]:
    """Returns every line of a table against the bill, then what the table leaves out, then the sum.

    Raises:
        UsageError: the table names a price that is not in the book.
    """
    unknown = [code for line in table.lines for code in line.quantities if code not in prices]
    if unknown:
        raise UsageError(f"{table.title} names {unknown[0]!r}, which has no price", hint="see `penstock bill --json`")
    return [*_lines(bill, table, prices), *_left_out(bill, table), _total(bill, table)]


def _lines(bill: Bill, table: Published, prices: PriceBook) -> Iterator[Compared]:
    billed = {line.price: line for line in bill.lines}
    for line in table.lines:
        same = sum(prices[code].charge(n, free_tier=bill.free_tier) for code, n in line.quantities.items())
        ours = {code: billed[code].quantity if code in billed else 0.0 for code in line.quantities}
        wrong = [
            f"{_number(line.quantities[code])} {prices[code].unit} said, {_number(n)} billed"
            for code, n in ours.items()
            if abs(n - line.quantities[code]) > TOLERANCE * max(n, line.quantities[code])
        ]
        if abs(same - line.usd) >= CENT / 10:
            wrong.insert(0, f"that usage costs ${same:.3f}")
        yield Compared(
            service=line.service,
            said_usd=line.usd,
            same_usage_usd=same,
            billed_usd=sum(billed[code].monthly_usd for code in ours if code in billed),
            usage=line.usage,
            billed=ours,
            verdict="; ".join([*wrong, *([line.note] if line.note and wrong else [])]),
        )


def _left_out(bill: Bill, table: Published) -> Iterator[Compared]:
    covered = {code for line in table.lines for code in line.quantities}
    for line in bill.lines:
        if line.price not in covered:
            yield Compared(
                service=line.service,
                said_usd=None,
                same_usage_usd=None,
                billed_usd=line.monthly_usd,
                usage="",
                billed={line.price: line.quantity},
                verdict=f"left out: {_number(line.quantity)} {line.unit}",
            )


def _total(bill: Bill, table: Published) -> Compared:
    added = sum(line.usd for line in table.lines)
    off = abs(added - table.total_usd) >= 2 * CENT
    return Compared(
        service="total",
        said_usd=table.total_usd,
        same_usage_usd=None,
        billed_usd=bill.monthly_usd,
        usage="",
        billed={},
        verdict=f"its own lines add up to ${added:.2f}" if off else "",
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.3g}"
