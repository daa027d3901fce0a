"""A home remembers its tables' schemas: they may grow; a change that breaks what is there is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Pipeline
from penstock.adapters.local.objects import FileObjectStore
from penstock.errors import DefinitionError, HomeError
from penstock.model.datasets import LakeTable
from penstock.runtime.lake.schema_history import SchemaHistory
from penstock.testing.sandbox import Sandbox

KEY = "raw/t/year=2026/month=02/day=20/hour=07/x.json"


class First(msgspec.Struct):
    a: int


class Grown(msgspec.Struct):
    a: int
    b: str | None = None


class Broken(msgspec.Struct):
    a: str


def table(record: Any) -> LakeTable:
    return LakeTable(name="t", record=record, place="pipeline.py:7")


@pytest.fixture
def lake(tmp_path: Path) -> FileObjectStore:
    return FileObjectStore(tmp_path / "lake")


@pytest.fixture
def history(tmp_path: Path, lake: FileObjectStore) -> SchemaHistory:
    return SchemaHistory(FileObjectStore(tmp_path / "schemas"), lake)


def test_a_schema_is_stored_once_and_again_when_it_grows(history: SchemaHistory) -> None:
    for at, record in enumerate([First, First, Grown, Grown]):
        history.keep([table(record)], float(at))
    assert [(one.version, one.since, len(one.columns)) for one in history.versions("t")] == [(1, 0.0, 1), (2, 2.0, 2)]


def test_a_breaking_change_is_refused_with_its_mend_and_nothing_is_stored(
    history: SchemaHistory, lake: FileObjectStore
) -> None:
    other = LakeTable(name="other", record=First)
    history.keep([table(First)], 0.0)
    lake.create(KEY, b'{"a":1}\n')
    with pytest.raises(DefinitionError) as refused:
        history.keep([other, table(Broken)], 1.0)
    (finding,) = refused.value.data["findings"]
    assert finding["where"] == "pipeline.py:7"
    assert finding["code"] == "schema-change"
    assert "'t': a was bigint, is string" in finding["message"]
    assert "add a field of another name" in finding["hint"]
    assert "penstock schema accept" in refused.value.hint
    assert (len(history.versions("t")), history.versions("other")) == (1, [])


@pytest.mark.parametrize("zone", ["raw", "sealed", "archive/raw"])
def test_only_a_table_without_data_may_change_as_it_likes(
    history: SchemaHistory, lake: FileObjectStore, zone: str
) -> None:
    history.keep([table(First)], 0.0)
    history.keep([table(Broken)], 1.0)
    lake.create(KEY.replace("raw", zone, 1), b"x")
    with pytest.raises(DefinitionError):
        history.keep([table(First)], 2.0)


def test_a_change_that_was_accepted_is_the_schema_from_then_on(history: SchemaHistory, lake: FileObjectStore) -> None:
    history.keep([table(First)], 0.0)
    lake.create(KEY, b'{"a":1}\n')
    assert [change.path for change in history.accept(table(Broken), 1.0)] == ["a"]
    history.keep([table(Broken)], 2.0)
    assert [one.accepted for one in history.versions("t")] == [(), ("a was bigint, is string",)]


def test_of_two_processes_that_see_a_change_one_stores_it(tmp_path: Path, lake: FileObjectStore) -> None:
    store = FileObjectStore(tmp_path / "schemas")
    history = SchemaHistory(_Raced(store, lambda: SchemaHistory(store, lake).keep([table(Grown)], 5.0)), lake)
    history.keep([table(Grown)], 6.0)
    assert [(one.version, one.since) for one in history.versions("t")] == [(1, 5.0)]


def test_of_two_processes_with_different_schemas_both_are_kept(tmp_path: Path, lake: FileObjectStore) -> None:
    store = FileObjectStore(tmp_path / "schemas")
    history = SchemaHistory(_Raced(store, lambda: SchemaHistory(store, lake).keep([table(First)], 5.0)), lake)
    history.keep([table(Grown)], 6.0)
    assert [(one.version, len(one.columns)) for one in history.versions("t")] == [(1, 1), (2, 2)]


class _Raced:
    """A store in which another process comes first, once."""

    def __init__(self, inner: FileObjectStore, other: Any) -> None:
        self._inner = inner
        self._other = other

    def create(self, key: str, data: bytes) -> Any:
        other, self._other = self._other, lambda: None
        other()
        return self._inner.create(key, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_damaged_version_says_what_to_do(history: SchemaHistory, tmp_path: Path) -> None:
    FileObjectStore(tmp_path / "schemas").create("t/000001.json", b"{")
    with pytest.raises(HomeError, match=r"t/000001\.json") as refused:
        history.versions("t")
    assert "delete it" in refused.value.hint


def test_a_machine_does_not_start_on_a_broken_schema(tmp_path: Path) -> None:
    def pipeline_of(record: Any) -> Pipeline:
        pipeline = Pipeline("p")
        pipeline.lake("t", record)
        return pipeline

    with Sandbox(pipeline_of(First), tmp_path) as sandbox:
        sandbox.home.objects.create(KEY, b'{"a":1}\n')
    with pytest.raises(DefinitionError, match="a was bigint, is string"):
        Sandbox(pipeline_of(Broken), tmp_path)
    Sandbox(pipeline_of(Grown), tmp_path).close()
