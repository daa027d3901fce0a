"""Lines taken by the block are those that a look at each line finds."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.lake.outcome import Bad, Good
from penstock.lake.records import decode
from penstock.lake.scan import DoubtfulError, Lines, LineScanner


class Reading(msgspec.Struct):
    a: int
    text: str = ""


SCANNER = LineScanner(Reading)
LINE = msgspec.json.encode(Reading(7, "x" * 80))
ODD = [
    b"",
    b" \r",
    b"5",
    b'{"a":"7"}',
    b'{"a":1} {"a":2}',
    b'{"a":',
    b"1}",
    b'{"a":9223372036854775808}x',
    LINE + b"\r",
]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def sifted(data: bytes, size: int = 1 << 18) -> tuple[int, list[Bad], bytes]:
    """Returns how many lines were copied, what did not fit, and the copy."""
    found = list(SCANNER.sift(pieces(data, size)))
    lines = [one for one in found if isinstance(one, Lines)]
    bads = [one for one in found if isinstance(one, Bad)]
    return sum(one.count for one in lines), bads, b"".join(one.data for one in lines)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 3000),
    odd=st.dictionaries(st.integers(1, 2999), st.sampled_from(ODD), max_size=12),
    size=st.sampled_from([7_000, 100_000, 1 << 18]),
    is_ended=st.booleans(),
)
def test_sifting_finds_what_a_look_at_each_line_finds(
    count: int, odd: dict[int, bytes], size: int, is_ended: bool
) -> None:
    lines = [odd.get(number, LINE) for number in range(count)]
    data = b"\n".join(lines) + b"\n" * is_ended
    outcomes = list(decode(data, Reading))
    good, bads, copy = sifted(data, size)
    expected = [one.record for one in outcomes if isinstance(one, Good)]
    # Values that only together fill as many lines as there are records are left to the engine, which refuses them.
    if good == len(expected):
        assert bads == [one for one in outcomes if isinstance(one, Bad)]
        assert [msgspec.json.decode(line, type=Reading) for line in copy.splitlines()] == expected
    else:
        assert any(one in {b'{"a":1} {"a":2}', b'{"a":', b"1}"} for one in lines)
    counted = SCANNER.count(pieces(data, size))
    assert counted is None or counted == count


@pytest.mark.parametrize(
    "data", [b"[1,\n2]", b'{"a":\n1}'[:5] + b"{\n1}", b'\xef\xbb\xbf{"a":1}\n5', b"PAR1\n\n", b'{"a":1,\n"b":2}']
)
def test_what_may_be_no_lines_is_left_alone(data: bytes) -> None:
    with pytest.raises(DoubtfulError):
        sifted(data)
    assert SCANNER.count([data]) is None
