"""JSON arrays that are too large to be held: each element is judged by itself."""

from __future__ import annotations

import collections
import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.lake.json_array import ArraySplitter
from penstock.lake.outcome import Bad, Good
from penstock.lake.records import decode


class Reading(msgspec.Struct):
    a: int
    s: str = ""
    tags: list[str] = []


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


FILLER = "x" * 100_000


def large(count: int) -> list[dict[str, Any]]:
    """Returns what makes an array of more than one document's size, with all that could mislead a splitter."""
    return [{"a": number, "s": f'{FILLER}"[{{,}}]\\', "tags": ["]", "[", '\\"']} for number in range(count)]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("size", [1 << 20, 1 << 30, 77_777])
def test_an_array_of_any_size_is_its_elements(indent: int | None, size: int) -> None:
    data = json.dumps(large(200), indent=indent).encode()
    assert len(data) > 17_000_000
    found = list(decode(pieces(b"\xef\xbb\xbf " + data + b"\n", size), Reading))
    assert [(one.line, one.record.a) for one in found if isinstance(one, Good)] == [(n + 1, n) for n in range(200)]
    assert len(found) == 200


def test_a_large_array_is_read_in_little_memory() -> None:
    import tracemalloc

    element = json.dumps(large(1)[0]).encode()
    tracemalloc.start()
    parts = itertools.chain([b"["], (element + b"," for _ in range(1000)), [b"7]"])
    kinds = collections.Counter(type(one) for one in decode(parts, Reading))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kinds == {Good: 1000, Bad: 1}
    assert peak < 45_000_000


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (b', {"a": "?"}]', (201, "Expected `int`")),
        (b', {"a": 1', (201, "not closed")),
        (b"", (200, "not closed")),
        (b"] and more", (201, "not JSON")),
        (b', "' + b"y" * 17_000_000 + b'"]', (201, "longer than")),
    ],
    ids=["another type", "cut short in an element", "cut short after one", "more after its end", "a long element"],
)
def test_what_is_wrong_with_a_large_array_costs_that_element_only(end: bytes, last: tuple[int, str]) -> None:
    data = json.dumps(large(200)).encode()[:-1] + end
    found = list(decode(pieces(data, 1 << 20), Reading))
    assert isinstance(found[-1], Bad)
    assert (found[-1].line, last[1] in found[-1].reason) == (last[0], True)
    assert sum(isinstance(one, Good) for one in found) == len(found) - 1 == last[0] - 1


def test_lines_of_a_large_object_are_lines_whatever_the_pieces() -> None:
    data = b"".join(json.dumps(one).encode() + b"\n" for one in large(200))
    assert [type(one) for one in decode(data, Reading)] == [Good] * 200


VALUES = st.recursive(
    st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


@given(VALUES, st.integers(1, 20))
def test_a_splitter_agrees_with_a_parser(value: Any, size: int) -> None:
    expected = value if isinstance(value, list) and value else [value]
    splitter = ArraySplitter()
    found = [
        element for piece in pieces(json.dumps(expected).encode() + b" rest", size) for element in splitter.feed(piece)
    ]
    assert [json.loads(element) for element in found] == expected
    assert splitter.is_closed
