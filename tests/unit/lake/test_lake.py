import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.lake.layout import parse_key, quarantine_key, raw_key, sanitise
from penstock.lake.records import Bad, Good, decode, encode, encode_quarantine
from penstock.model.datasets import LakeTable
from penstock.ports.objects import check_key


class Reading(msgspec.Struct):
    a: int
    b: float = 0.0


HOURLY = LakeTable(name="infra_metrics", record=Reading)
DAILY = LakeTable(name="t", record=Reading, partition="day")
AT = 1_771_574_220.0  # 2026-02-20T07:57:00Z


def test_the_layout_of_the_seed() -> None:
    key = raw_key(HOURLY, AT, "cpu-metrics", "metrics-1")
    assert key == "raw/infra_metrics/year=2026/month=02/day=20/hour=07/cpu-metrics-metrics-1.json"
    assert raw_key(DAILY, AT, "s", "e") == "raw/t/year=2026/month=02/day=20/s-e.json"
    assert quarantine_key(HOURLY, key) == key.replace("raw/", "quarantine/", 1)
    assert quarantine_key(HOURLY, key, 2).endswith("/cpu-metrics-metrics-1.2.json")


@given(st.floats(0, 4e9), st.text(max_size=300), st.text(max_size=300))
def test_any_name_makes_a_key_that_parses_back(at: float, source: str, execution: str) -> None:
    key = raw_key(HOURLY, at, source, execution)
    check_key(key)
    parsed = parse_key(key)
    assert (parsed.zone, parsed.table) == ("raw", "infra_metrics")
    assert parsed.start <= at < parsed.start + 3600


@given(st.text(max_size=40), st.text(max_size=40))
def test_different_names_stay_different(one: str, other: str) -> None:
    if one != other:
        assert raw_key(HOURLY, AT, one, "e") != raw_key(HOURLY, AT, other, "e")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\x", ".hidden", "a\x00b", "x" * 300, "/", "", "naïve.json", ".."]
)
def test_names_from_outside_become_safe(name: str) -> None:
    safe = sanitise(name)
    check_key(safe)
    assert "/" not in safe
    assert not safe.startswith(".")
    assert len(safe) <= 80


@pytest.mark.parametrize(
    "key",
    ["", "raw", "raw/t", "raw/t/x.json", "other/t/year=2026/month=01/day=01/x", "raw/t/year=2026/month=13/day=01/x",
     "raw/t/year=x/month=01/day=01/x", "raw/t/month=01/year=2026/day=01/x", "raw/t/year=2026/month=01/day=01/"],
)  # fmt: skip
def test_what_is_no_key_of_the_lake(key: str) -> None:
    with pytest.raises(ValidationError):
        parse_key(key)


def judged(data: bytes | list[bytes]) -> list[tuple[int, object]]:
    return [(found.line, found.record if isinstance(found, Good) else found.reason) for found in decode(data, Reading)]


CASES: list[tuple[bytes, list[tuple[int, object]]]] = [
    (b'{"a":1}\n{"a":2}\n', [(1, Reading(1)), (2, Reading(2))]),
    (b'\xef\xbb\xbf{"a":1}\r\n\r\n{"a":2}', [(1, Reading(1)), (3, Reading(2))]),
    (b'[{"a":1},{"a":2}]', [(1, Reading(1)), (2, Reading(2))]),
    (b'[\n{"a":1},\n{"a":2}\n]\n', [(1, Reading(1)), (2, Reading(2))]),
    (b'{\n  "a": 3\n}\n', [(1, Reading(3))]),
    (b"", [(1, "the object is empty")]),
    (b"\n \n", [(1, "the object is empty")]),
    (b"[]", [(1, "the object is an empty list")]),
]


@pytest.mark.parametrize(("data", "expected"), CASES)
def test_forms_of_objects(data: bytes, expected: list[tuple[int, object]]) -> None:
    assert judged(data) == expected
    assert judged([data[start : start + 3] for start in range(0, len(data), 3)]) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "not JSON"), (b'{"a":1', "not JSON"), (b"\xff\xfe", "not JSON"), (b'{"a":NaN}', "not JSON"),
        (b'{"a":"x"}', "Expected `int`, got `str` - at `$.a`"), (b"{}", "missing required field `a`"),
        (b'{"a":1,"b":1e999}', "out of range"), (b"7", "Expected `object`, got `int`"),
    ],
)  # fmt: skip
def test_a_bad_line_is_bad_alone_and_says_why(line: bytes, reason: str) -> None:
    first, bad, last = list(decode(b'{"a":1}\n' + line + b'\n{"a":3}\n', Reading))
    assert isinstance(first, Good)
    assert isinstance(last, Good)
    assert isinstance(bad, Bad)
    assert reason in bad.reason
    assert (bad.line, bad.raw) == (2, line)


def test_200_megabytes_are_read_in_little_memory() -> None:
    import tracemalloc

    # Few long lines, so that the test is quick; each is within the limit of a line.
    line = b'{"a":1,"c":"' + b"x" * 2_000_000 + b'"}\n'
    tracemalloc.start()
    count = sum(isinstance(found, Good) for found in decode((line for _ in range(100)), Reading))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100
    assert peak < 40_000_000


def test_an_endless_line_is_cut_and_the_next_one_is_read() -> None:
    found = list(decode([b"x" * (1 << 20)] * 20 + [b'\n{"a":1}\n'], Reading))
    assert [type(one) for one in found] == [Bad, Good]
    assert len(found[0].raw) <= 65_536


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(data: bytes) -> None:
    assert list(decode(data, Reading))


@given(st.lists(st.builds(Reading, a=st.integers(-(2**60), 2**60), b=st.floats(allow_nan=False, allow_infinity=False))))
def test_what_is_encoded_is_decoded(readings: list[Reading]) -> None:
    found = list(decode(encode(readings), Reading))
    if readings:
        assert [one.record for one in found if isinstance(one, Good)] == readings


@pytest.mark.parametrize("bad", [{"a": float("nan")}, {"a": [float("inf")]}, {"a": object()}, Reading(1, float("nan"))])
def test_what_json_cannot_hold_is_not_encoded(bad: object) -> None:
    with pytest.raises(ValidationError, match="record 2"):
        encode([{"a": 1}, bad])


def test_the_quarantine_keeps_what_it_was() -> None:
    first, second = encode_quarantine([Bad(3, "why", b"text"), Bad(4, "why", b"\xff")], "key").splitlines()
    assert json.loads(first) == {"reason": "why", "source": "key", "line": 3, "raw": "text", "encoding": "utf-8"}
    assert json.loads(second)["raw"] == "/w=="
