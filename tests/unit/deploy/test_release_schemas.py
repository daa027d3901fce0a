"""A release that breaks the tables of the last one is refused, before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from penstock import Pipeline
from penstock.deploy.schemas import refuse_breaking, schemas
from penstock.errors import DefinitionError
from penstock.lake.evolution import SchemaVersion
from penstock.model.pipeline import Definition


class First(msgspec.Struct):
    id: int
    note: str = ""


class Grown(msgspec.Struct):
    id: int
    note: str = ""
    at: float | None = None


class Broken(msgspec.Struct):
    id: str


def shop(record: type[msgspec.Struct], name: str = "orders") -> Definition:
    pipeline = Pipeline("shop")
    pipeline.lake(name, record)
    return pipeline.build()


def test_what_is_added_is_a_new_version() -> None:
    first = schemas(shop(First), {})
    assert [(one.version, one.since) for one in first.values()] == [(1, 0.0)]
    refuse_breaking(shop(Grown), first)
    grown = schemas(shop(Grown), first)
    assert (grown["orders"].version, len(grown["orders"].columns)) == (2, 3)
    assert schemas(shop(Grown), grown) == grown


def test_what_breaks_is_refused_with_every_change_and_its_mend() -> None:
    with pytest.raises(DefinitionError, match="the last release of 'shop'") as refused:
        refuse_breaking(shop(Broken), schemas(shop(First), {}))
    found = refused.value.data["findings"]
    assert {one["code"] for one in found} == {"schema-change"}
    assert len(found) == 2
    assert all(one["hint"] and "lake table 'orders'" in one["message"] for one in found)
    assert "--accept-schema" in refused.value.hint


def test_a_table_that_comes_back_is_held_against_its_last_schema() -> None:
    known = schemas(shop(First, "others"), schemas(shop(First), {}))
    assert sorted(known) == ["orders", "others"]
    with pytest.raises(DefinitionError):
        refuse_breaking(shop(Broken), known)


def test_a_record_without_schemas_knows_none() -> None:
    refuse_breaking(shop(Broken), {})


def test_schemas_survive_the_record_of_a_release() -> None:
    known = schemas(shop(Grown), {})
    assert msgspec.json.decode(msgspec.json.encode(known), type=dict[str, SchemaVersion]) == known


# -- with the fixtures of releases --------------------------------------------------------------

SOURCE = """
import msgspec
from penstock import Pipeline, hours

class Order(msgspec.Struct):
    id: {kind}

pipeline = Pipeline("shop")
pipeline.lake("orders", Order)

@pipeline.task
def collect(event, context):
    return 1

pipeline.every(hours(1), collect)
"""


def test_synth_compares_with_what_it_wrote_last(tmp_path: Path) -> None:
    from penstock.deploy.bundle.target import Target
    from penstock.deploy.release import RECORD, release
    from penstock.runtime.machine.loader import Catalog

    def synth(kind: str, **options: bool) -> None:
        number = len(list(tmp_path.glob("*.py")))
        path = tmp_path / f"orders_{number}.py"
        path.write_text(SOURCE.format(kind=kind))
        definition = Catalog([path]).load("shop")
        release(definition, str(path), tmp_path / "out", target=Target.here(), measured=False, **options)

    synth("int")
    synth("int | None = None")
    before = (tmp_path / "out" / "catalog.tf").read_bytes()
    with pytest.raises(DefinitionError, match="lake table 'orders'"):
        synth("str")
    assert (tmp_path / "out" / "catalog.tf").read_bytes() == before
    synth("str", accept_schemas=True)
    record = json.loads((tmp_path / "out" / RECORD).read_text())
    assert [(one["version"], one["columns"][0]["type"]) for one in record["schemas"].values()] == [(3, "string")]
    synth("str")
