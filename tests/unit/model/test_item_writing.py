from collections import UserDict
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.model import items
from penstock.model.datasets import HotTable, Index, Key
from penstock.model.item_writing import ItemWriter, item_bytes, measured_item

TABLE = HotTable(
    name="Readings",
    partition=Key("device"),
    sort=Key("at", "N"),
    indexes=(Index("by-room", Key("room"), Key("level", "N")),),
    ttl_attribute="expires_at",
    ttl_seconds=60,
)


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


NUMBERS = st.one_of(
    st.integers(-(10**40), 10**40),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value=-(10**9), max_value=10**9, places=4),
    st.floats(),
    st.sampled_from(
        [Decimal("-0"), Decimal("-0.00"), Decimal("1E+3"), Decimal("0E-140"), Decimal("9" * 39), Level.HIGH]
    ),
)
PLAIN = st.one_of(
    NUMBERS, st.text(max_size=8), st.binary(max_size=4), st.booleans(), st.none(),
    st.sampled_from([Colour.RED, Text("é"), "\ud800", object()]),
)  # fmt: skip
NAMES = st.one_of(st.text(max_size=4), st.sampled_from([Colour.RED, Text("name"), 5, "\udfff"]))
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)


def said(encode: Callable[[Any], Any], item: Any) -> Any:
    """Returns what a function makes of an item, or its error's text."""
    try:
        return encode(item)
    except ValidationError as error:
        return f"{error.message}; {error.hint}"


@given(st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=100)
def test_one_pass_says_what_the_rules_say_one_by_one(item: dict[Any, Any]) -> None:
    expected = said(items.encode_item, item)
    if isinstance(expected, str):
        assert said(measured_item, item) == expected
        return
    assert item_bytes(item) == items.item_size(expected)
    encoded, size_bytes = measured_item(item)
    assert encoded == expected
    assert size_bytes == items.item_size(expected)
    assert all(type(name) is str for name in encoded)


@pytest.mark.parametrize("levels", [15, 16, 30, 31, 32])
def test_values_may_be_nested_so_deep(levels: int) -> None:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]} if levels % 2 else [value]
    expected = said(items.encode_item, {"id": value})
    found = said(measured_item, {"id": value})
    assert (found if isinstance(found, str) else found[0]) == expected


def test_any_mapping_is_an_item() -> None:
    assert measured_item(UserDict({"id": "a"})) == ({"id": {"S": "a"}}, 3)
    with pytest.raises(ValidationError, match="an item is a map"):
        measured_item([("id", "a")])  # type: ignore[arg-type]


def test_an_expiry_is_added_once() -> None:
    writer = ItemWriter(TABLE)
    # device 6+1, at 2+2, expires_at 10 and 1060 as three digits: 2+1.
    assert writer.complete({"device": "d", "at": 1}, 1000.9) == (
        {"device": {"S": "d"}, "at": {"N": "1"}, "expires_at": {"N": "1060"}}, 6 + 1 + 2 + 2 + 10 + 3,
    )  # fmt: skip
    assert writer.complete({"device": "d", "at": 1, "expires_at": 5}, 1000.9)[0]["expires_at"] == {"N": "5"}


@pytest.mark.parametrize(
    "item",
    [
        {"at": 1}, {"device": "d"}, {"device": "", "at": 1}, {"device": 1, "at": 1}, {"device": "d", "at": "1"},
        {"device": "d", "at": True}, {"device": "é" * 1025, "at": 1}, {"device": "d", "at": 1, "room": None},
        {"device": "d", "at": 1, "room": "r", "level": b"1"}, {"device": "d", "at": 1, "room": ""},
        {"device": {"d"}, "at": 1},
    ],
)  # fmt: skip
def test_keys_are_checked(item: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as expected:
        items.check_keys(TABLE, item)
    with pytest.raises(ValidationError) as caught:
        ItemWriter(TABLE).complete(item, 0.0)
    assert caught.value.message == expected.value.message


def test_keys_that_are_as_long_as_they_may_be_are_taken() -> None:
    encoded, _ = ItemWriter(TABLE).complete({"device": "é" * 1024, "at": 10**30, "room": "r" * 2048}, 0.0)
    assert encoded["device"] == {"S": "é" * 1024}


# Counted by hand: a byte for two significant digits, and one more; another for a sign.
@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        (0, 1), (7, 2), (100, 2), (101, 3), (-5, 3), (True, 1), (10**37, 2),
        (Decimal("0.5"), 2), (Decimal("-0.50"), 3), (Decimal("53.123"), 4), (Decimal("100.0"), 2),
        (Decimal("-0.0"), 1), (Decimal("1E+3"), 2), (0.1, 2), (1e22, 2), (-1.25, 4),
    ],
)  # fmt: skip
def test_the_bytes_of_numbers(value: Any, size_bytes: int) -> None:
    assert item_bytes({"n": value}) == 1 + size_bytes
    assert measured_item({"n": value})[1] == 1 + size_bytes
    # In a map: 3 bytes for it, 1 for the value, 1 for its name.
    assert item_bytes({"m": {"n": value}}) == 1 + 3 + 1 + 1 + size_bytes
