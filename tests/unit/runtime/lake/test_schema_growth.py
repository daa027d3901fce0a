"""A schema that has grown, over older files: raw, sealed, sealed again with late data, without their raw objects."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.lake.evolution import changes, version_of
from penstock.model.datasets import LakeTable
from penstock.model.schema import Precision
from penstock.runtime.lake.seal import PartitionSealer

SEVEN = "year=2026/month=02/day=20/hour=07"
EIGHT = "year=2026/month=02/day=20/hour=08"


class OldPlace(msgspec.Struct):
    street: str


class Old(msgspec.Struct):
    id: int
    place: OldPlace
    visited: list[OldPlace] = []
    by_name: dict[str, OldPlace] = {}
    money: Annotated[Decimal, Precision(6, 2)] = Decimal(0)


class NewPlace(msgspec.Struct):
    street: str
    floor: int | None = None


class New(msgspec.Struct):
    id: int
    place: NewPlace
    note: str | None = None
    visited: list[NewPlace] = []
    by_name: dict[str, NewPlace] = {}
    money: Annotated[Decimal, Precision(20, 2)] = Decimal(0)


OLD = LakeTable(name="visits", record=Old, sort=("id",))
NEW = LakeTable(name="visits", record=New, sort=("id",))
FIRST = b'{"id":1,"place":{"street":"a"},"visited":[{"street":"b"}],"by_name":{"k":{"street":"c"}},"money":"1.25"}\n'
SECOND = (
    b'{"id":2,"place":{"street":"a","floor":1},"visited":[{"street":"b","floor":2}],'
    b'"by_name":{"k":{"street":"c","floor":3}},"money":"123456789012.25","note":"new"}\n'
)
COLUMNS = "id, place.street, place.floor, visited[1].floor, by_name['k'].floor, money, note"
FIRST_ROW = (1, "a", None, None, None, Decimal("1.25"), None)
SECOND_ROW = (2, "a", 1, 2, 3, Decimal("123456789012.25"), "new")


class World:
    """A lake with its sealer and its query engine."""

    def __init__(self, folder: Path) -> None:
        self.objects = FileObjectStore(folder)
        self.sealer = PartitionSealer(self.objects, DuckDbSealer(folder), DuckDbRowReader())
        self.engine = DuckDbQueryEngine(folder)

    def ask(self) -> list[Any]:
        return list(self.engine.run(f"SELECT {COLUMNS} FROM visits ORDER BY id", tables=[NEW]).rows)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "lake")
    made.objects.create(f"raw/visits/{SEVEN}/first.json", FIRST)
    return made


def test_the_change_is_additive() -> None:
    old, new = (version_of(table, version=1, since=0.0) for table in (OLD, NEW))
    found = changes(old, new)
    assert {change.path for change in found} == {"note", "place.floor", "visited[].floor", "by_name{}.floor", "money"}
    assert not any(change.is_breaking for change in found)


def test_raw_and_sealed_files_of_before_answer_for_the_new_columns(world: World) -> None:
    world.objects.create(f"raw/visits/{EIGHT}/second.json", SECOND)
    assert world.ask() == [FIRST_ROW, SECOND_ROW]
    world.sealer.seal(OLD, SEVEN)
    assert world.ask() == [FIRST_ROW, SECOND_ROW]
    world.sealer.seal(NEW, EIGHT)
    assert world.ask() == [FIRST_ROW, SECOND_ROW]


@pytest.mark.parametrize("is_gone", [False, True])
def test_late_data_of_the_new_schema_join_a_sealed_file_of_the_old(world: World, is_gone: bool) -> None:
    world.sealer.seal(OLD, SEVEN)
    if is_gone:
        world.objects.delete(f"raw/visits/{SEVEN}/first.json")
    world.objects.create(f"raw/visits/{SEVEN}/late.json", SECOND)
    assert world.ask() == [FIRST_ROW, SECOND_ROW]
    outcome = world.sealer.seal(NEW, SEVEN)
    assert (outcome.counts.records, outcome.counts.good) == (2, 2)
    assert world.ask() == [FIRST_ROW, SECOND_ROW]
