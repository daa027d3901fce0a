"""What a type lets pass and no column can hold: bounds of BIGINT, of DECIMAL(p,s), and of JSON's numbers."""

import fractions
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.lake.fit import misfit
from penstock.lake.outcome import Bad
from penstock.lake.records import decode
from penstock.model.schema import Precision


class Place(msgspec.Struct):
    height: float


class Everything(msgspec.Struct, kw_only=True, rename="camel"):
    whole: int = 0
    maybe: int | None = None
    money: Annotated[Decimal, Precision(5, 2)] = Decimal(0)
    plain: Decimal | None = None
    place_of: Place = msgspec.field(default_factory=lambda: Place(0.0))
    numbers: list[list[int]] = []
    sizes: dict[int, float] = {}
    untrue: int = None  # type: ignore[assignment]


class Text(msgspec.Struct):
    text: str


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (Everything(whole=2**63), "$.whole has more than 64 bits"),
        (Everything(whole=-(2**63) - 1), "$.whole has more than 64 bits"),
        (Everything(maybe=2**64), "$.maybe has more than 64 bits"),
        (Everything(money=Decimal("1000")), "$.money does not fit decimal(5,2)"),
        (Everything(money=Decimal("1.005")), "$.money does not fit decimal(5,2)"),
        (Everything(money=Decimal("1E+3")), "$.money does not fit decimal(5,2)"),
        (Everything(money=Decimal("NaN")), "$.money is not finite"),
        (Everything(plain=Decimal("-Infinity")), "$.plain is not finite"),
        (Everything(plain=Decimal("1E-10")), "$.plain does not fit decimal(38,9)"),
        (Everything(place_of=Place(float("nan"))), "$.placeOf.height is not finite"),
        (Everything(numbers=[[1], [2, 2**70]]), "$.numbers[1][1] has more than 64 bits"),
        (Everything(sizes={1: 0.5, 2: float("inf")}), "$.sizes.2 is not finite"),
        (Everything(sizes={2**63: 0.5}), f"$.sizes.{2**63} has more than 64 bits"),
        (Everything(whole="x"), "not of its field's type"),  # type: ignore[arg-type]
    ],
)
def test_what_no_column_holds(record: Everything, told: str) -> None:
    assert told in (misfit(Everything)(record) or "")


@pytest.mark.parametrize(
    "record",
    [
        Everything(),
        Everything(whole=2**63 - 1, maybe=-(2**63)),
        *(Everything(money=Decimal(text)) for text in ("999.99", "-999.99", "1.500", "0E-9", "0E+9", "9E+2")),
        Everything(plain=Decimal("12345678901234567890123456789.123456789")),
        Everything(numbers=[], sizes={}),
    ],
)
def test_what_a_column_holds(record: Everything) -> None:
    assert misfit(Everything)(record) is None


@given(st.decimals(-(10**12), 10**12), st.integers(1, 38), st.data())
def test_a_decimal_fits_when_rounding_leaves_it_as_it_is(value: Decimal, digits: int, data: st.DataObject) -> None:
    scale = data.draw(st.integers(0, digits))
    record = msgspec.defstruct("Record", [("value", Annotated[Decimal, Precision(digits, scale)])])
    # A multiple of 10**-scale, of a size below 10**(digits - scale).
    scaled = value.scaleb(scale) if abs(value.adjusted()) < 10_000 else None
    if scaled is not None and len(value.as_tuple().digits) < 28:
        fits = scaled == scaled.to_integral_value() and abs(scaled) < Decimal(10) ** digits
        assert (misfit(record)(record(value)) is None) == fits


def test_types_that_cannot_fail_cost_nothing() -> None:
    assert misfit(Text)(Text("x")) is None
    assert misfit(Any)({"a": [1.0, float("nan")]}) == "the number at $.a[1] is not finite"


def test_a_reader_tells_them_from_records() -> None:
    data = b'{"whole":9223372036854775807}\n{"whole":9223372036854775808}\n{"money":"1.001"}\n{"plain":"sNaN"}\n'
    assert [isinstance(one, Bad) for one in decode(data, Everything)] == [False, True, True, True]


class Share(msgspec.Struct):
    share: Annotated[Decimal, Precision(2, 2)]


@given(
    st.one_of(
        st.decimals(-1200, 1200, places=3), st.decimals(-(10**12), 10**12),
        st.sampled_from([Decimal(text) for text in ("-0", "0E-9", "1E+2", "999.990", "-999.99", "0.99", "-0.990")]),
    )
)  # fmt: skip
def test_a_decimal_fits_when_all_its_digits_have_a_place(value: Decimal) -> None:
    hundredths = fractions.Fraction(value) * 100
    is_whole = hundredths.denominator == 1
    assert (misfit(Everything)(Everything(money=value)) is None) == (is_whole and abs(hundredths) < 10**5)
    assert (misfit(Share)(Share(value)) is None) == (is_whole and abs(hundredths) < 10**2)
