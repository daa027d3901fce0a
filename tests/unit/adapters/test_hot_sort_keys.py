import itertools
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock.adapters.local.sort_keys import key_bytes

NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(digits), exponent - len(digits) + 1)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=38).map(lambda digits: [max(digits[0], 1), *digits[1:]]),
    st.one_of(st.integers(-3, 3), st.integers(-130, 125)),
)


@given(NUMBERS, NUMBERS)
@example(Decimal("-1.2"), Decimal("-1.203"))
@example(Decimal("-1.29"), Decimal("-1.2"))
@example(Decimal("-10"), Decimal("-9"))
@example(Decimal("0.1"), Decimal("0.10"))
@settings(max_examples=100)
def test_numbers_are_ordered_as_their_bytes(left: Decimal, right: Decimal) -> None:
    assert (key_bytes(left) < key_bytes(right)) == (left < right)
    assert (key_bytes(left) == key_bytes(right)) == (left == right)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.lists(st.integers(0, 9), min_size=1, max_size=6))
@settings(max_examples=100)
def test_numbers_with_common_first_digits_are_ordered(left: list[int], right: list[int]) -> None:
    for sign in (0, 1):
        one, other = (Decimal((sign, (1, 2, *digits), -len(digits) - 1)) for digits in (left, right))
        assert (key_bytes(one) < key_bytes(other)) == (one < other)


def test_numbers_around_zero_are_ordered() -> None:
    ordered = [
        -(10**125),
        -100,
        -10,
        -9,
        -1,
        Decimal("-0.01"),
        Decimal("-1E-130"),
        0,
        Decimal("1E-130"),
        0.01,
        1,
        9,
        10,
    ]
    for smaller, larger in itertools.pairwise(map(key_bytes, ordered)):
        assert smaller < larger


@pytest.mark.parametrize("zero", [0, 0.0, -0.0, Decimal("-0"), Decimal("0E+50")])
def test_there_is_one_zero(zero: float) -> None:
    assert key_bytes(zero) == key_bytes(0)


@given(st.text(st.characters(codec="utf-8"), max_size=5), st.text(st.characters(codec="utf-8"), max_size=5))
@settings(max_examples=50)
def test_text_is_ordered_by_code_point(left: str, right: str) -> None:
    assert (key_bytes(left) < key_bytes(right)) == (left < right)
