"""Readers give back what was written and hold only the item that they read; batching loses and repeats nothing."""

import contextlib
import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.states.distributed import Counts, Place, ResultFiles, Tolerance, batches, read_items
from penstock.states.distributed.results import Child
from penstock.states.failures import StateFailedError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


class Stream:
    """One object, in pieces of any sizes."""

    def __init__(self, data: bytes, cut: int) -> None:
        self.data, self.cut = data, cut

    def stream(self, place: Place) -> Iterator[bytes]:
        return (self.data[at : at + self.cut] for at in range(0, len(self.data), self.cut))

    def listing(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        raise NotImplementedError

    def rows(self, place: Place) -> Iterator[dict[str, Any]]:
        raise NotImplementedError


def read(data: bytes, cut: int, **config: Any) -> list[Any]:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
    return [item.input for item in read_items({**reader, "ReaderConfig": config}, Stream(data, cut))]


@given(st.lists(JSON, max_size=6), st.integers(1, 9), st.booleans(), st.sampled_from([None, 1]))
@settings(max_examples=100, deadline=None)
def test_a_json_array_is_read_back(items: list[Any], cut: int, ascii_only: bool, indent: int | None) -> None:
    data = json.dumps(items, ensure_ascii=ascii_only, indent=indent).encode()
    assert read(data, cut, InputType="JSON") == items


@given(st.dictionaries(TEXT, JSON, max_size=5), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_a_json_object_is_read_back(members: dict[str, Any], cut: int) -> None:
    found = read(json.dumps(members).encode(), cut, InputType="JSON")
    assert found == [{"Key": key, "Value": value} for key, value in members.items()]


@given(st.lists(JSON, max_size=6), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_json_lines_are_read_back(items: list[Any], cut: int) -> None:
    data = "\n".join(json.dumps(item) for item in items).encode()
    assert read(data, cut, InputType="JSONL") == items


@given(st.lists(st.lists(st.text('ab",;\n é', max_size=5), min_size=2, max_size=2), max_size=5), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_quoted_rows_are_read_back(rows: list[list[str]], cut: int) -> None:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    found = read(file.getvalue().encode(), cut, InputType="CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["x", "y"])
    assert found == [{"x": x, "y": y} for x, y in rows]


@given(st.binary(max_size=60), st.integers(1, 9), st.sampled_from(["JSON", "JSONL", "CSV", "MANIFEST"]))
@settings(max_examples=100, deadline=None)
def test_no_file_raises_anything_but_a_failure_of_the_state(data: bytes, cut: int, kind: str) -> None:
    def errors() -> set[str]:
        try:
            for item in read(data, cut, InputType=kind):
                json.dumps(item, ensure_ascii=False).encode()
        except StateFailedError as failure:
            return {failure.error}
        return set()

    assert errors() <= {"States.ItemReaderFailed"}


@pytest.mark.parametrize("kind", ["JSON", "JSONL", "CSV"])
def test_what_is_in_memory_does_not_grow_with_the_file(kind: str) -> None:
    line = {"JSON": b'{"n": "' + b"x" * 100 + b'"},\n', "JSONL": b'"' + b"x" * 100 + b'"\n', "CSV": b"x,y,z\n" * 17}[
        kind
    ]

    class Endless(Stream):
        def stream(self, place: Place) -> Iterator[bytes]:
            yield b"[" if kind == "JSON" else b""
            for _ in range(4_000):
                yield line * 5

    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
    items = read_items({**reader, "ReaderConfig": {"InputType": kind, "MaxItems": 20_000}}, Endless(b"", 1))
    next(items)
    tracemalloc.start()
    count = sum(1 for _ in items)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 19_999
    assert peak < 200_000


@given(st.lists(JSON, max_size=12), st.integers(1, 4) | st.none(), st.integers(200, 400) | st.none(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_batching_loses_and_repeats_nothing(
    items: list[Any], limit: int | None, limit_bytes: int | None, with_input: bool
) -> None:
    batcher = {"MaxItemsPerBatch": limit, "MaxInputBytesPerBatch": limit_bytes, "BatchInput": 1 if with_input else None}
    made = None
    with contextlib.suppress(StateFailedError):
        made = list(batches(items, batcher))
    if made is None:
        is_too_large = any(len(json.dumps(item).encode()) > 150 for item in items)
        assert is_too_large or (limit, limit_bytes) == (None, None)
        return
    assert [item for batch in made for item in batch.input["Items"]] == items
    for batch in made:
        assert batch.size == len(batch.input["Items"]) >= 1
        assert limit is None or batch.size <= limit
        text = json.dumps(batch.input, separators=(",", ":"), ensure_ascii=False).encode()
        # Floats may be written differently by a few characters each.
        assert limit_bytes is None or len(text) <= limit_bytes + 40


@given(st.lists(st.sampled_from(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]), max_size=30), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_counts_do_not_depend_on_the_order_of_ends(statuses: list[str], tolerated: int) -> None:
    def counted(order: list[str]) -> Counts:
        counts = Counts().begun(len(order))
        for status in order:
            counts = counts.ended(status, 1)
        return counts

    counts = counted(statuses)
    assert counts == counted(statuses[::-1])
    assert (counts.total, counts.running) == (len(statuses), 0)
    bad = sum(status in {"FAILED", "TIMED_OUT"} for status in statuses)
    assert Tolerance(count=tolerated).is_exceeded(counts, total=len(statuses)) == (bad > tolerated)


@given(
    st.lists(st.tuples(st.sampled_from(["SUCCEEDED", "FAILED", "PENDING"]), JSON), max_size=12), st.integers(20, 400)
)
@settings(max_examples=50, deadline=None)
def test_every_result_is_in_one_file_and_in_order(children: list[tuple[str, Any]], limit: int) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}
    files = ResultFiles(writer, "run", limit_bytes=limit)
    made: dict[str, bytes] = {}
    for number, (status, output) in enumerate(children):
        encoded = json.dumps(output).encode() if status == "SUCCEEDED" else None
        one = Child(id=str(number), name="", machine="m", status=status, input=b"%d" % number, output=encoded)
        made.update(files.add(one))
    made.update(files.finish("arn"))
    listed = json.loads(made[files.key])["ResultFiles"]
    for group in ("SUCCEEDED", "FAILED", "PENDING"):
        found = [entry for file in listed[group] for entry in json.loads(made[file["Key"]])]
        assert [int(entry["Input"]) for entry in found] == [
            n for n, (status, _) in enumerate(children) if status == group
        ]
        assert all(file["Size"] == len(made[file["Key"]]) for file in listed[group])
