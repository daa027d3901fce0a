"""Views over sealed and raw rows: their meaning, in an engine; their form, against what Athena itself writes.

https://docs.aws.amazon.com/athena/latest/ug/views.html
https://docs.aws.amazon.com/athena/latest/ug/data-types.html: names of types in DDL and in queries
"""

from __future__ import annotations

import datetime
from typing import Any

import duckdb
import msgspec
import pytest
import sqlglot

from penstock.deploy.projection import catalog_tables
from penstock.deploy.views import RAW_DAYS, query_type, view
from penstock.model.datasets import LakeTable


class Order(msgspec.Struct, rename="camel"):
    order_id: str
    total: float | None = None


ORDERS = LakeTable(name="orders", record=Order)


def engine(**tables: list[tuple[Any, ...]]) -> duckdb.DuckDBPyConnection:
    """Returns an engine with the tables that the view names, over rows of id, total, and days before today."""
    connection = duckdb.connect()
    for name, rows in tables.items():
        connection.execute(
            f'CREATE TABLE {name} ("orderid" VARCHAR, total DOUBLE, year VARCHAR, month VARCHAR, day VARCHAR,'
            " hour VARCHAR)"
        )
        for order, total, days, hour in rows:
            at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
            values = [order, total, f"{at:%Y}", f"{at:%m}", f"{at:%d}", hour]
            connection.execute(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?)", values)
    return connection


def answered(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT orderid, total, hour FROM ({view(ORDERS).sql}) ORDER BY 1, 3").fetchall()


def test_a_partition_is_read_where_it_is_sealed_or_else_where_it_is_raw() -> None:
    connection = engine(
        sealed_orders=[("a", 1.0, 1, "07"), ("b", None, 1, "07")],
        raw_orders=[("a", 1.0, 1, "07"), ("b", None, 1, "07"), ("c", 3.0, 1, "08"), ("d", 4.0, 0, "07")],
    )
    assert answered(connection) == [("a", 1.0, "07"), ("b", None, "07"), ("c", 3.0, "08"), ("d", 4.0, "07")]


def test_what_is_sealed_is_read_whatever_its_age_and_raw_objects_of_some_days() -> None:
    connection = engine(
        sealed_orders=[("old", 1.0, 400, "00")],
        raw_orders=[("forgotten", 1.0, RAW_DAYS + 1, "00"), ("recent", 1.0, RAW_DAYS, "00")],
    )
    assert [row[0] for row in answered(connection)] == ["old", "recent"]


def test_a_line_that_is_no_record_is_left_out() -> None:
    connection = engine(
        sealed_orders=[], raw_orders=[(None, 1.0, 0, "00"), (None, None, 0, "00"), ("a", None, 0, "00")]
    )
    assert answered(connection) == [("a", None, "00")]


def test_a_record_may_have_no_field_that_it_needs() -> None:
    class Loose(msgspec.Struct):
        a: int | None = None
        b: int | None = None

    sql = view(LakeTable(name="loose", record=Loose)).sql
    assert 'WHERE (fresh."a" IS NOT NULL OR fresh."b" IS NOT NULL)' in sql


@pytest.mark.parametrize("partition", ["hour", "day"])
def test_the_view_is_one_statement_of_athenas_over_tables_of_the_catalog(partition: Any) -> None:
    table = msgspec.structs.replace(ORDERS, partition=partition)
    (statement,) = sqlglot.parse(view(table).sql, dialect="athena")
    assert statement is not None
    named = {one.name for one in statement.find_all(sqlglot.exp.Table)}
    assert named == {one.name for one in catalog_tables([table], sealing=True) if one.zone != "quarantine"}
    made = view(table)
    (raw,) = (one for one in catalog_tables([table], sealing=True) if one.zone == "raw")
    assert list(made.columns) == [*raw.columns, *raw.partition_keys]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("string", "varchar"), ("bigint", "bigint"), ("double", "double"), ("boolean", "boolean"), ("date", "date"),
        ("timestamp", "timestamp(3)"), ("decimal(38,9)", "decimal(38,9)"), ("float", "real"), ("int", "integer"),
        ("array<array<string>>", "array(array(varchar))"),
        ("map<string,decimal(10,2)>", "map(varchar,decimal(10,2))"),
        ("struct<a:map<string,double>,b:struct<c:bigint>>", 'row("a" map(varchar,double), "b" row("c" bigint))'),
    ],
)  # fmt: skip
def test_types_have_the_names_that_queries_use(name: str, expected: str) -> None:
    assert query_type(name) == expected


@pytest.mark.parametrize("name", ["", "array<", "list<string>", "array<string", "varchar2", "STRING"])
def test_what_is_no_type_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no type"):
        query_type(name)
