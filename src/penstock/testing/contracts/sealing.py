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


def _described(duplicates: Mapping[int, int]) -> Mapping[str, str]:
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

    def test_duplicates_are_counted_for_each_source(self, engine: SealingEngine) -> None:
        told: list[dict[int, int]] = []

        def describe(duplicates: Mapping[int, int]) -> Mapping[str, str]:
            told.append(dict(duplicates))
            return METADATA

        sources = [['{"name":"a"}', '{"name":"b"}'], [], ['{"name":"a"}', '{"name":"a"}', '{"name":"c"}']]
        with engine.scratch() as scratch:
            assert _write(engine, UNIQUE, scratch, *sources, describe=describe) == 3
            previous = (scratch / "t.parquet").rename(scratch / "previous.parquet")
            assert _write(engine, UNIQUE, scratch, *reversed(sources), describe=describe, previous=previous) == 3
        assert told == [{2: 2}, {0: 3, 2: 2}]

    def test_sources_may_share_a_file(self, engine: SealingEngine) -> None:
        told: list[dict[int, int]] = []

        def describe(duplicates: Mapping[int, int]) -> Mapping[str, str]:
            told.append(dict(duplicates))
            return METADATA

        files = [['{"name":"a"}'] * 3, ['{"name":"b"}'] * 2]
        with engine.scratch() as scratch:
            assert _write(engine, UNIQUE, scratch, *files, describe=describe, counts=[0, 1, 2, 0, 1, 1]) == 2
        assert told == [{2: 2, 5: 1}]

    def test_no_lines_make_an_empty_file(self, objects: ObjectStore, engine: SealingEngine) -> None:
        with engine.scratch() as scratch:
            assert _write(engine, SORTED, scratch) == 0
            objects.replace(KEY, scratch / "t.parquet", if_match=None)
        found = engine.footer(KEY)
        assert found is not None
        assert [column.path for column in found.columns] == [("name",), ("count",)]

    @pytest.mark.parametrize("line", ['{"name":"a","count":9223372036854775808}', '{"name":"a"', '{"name":"a"} {}'])
    def test_what_the_columns_cannot_hold_is_refused(self, engine: SealingEngine, line: str) -> None:
        with engine.scratch() as scratch:
            with pytest.raises(ValidationError) as refused:
                _write(engine, ARRIVING, scratch, ['{"name":"fine"}'], ['{"name":"fine"}', line, '{"name":"fine"}'])
            assert refused.value.data["path"] == str(scratch / "1.json")
            assert refused.value.data["line"] in {2, 3}

    def test_what_the_check_raises_is_raised(self, engine: SealingEngine) -> None:
        def check() -> Sequence[int]:
            raise NotFoundError("it is gone")

        with engine.scratch() as scratch:
            (scratch / "0.json").write_bytes(b'{"name":"a"}\n' * 10_000)
            with pytest.raises(NotFoundError, match="it is gone"):
                engine.write(
                    SORTED, [scratch / "0.json"], check=check, previous=None, describe=_described, scratch=scratch
                )


def _write(
    engine: SealingEngine,
    table: LakeTable,
    scratch: Path,
    *files: list[str],
    previous: Path | None = None,
    describe: Describe = _described,
    counts: Sequence[int] | None = None,
) -> int:
    paths = [scratch / f"{number}.json" for number in range(len(files))]
    for path, lines in zip(paths, files, strict=True):
        path.write_text("".join(f"{line}\n" for line in lines))
    check = lambda: list(map(len, files)) if counts is None else counts  # noqa: E731
    return engine.write(table, paths, check=check, previous=previous, describe=describe, scratch=scratch).rows
