from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.model import items


@pytest.mark.parametrize(
    ("value", "tagged"),
    [
        ("a", {"S": "a"}), (1, {"N": "1"}), (1.50, {"N": "1.5"}), (1e22, {"N": "10000000000000000000000"}),
        (Decimal("1E-5"), {"N": "0.00001"}), (b"\xff", {"B": b"\xff"}), (bytearray(b"a"), {"B": b"a"}),
        (True, {"BOOL": True}), (None, {"NULL": True}), ([1, "a"], {"L": [{"N": "1"}, {"S": "a"}]}),
        ({"a": {}}, {"M": {"a": {"M": {}}}}), ({"b", "a"}, {"SS": ["a", "b"]}), ({10, 9}, {"NS": ["10", "9"]}),
        ({b"b", b"a"}, {"BS": [b"a", b"b"]}),
    ],
)  # fmt: skip
def test_the_typed_notation_is_boto3s(value: Any, tagged: dict[str, Any]) -> None:
    assert items.encode(value) == tagged


# Counted by hand after the rules of CapacityUnitCalculations.html.
@pytest.mark.parametrize(
    ("item", "size_bytes"),
    [
        ({"id": "abc"}, 2 + 3),
        ({"é": "\U0001f600"}, 2 + 4),
        ({"n": 12345}, 1 + 3 + 1),
        ({"n": 1200}, 1 + 1 + 1),
        ({"n": Decimal("0.0012")}, 1 + 1 + 1),
        ({"n": Decimal("100.001")}, 1 + 3 + 1),
        ({"n": int("9" * 38)}, 1 + 19 + 1),
        ({"n": 10**125}, 1 + 1 + 1),
        ({"b": b"\x00" * 7}, 1 + 7),
        ({"t": True, "n": None}, 1 + 1 + 1 + 1),
        ({"l": []}, 1 + 3),
        ({"l": ["xy", True]}, 1 + 3 + (1 + 2) + (1 + 1)),
        ({"m": {"key": "abc", "n": 1}}, 1 + 3 + (1 + 3 + 3) + (1 + 1 + 2)),
        ({"s": {"a", "bc"}}, 1 + 1 + 2),
        ({"s": {1, 100, 123}}, 1 + 2 + 2 + 3),
    ],
)
def test_sizes_are_dynamodbs(item: dict[str, Any], size_bytes: int) -> None:
    assert items.item_size(items.encode_item(item)) == size_bytes


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=100)
def test_a_float_comes_back_as_the_same_float_or_is_refused(value: float) -> None:
    in_range = value == 0 or 1e-130 <= abs(value) < 1e126
    if not in_range:
        with pytest.raises(ValidationError):
            items.number(value)
        return
    found = items.decode_number(items.encode_number(items.number(value)))
    assert float(found) == value
    assert found == Decimal(repr(value))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=17))
@settings(max_examples=100)
def test_no_digit_of_a_decimal_is_lost(value: Decimal) -> None:
    found = items.decode_number(items.encode_number(items.number(value)))
    assert found == value
    assert isinstance(found, int) == (value % 1 == 0)


def test_the_message_names_the_attribute_and_the_mend() -> None:
    with pytest.raises(ValidationError, match="attribute 'usage': NaN") as caught:
        items.encode_item({"id": "a", "usage": float("nan")})
    assert caught.value.hint == "leave the attribute out"


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValidationError, match="nested"):
        items.encode(endless)
