"""What every sealing engine promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from penstock.errors import NotFoundError, ValidationError
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectStore
from penstock.ports.sealing import Describe, SealingEngine


class Row(msgspec.Struct):
    """A record of the table."""

    name: str
    count: int | None = None


SORTED = LakeTable(name="t", record=Row, sort=("name",))
ARRIVING = LakeTable(name="t", record=Row)
UNIQUE = LakeTable(name="t", record=Row, unique=("name",))
KEY = "sealed/t/year=2026/month=02/day=20/hour=07/t.parquet"
METADATA = {
    "penstock.sources": '[{"key":"raw/a","records":1,"good":1}]',
    "penstock.schema": '{"fingerprint":"f","columns":[]}',
    "penstock.counts": '{"records":1,"good":1}',
    "penstock.format": "1",
}


def _described(duplicates: Sequence[int]) -> Mapping[str, str]:
    return METADATA


class SealingEngineContract:
    """Subclass it with an ``objects`` fixture over an empty store, and an ``engine`` fixture over the same one."""

    def test_what_is_written_says_what_it_is(self, objects: ObjectStore, engine: SealingEngine) -> None:
        with engine.scratch() as scratch:
            written = _write(engine, SORTED, scratch, ['{"name":"b"}', '{"name":"a"}'])
            assert written == 2
            objects.replace(KEY, scratch / "t.parquet", if_match=None)
        found = engine.footer(KEY)
        assert found is not None
        assert (found.rows, found.counts.good, list(found.sources)) == (2, 1, ["raw/a"])
        assert [column.path for column in found.columns] == [("name",), ("count",)]

    def test_there_may_be_no_sealed_file_or_a_damaged_one(self, objects: ObjectStore, engine: SealingEngine) -> None:
        assert engine.footer(KEY) is None
        objects.put(KEY, b"PAR1 no PAR1")
        with pytest.raises(ValidationError):
            engine.footer(KEY)

    def test_objects_are_fetched_with_their_suffixes(self, objects: ObjectStore, engine: SealingEngine) -> None:
        objects.create("raw/t/a.json.gz", b"bytes")
        with engine.scratch() as scratch:
            path = engine.fetch("raw/t/a.json.gz", scratch)
            assert (path.read_bytes(), path.name.endswith(".json.gz")) == (b"bytes", True)
            with pytest.raises(NotFoundError):
                engine.fetch("raw/t/nothing.json", scratch)

    def test_a_scratch_folder_is_gone_afterwards(self, engine: SealingEngine) -> None:
        with engine.scratch() as scratch, engine.scratch() as other:
            assert scratch != other
            (scratch / "file").write_bytes(b"")
        assert not scratch.exists()

    def test_what_was_sealed_before_goes_into_the_new_file(self, engine: SealingEngine) -> None:
        with engine.scratch() as scratch:
            _write(engine, SORTED, scratch, ['{"name":"b","count":1}'])
            previous = (scratch / "t.parquet").rename(scratch / "previous.parquet")
            assert _write(engine, SORTED, scratch, ['{"name":"a"}'], previous=previous) == 2

    def test_duplicates_are_counted_for_each_file(self, engine: SealingEngine) -> None:
        told: list[list[int]] = []

        def describe(duplicates: Sequence[int]) -> Mapping[str, str]:
            told.append(list(duplicates))
            return METADATA

        with engine.scratch() as scratch:
            files = [['{"name":"a"}', '{"name":"b"}'], ['{"name":"a"}', '{"name":"a"}', '{"name":"c"}']]
            assert _write(engine, UNIQUE, scratch, *files, describe=describe) == 3
        assert told == [[0, 2]]

    @pytest.mark.parametrize("line", ['{"name":"a","count":9223372036854775808}', '{"name":"a"', '{"name":"a"} {}'])
    def test_what_the_columns_cannot_hold_is_refused(self, engine: SealingEngine, line: str) -> None:
        with engine.scratch() as scratch:
            with pytest.raises(ValidationError) as refused:
                _write(engine, ARRIVING, scratch, ['{"name":"fine"}'], [line])
            assert refused.value.data["path"] == str(scratch / "1.json")


def _write(
    engine: SealingEngine,
    table: LakeTable,
    scratch: Path,
    *files: list[str],
    previous: Path | None = None,
    describe: Describe = _described,
) -> int:
    paths = [scratch / f"{number}.json" for number in range(len(files))]
    for path, lines in zip(paths, files, strict=True):
        path.write_text("\n".join([*lines, ""]))
    return engine.write(table, paths, previous=previous, describe=describe, scratch=scratch).rows
