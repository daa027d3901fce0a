"""Warehouses as they are declared, and what is wrong with them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import pytest

from penstock import Pipeline, relation
from penstock.errors import DefinitionError
from penstock.model.access import Grant, Kind
from penstock.model.warehouses import RunRecord


class Lead(msgspec.Struct):
    lead_id: str
    email: str | None = None
    fit: float = 0.0
    reasons: list[str] = []
    seen_at: datetime | None = None


class Named(msgspec.Struct):
    Name: str


class Anything(msgspec.Struct):
    lead_id: str
    value: object = None


class Wide(msgspec.Struct):
    a: str
    b: str
    c: str
    d: str


class OwnRun(msgspec.Struct):
    number: int


def test_a_warehouse_as_it_is_declared() -> None:
    pipeline = Pipeline("shop")
    crm = pipeline.warehouse(
        "crm",
        tables=[relation("leads", Lead, key="lead_id", indexes=["email", ("email", "seen_at")])],
        views={"v_leads": "SELECT lead_id FROM leads"},
    )
    grants = (crm.write, crm.read)
    assert grants == (Grant(Kind.WAREHOUSE, "crm", "write"), Grant(Kind.WAREHOUSE, "crm", "read"))

    @pipeline.task(may=grants)
    def work(event: Any, context: Any) -> None: ...

    found = pipeline.build().warehouses["crm"]
    assert list(found.relations) == ["leads", "pipeline_runs"]
    assert found.relations["leads"].key == ("lead_id",)
    assert found.relations["leads"].indexes == (("email",), ("email", "seen_at"))
    assert found.relations["pipeline_runs"].record is RunRecord
    assert [(column.name, column.type) for column in found.relations["leads"].columns] == [
        ("lead_id", "string"), ("email", "string"), ("fit", "double"), ("reasons", "array<string>"),
        ("seen_at", "timestamp"),
    ]  # fmt: skip


GOOD = relation("leads", Lead, key="lead_id")


@pytest.mark.parametrize(
    ("tables", "code", "told"),
    [
        ([relation("Leads", Lead, key="lead_id")], "name", "'Leads'"),
        ([relation("penstock_rows", Lead, key="lead_id")], "name", "penstock_rows"),
        ([relation("leads", Lead, key=())], "key", "has no key"),
        ([relation("leads", Lead, key="lead")], "unknown-column", "did you mean 'lead_id'"),
        ([relation("leads", Lead, key="email")], "column-type", "may be null"),
        ([relation("leads", Lead, key=("lead_id", "fit"))], "column-type", "double"),
        ([relation("leads", Lead, key="lead_id", indexes=["reasons"])], "column-type", "array<string>"),
        ([relation("leads", Lead, key=("lead_id", "lead_id"))], "column-twice", "twice"),
        ([relation("leads", Named, key="Name")], "name", "'Name'"),
        ([relation("leads", Anything, key="lead_id")], "record-type", "Anything.value"),
        ([relation("leads", dict, key="lead_id")], "record-type", "dict"),
        ([relation("wide", Wide, key=("a", "b", "c", "d"))], "key", "3072 bytes"),
        ([GOOD, relation("leads", Lead, key="lead_id")], "duplicate-name", "defined twice"),
        ([relation("pipeline_runs", OwnRun, key="number")], "key", "run_id"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(tables: list[Any], code: str, told: str) -> None:
    pipeline = Pipeline("shop")
    pipeline.warehouse("crm", tables=tables)
    with pytest.raises(DefinitionError) as refused:
        pipeline.build()
    findings: list[dict[str, str]] = refused.value.data["findings"]
    assert code in {one["code"] for one in findings}
    assert any(told in f"{one['message']} {one['hint']}" for one in findings)
    assert all(one["hint"] for one in findings)


@pytest.mark.parametrize(
    ("views", "code"),
    [
        ({"V": "SELECT 1"}, "name"),
        ({"leads": "SELECT 1"}, "name"),
        ({"v": "DELETE FROM leads"}, "view"),
        ({"v": "SELECT 1; DROP TABLE leads"}, "view"),
    ],
)
def test_what_is_wrong_with_a_view_is_told(views: dict[str, str], code: str) -> None:
    pipeline = Pipeline("shop")
    pipeline.warehouse("crm", tables=[GOOD], views=views)
    with pytest.raises(DefinitionError) as refused:
        pipeline.build()
    assert [one["code"] for one in refused.value.data["findings"]] == [code]


def test_a_name_that_is_too_long_for_its_version_table_is_told() -> None:
    pipeline = Pipeline("shop")
    pipeline.warehouse("c" * 33, tables=[GOOD])
    with pytest.raises(DefinitionError, match="1 to 32 lower-case"):
        pipeline.build()


def test_a_text_may_say_how_long_it_is() -> None:
    from penstock.adapters.relational.tables import metadata_of

    class Short(msgspec.Struct):
        code: Annotated[str, msgspec.Meta(max_length=2)]
        other: Annotated[str, msgspec.Meta(max_length=7)] | None = None
        free: str = ""

    pipeline = Pipeline("shop")
    crm = pipeline.warehouse("crm", tables=[relation("short", Short, key="code")])
    pipeline.build()
    found = metadata_of(crm).tables["short"].c
    assert [str(column.type) for column in found] == ["VARCHAR(2)", "VARCHAR(7)", "TEXT"]
