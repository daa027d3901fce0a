"""Columns of record types, and what engines and files call them.

The expected names are those of the engines: https://docs.aws.amazon.com/athena/latest/ug/data-types.html,
https://duckdb.org/docs/stable/sql/data_types/overview, https://github.com/apache/parquet-format.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal, NewType

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.errors import UsageError, ValidationError
from penstock.model.column_types import duckdb_type, glue_type, parquet_leaves, parse_type
from penstock.model.schema import Column, Precision, columns, fingerprint, json_schema

Celsius = NewType("Celsius", float)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Colour(enum.Enum):
    RED = "red"


class Mixed(enum.Enum):
    ONE = 1
    TWO = "two"


class Place(msgspec.Struct):
    street: str
    floors: list[int]


class Node(msgspec.Struct):
    children: list[Node]


class Row(msgspec.Struct, array_like=True):
    a: int


class Nothing(msgspec.Struct):
    pass


class Odd(msgspec.Struct):
    a: int = msgspec.field(name="a:b")


def type_of(annotation: Any) -> tuple[str, bool]:
    (column,) = columns(msgspec.defstruct("One", [("value", annotation)]))
    return column.type, column.nullable


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, ("string", False)),
        (int | None, ("bigint", True)),
        (int | msgspec.UnsetType, ("bigint", True)),
        (Annotated[int, msgspec.Meta(ge=0)] | None, ("bigint", True)),
        (Annotated[datetime.datetime, msgspec.Meta(tz=True)], ("timestamp", False)),
        (datetime.time, ("string", False)),
        (uuid.UUID, ("string", False)),
        (decimal.Decimal, ("decimal(38,9)", False)),
        (Annotated[decimal.Decimal, Precision(12, 2)], ("decimal(12,2)", False)),
        (Annotated[decimal.Decimal, Precision(5)] | None, ("decimal(5,0)", True)),
        (list[Annotated[decimal.Decimal, Precision(4, 4)]], ("array<decimal(4,4)>", False)),
        (Celsius, ("double", False)),
        (Level, ("bigint", False)),
        (Colour, ("string", False)),
        (Literal["a", "b"], ("string", False)),
        (Literal[1, 2], ("bigint", False)),
        (Literal["a", None], ("string", True)),
        (tuple[int, ...], ("array<bigint>", False)),
        (tuple[float, float], ("array<double>", False)),
        (frozenset[str], ("array<string>", False)),
        (dict[str, list[Place]], ("map<string,array<struct<street:string,floors:array<bigint>>>>", False)),
        (dict[int, float], ("map<bigint,double>", False)),
    ],
)
def test_the_column_of_a_field(annotation: Any, expected: tuple[str, bool]) -> None:
    assert type_of(annotation) == expected


@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        (int | str, "union of 2"),
        (tuple[int, str], "tuple of 2"),
        (list, "list"),
        (dict, "dict"),
        (object, "no column type"),
        (Mixed, "values of 2 types"),
        (Literal["a", 1], "values of 2 types"),
        (Node, "holds itself"),
        (Row, "array_like"),
        (Nothing, "no fields"),
        (Odd, "a:b"),
        (dict[Place, int], "key"),
        (Annotated[int, Precision(3)], "for Decimal"),
    ],
)
def test_what_no_column_can_hold_is_refused_with_its_place(annotation: Any, told: str) -> None:
    with pytest.raises(TypeError, match="value: ") as refused:
        type_of(annotation)
    assert told in str(refused.value)


@pytest.mark.parametrize(("digits", "scale"), [(0, 0), (39, 0), (2, 3), (5, -1)])
def test_digits_that_no_decimal_has(digits: int, scale: int) -> None:
    with pytest.raises(UsageError):
        Precision(digits, scale)


def test_types_in_every_notation() -> None:
    text = "map<string,array<struct<Amount:decimal(12,2),at:timestamp,data:binary>>>"
    assert duckdb_type(text) == ('MAP(VARCHAR, STRUCT("Amount" DECIMAL(12,2), "at" TIMESTAMP, "data" VARCHAR)[])')
    assert glue_type(text) == "map<string,array<struct<amount:decimal(12,2),at:timestamp,data:string>>>"
    assert [(".".join(leaf.path), leaf.physical, leaf.logical) for leaf in parquet_leaves("m", text)] == [
        ("m.key_value.key", "BYTE_ARRAY", "UTF8"),
        ("m.key_value.value.list.element.Amount", "INT64", "DECIMAL"),
        ("m.key_value.value.list.element.at", "INT64", "TIMESTAMP_MICROS"),
        ("m.key_value.value.list.element.data", "BYTE_ARRAY", "UTF8"),
    ]


@pytest.mark.parametrize("text", ["", "text", "array<>", "array<int>", "map<string>", "array<string", "decimal(x,2)"])
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(ValidationError):
        parse_type(text)


SCALARS = st.sampled_from(
    ["string", "boolean", "bigint", "double", "timestamp", "date", "binary", "decimal(9,2)", "decimal(18,2)",
     "decimal(19,0)", "decimal(38,9)"]
)  # fmt: skip
NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=3, unique=True)


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    structs = NAMES.flatmap(
        lambda names: st.tuples(*(inner for _ in names)).map(
            lambda kinds: f"struct<{','.join(f'{n}:{k}' for n, k in zip(names, kinds, strict=True))}>"
        )
    )
    maps = st.tuples(SCALARS, inner).map(lambda pair: f"map<{pair[0]},{pair[1]}>")
    return structs | maps | inner.map(lambda kind: f"array<{kind}>")


TYPES = st.recursive(SCALARS, nested, max_leaves=4)


@given(TYPES)
def test_a_type_taken_apart_is_the_same_type(text: str) -> None:
    assert parse_type(text).text == text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TYPES)
def test_duckdb_writes_the_parquet_that_is_foretold(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT NULL::{duckdb_type(text)} AS c) TO '{path}' (FORMAT parquet)")
        rows = connection.execute(
            "SELECT name, type, coalesce(converted_type, '') FROM parquet_schema(?) WHERE type IS NOT NULL", [str(path)]
        ).fetchall()
    assert [(leaf.path[-1], leaf.physical, leaf.logical) for leaf in parquet_leaves("c", text)] == rows


def test_a_fingerprint_tells_schemas_apart() -> None:
    one, other = (Column("a", "bigint"), Column("b", "string")), (Column("b", "string"), Column("a", "bigint"))
    assert fingerprint(one) == fingerprint((Column("a", "bigint"), Column("b", "string")))
    assert len({fingerprint(one), fingerprint(other), fingerprint(one[:1])}) == 3
    assert len(fingerprint(one)) == 16


def test_the_json_schema_names_what_is_needed() -> None:
    schema = json_schema(Place)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$defs"]["Place"]["required"] == ["street", "floors"]
    with pytest.raises(TypeError):
        json_schema(Node)
