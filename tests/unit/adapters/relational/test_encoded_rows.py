"""Rows that an engine has encoded become what the same rows become as plain values."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import Precision
from penstock.adapters.relational.encode import BATCH_ROWS, RowEncoder
from penstock.model.warehouses import Relation
from penstock.ports.warehouse import Server


class Price(msgspec.Struct):
    """A row with two kinds of decimals."""

    name: str
    amount: Annotated[Decimal, Precision(18, 2)] | None
    rate: Annotated[Decimal, Precision(38, 18)] | None


PRICES = Relation(name="prices", record=Price, key=("name",), indexes=())
AMOUNTS = st.none() | st.decimals(-(10**16) + 1, 10**16 - 1, places=2)
RATES = st.none() | st.decimals(-(10**19), 10**19, places=18, allow_nan=False)


@pytest.mark.parametrize("server", ["sqlite", "postgresql", "mysql"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text("ab"), AMOUNTS, RATES), min_size=1, max_size=5))
def test_decimals(server: Server, rows: list[tuple[str, Decimal | None, Decimal | None]]) -> None:
    (plain,) = RowEncoder(PRICES, server).batches(rows)
    (encoded,) = RowEncoder(PRICES, server, encoded=True).batches(rows)
    assert [list(map(repr, values)) for values in encoded] == [list(map(repr, values)) for values in plain]


def test_rows_come_alone_or_in_lists() -> None:
    rows = [(str(number), None, None) for number in range(2 * BATCH_ROWS + 3)]
    mixed = [*rows[:2], rows[2:5], rows[5], rows[6:]]
    batches = list(RowEncoder(PRICES, "sqlite").batches(mixed))
    assert [name for batch in batches for name in batch[0]] == [row[0] for row in rows]
    assert max(len(batch[0]) for batch in batches) <= BATCH_ROWS
