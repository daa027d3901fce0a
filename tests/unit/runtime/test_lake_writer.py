"""Records through a task's handles: in batches, compressed, and back; a retry loses and repeats nothing."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from penstock import Invoke, Pipeline
from penstock.errors import UsageError, ValidationError
from penstock.lake.compression import compress
from penstock.lake.outcome import Good
from penstock.lake.records import decode
from penstock.testing.sandbox import Sandbox


class Reading(msgspec.Struct):
    a: int


LINE_BYTES = len(b'{"a":1}\n')


def stored(sandbox: Sandbox, table: str) -> list[tuple[str, list[int]]]:
    """Returns the objects of a table in the order of their keys: the end of each name, and the records."""
    found = []
    for info in sandbox.home.objects.list(f"raw/{table}/"):
        outcomes = decode(sandbox.home.objects.get(info.key), Reading, info.key)
        found.append((info.key.partition("/make-")[2], [one.record.a for one in outcomes if isinstance(one, Good)]))
    return found


def pipeline_of(handler: Any, *, compress: bool = False) -> Pipeline:
    pipeline = Pipeline("p")
    table = pipeline.lake("readings", Reading, compress=compress)

    def make(event: Any, context: Any) -> Any:
        return handler(context, context[table])

    task = pipeline.task(name="make", may=[table.append, table.read])(make)
    pipeline.workflow("p", task)
    return pipeline


@pytest.mark.parametrize("compressed", [False, True])
def test_batches_are_objects_of_their_size(tmp_path: Path, compressed: bool) -> None:
    told: dict[str, int] = {}

    def handler(context: Any, table: Any) -> None:
        with table.writer(max_bytes=3 * LINE_BYTES) as writer:
            for number in range(7):
                writer.write(Reading(number))
        told.update(objects=writer.objects, records=writer.records)

    with Sandbox(pipeline_of(handler, compress=compressed), tmp_path) as sandbox:
        sandbox.run()
        found = stored(sandbox, "readings")
    assert [records for _, records in found] == [[0, 1, 2], [3, 4, 5], [6]]
    assert told == {"objects": 3, "records": 7}
    assert all(name.endswith(".json.zst" if compressed else ".json") for name, _ in found)


def test_a_batch_is_closed_by_its_age_when_the_next_record_comes(tmp_path: Path) -> None:
    def handler(context: Any, table: Any) -> None:
        with table.writer(max_age_seconds=60) as writer:
            writer.write({"a": 1})
            sandbox.clock.advance(59.0)
            writer.write({"a": 2})
            sandbox.clock.advance(1.0)
            assert writer.write({"a": 3}).records == 2

    with Sandbox(pipeline_of(handler), tmp_path) as sandbox:
        sandbox.run()
        assert [records for _, records in stored(sandbox, "readings")] == [[1, 2], [3]]


def test_a_retry_after_a_failure_in_the_middle_writes_each_record_once(tmp_path: Path) -> None:
    attempts = []

    def handler(context: Any, table: Any) -> None:
        attempts.append(context.attempt)
        with table.writer(max_bytes=2 * LINE_BYTES) as writer:
            for number in range(5):
                if number == 3 and len(attempts) == 1:
                    raise OSError("the source is gone")
                writer.write({"a": number})

    pipeline = Pipeline("p")
    table = pipeline.lake("readings", Reading)
    task = pipeline.task(name="make", may=[table.append])(lambda event, context: handler(context, context[table]))
    pipeline.workflow("p", Invoke(task).retry(times=2))
    with Sandbox(pipeline, tmp_path) as sandbox:
        assert sandbox.run().status == "SUCCEEDED"
        assert [records for _, records in stored(sandbox, "readings")] == [[0, 1], [2, 3], [4]]
    assert attempts == [0, 1]


def test_two_writers_of_one_call_write_side_by_side(tmp_path: Path) -> None:
    def handler(context: Any, table: Any) -> None:
        for _ in range(2):
            with table.writer() as writer:
                writer.write({"a": 1})

    with Sandbox(pipeline_of(handler), tmp_path) as sandbox:
        sandbox.run()
        assert [records for _, records in stored(sandbox, "readings")] == [[1], [1]]


def test_a_writer_refuses_what_cannot_be_read_back_and_what_comes_late(tmp_path: Path) -> None:
    def handler(context: Any, table: Any) -> None:
        with table.writer() as writer:
            with pytest.raises(ValidationError, match="record 1"):
                writer.write({"a": float("nan")})
            writer.write({"a": 1})
        with pytest.raises(UsageError):
            writer.write({"a": 2})

    with Sandbox(pipeline_of(handler), tmp_path) as sandbox:
        assert sandbox.run().status == "SUCCEEDED"
        assert [records for _, records in stored(sandbox, "readings")] == [[1]]


@pytest.mark.parametrize("compressed", [False, True])
def test_what_a_task_appends_it_can_read(tmp_path: Path, compressed: bool) -> None:
    found: list[Any] = []

    def handler(context: Any, table: Any) -> None:
        first = table.append([{"a": 1}, {"a": 2}])
        found.extend(one.record for one in table.read(first.key))
        found.append(first.key.endswith(".json.zst"))

    pipeline = pipeline_of(handler, compress=compressed)
    with Sandbox(pipeline, tmp_path) as sandbox:
        sandbox.run()
        assert sandbox.records(pipeline.build().lake_tables["readings"]) == [{"a": 1}, {"a": 2}]
    assert found == [Reading(1), Reading(2), compressed]


def parquet(path: Path) -> bytes:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS a UNION ALL SELECT NULL) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


@pytest.mark.parametrize("form", ["x.csv", "x.csv.gz", "x.parquet", "x.ndjson.zst"])
def test_a_task_reads_what_others_wrote(tmp_path: Path, form: str) -> None:
    data = {
        "x.csv": b"a\n1\n?\n",
        "x.csv.gz": gzip.compress(b"a\n1\n?\n"),
        "x.parquet": parquet(tmp_path / "one.parquet"),
        "x.ndjson.zst": compress(b'{"a":1}\n{}\n'),
    }[form]
    key = f"raw/readings/year=2026/month=02/day=20/hour=07/{form}"
    found: list[Any] = []

    def handler(context: Any, table: Any) -> None:
        found.extend(table.read(key))

    with Sandbox(pipeline_of(handler), tmp_path / "sandbox") as sandbox:
        sandbox.home.objects.create(key, data)
        sandbox.run()
    assert [isinstance(one, Good) for one in found] == [True, False]
    assert found[0].record == Reading(1)
