"""The steps from raw orders to rows that can be kept; and rows as items of the hot tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock import Bad
from penstock.pipelines.orders.records import Currency, DailySales, Duplicate, Order, RawOrder, Reject

FOLDER = Path(__file__).parent / "sql"
INPUTS: dict[str, type[Any]] = {"raw_orders": RawOrder, "currencies": Currency}
STEPS = {
    name: FOLDER / f"{name}.sql"
    for name in ("normalised", "priced", "judged", "accepted", "good", "rejects", "duplicates", "daily")
}
OUTPUTS: dict[str, type[Any]] = {"good": Order, "rejects": Reject, "duplicates": Duplicate, "daily": DailySales}
ORDER_FIELDS = Order.__struct_fields__
# What is in memory at once, as items and as objects of the quarantine.
BATCH_ROWS = 5000


def order_item(row: Sequence[Any]) -> dict[str, Any]:
    """Returns an order, given as its fields' values, as an item. Whoever writes it again writes the same."""
    item = {name: value for name, value in zip(ORDER_FIELDS, row, strict=True) if value is not None}
    item["ordered_at"] = int(item["ordered_at"].timestamp())
    return item


def sales_item(sales: DailySales) -> dict[str, Any]:
    """Returns a day's totals of a currency as an item."""
    return msgspec.structs.asdict(sales)


def as_bads(rejects: Iterable[Reject]) -> Iterator[Bad]:
    """Yields orders that break a rule as the quarantine keeps them."""
    for reject in rejects:
        yield Bad(reject.line, reject.reason, reject.raw.encode())
