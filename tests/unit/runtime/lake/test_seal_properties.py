"""Whatever is in raw objects: in = good + quarantined + duplicates, and rows are what msgspec reads."""

import math
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sealing import PARTITION, Lake, unordered

from penstock.model.datasets import LakeTable


class Inner(msgspec.Struct):
    a: int
    b: str | None = None


class Fuzzed(msgspec.Struct):
    s: str
    n: int | None = None
    f: float | None = None
    o: bool | None = None
    t: datetime | None = None
    d: date | None = None
    x: Decimal | None = None
    w: Literal["x", "y"] | None = None
    i: Inner | None = None
    l: list[int] | None = None  # noqa: E741
    m: dict[str, float] | None = None


TABLE = LakeTable(name="fuzzed", record=Fuzzed)
UNIQUE = LakeTable(name="fuzzed", record=Fuzzed, unique=("s",))
DIGITS = Context(prec=60)
NAMES = Fuzzed.__struct_fields__
TIMES = ["2026-02-20T07:00:00Z", "2026-02-20T07:00:00.1234567+05:30", "2026-02-20t07:00:00", "2026-02-20", "1999-13-01",
         "2026-02-20T24:00:00Z", "2026-02-20T07:00:00.000001z"]  # fmt: skip
TEXTS = [*TIMES, "x", "y", "1.5", "1e400", "NaN", "0.12345678901", "7"]
whole = st.integers(-(2**70), 2**70) | st.integers(-3, 3)
real = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | whole | real | st.text(max_size=8) | st.sampled_from(TEXTS)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), scalars, max_size=3),
)
fitting = st.fixed_dictionaries(
    {"s": st.text(max_size=3)},
    optional={
        "n": st.integers(-(2**63), 2**63 - 1) | st.none(),
        "f": st.floats(allow_nan=False, allow_infinity=False),
        "o": st.booleans(),
        "t": st.sampled_from(TIMES[:3]),
        "d": st.dates().map(str),
        "x": st.decimals(-(10**20), 10**20, places=4).map(str),
        "w": st.sampled_from(["x", "y"]),
        "i": st.fixed_dictionaries({"a": st.integers(-5, 5)}, optional={"b": st.text(max_size=2), "z": st.none()}),
        "l": st.lists(st.integers(-9, 9), max_size=3),
        "m": st.dictionaries(st.text(max_size=3), st.integers(-9, 9) | st.floats(-9, 9), max_size=3),
    },
)
odd = st.dictionaries(st.sampled_from([*NAMES, "other"]), values, max_size=6)
lines = st.one_of(
    fitting.map(msgspec.json.encode),
    fitting.map(msgspec.json.encode),
    odd.map(msgspec.json.encode),
    st.binary(max_size=12).map(lambda raw: raw.replace(b"\n", b"")),
    values.map(msgspec.json.encode),
    st.sampled_from(
        [b"", b" ", b'{"s":"a"} {"s":"b"}', b'{"s":"a",}', b'{"s":NaN}', b"\r", b'{"s":"\\ud800"}', b"{", b"["]
    ),
)
files = st.lists(st.lists(lines, max_size=6).map(b"\n".join), min_size=1, max_size=3)


def meant(raw: bytes) -> tuple[Any, ...] | None:
    """Returns the row of a line by msgspec's own decoder and by what the columns can hold; None for no record."""
    try:
        record = msgspec.json.decode(raw.strip(), type=Fuzzed)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    whole = [record.n, *(record.l or ()), record.i.a if record.i else None]
    if any(one is not None and not -(2**63) <= one < 2**63 for one in whole):
        return None
    if any(not math.isfinite(one) for one in [record.f or 0.0, *(record.m or {}).values()]):
        return None
    if record.x is not None:
        if not record.x.is_finite() or abs(record.x) >= 10**29:
            return None
        exact = record.x.quantize(Decimal("1e-9"), ROUND_HALF_UP, DIGITS)
        if record.x != exact:
            return None
        record.x = exact
    if record.t is not None and record.t.tzinfo is not None:
        record.t = record.t.astimezone(UTC).replace(tzinfo=None)
    row = msgspec.structs.astuple(record)
    return tuple(msgspec.structs.asdict(one) if isinstance(one, Inner) else one for one in row)


# Whether an object is copied or read as it is.
SIZES = st.sampled_from([1 << 20, 1])


@pytest.mark.parametrize("table", [TABLE, UNIQUE])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(found=files, large_bytes=SIZES)
def test_in_is_good_and_quarantined_and_duplicates(
    tmp_path_factory: pytest.TempPathFactory, table: LakeTable, large_bytes: int, found: list[bytes]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"), table, large_bytes=large_bytes)
    for number, data in enumerate(found):
        lake.add(f"{number}.json", data)
    counts = lake.sealer.seal(table, PARTITION).counts
    assert counts.records == counts.good + counts.quarantined + counts.duplicates
    assert len(lake.rows()) == counts.good
    assert len(lake.quarantined()) == counts.quarantined
    assert (lake.wrong(), counts.duplicates > 0 and not table.unique) == ([], False)
    late = lake.add("0-late.json", b'{"s":"late"}\n{"s":"late"}')
    again = lake.sealer.seal(table, PARTITION).counts
    assert again.records == counts.records + 2
    assert lake.footer().sources[late].records == 2
    assert lake.wrong() == []


# The first line decides whether an object is one document.
one_by_one = lines.filter(lambda line: not line.lstrip().startswith((b"[", b"\xef")))


@pytest.mark.parametrize("kind", ["fitting", "any"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(choice=st.data(), large_bytes=SIZES)
def test_rows_are_what_msgspec_reads(
    tmp_path_factory: pytest.TempPathFactory, kind: str, large_bytes: int, choice: st.DataObject
) -> None:
    line = fitting.map(msgspec.json.encode) if kind == "fitting" else one_by_one
    data = [b'{"s":"first"}', *choice.draw(st.lists(line, min_size=1, max_size=8))]
    lake = Lake(tmp_path_factory.mktemp("lake"), TABLE, large_bytes=large_bytes)
    lake.add("a.json", b"\n".join(data))
    lake.sealer.seal(TABLE, PARTITION)
    rows = [row for row in map(meant, data) if row is not None]
    assert unordered(lake.rows()) == unordered(rows)
    assert len(lake.quarantined()) == sum(bool(one.strip()) for one in data) - len(rows)
    assert kind == "any" or len(rows) == len(data)
