"""Types and records drawn at random: what is written is read, and DuckDB reads the same values from the same lines."""

from __future__ import annotations

import base64
import datetime
import enum
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.adapters.local.rows import DuckDbRowReader
from penstock.lake.compression import compress
from penstock.lake.outcome import Good
from penstock.lake.records import decode, encode
from penstock.model.column_types import duckdb_type
from penstock.model.schema import Precision, columns


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Kind(NamedTuple):
    """A type, and what draws its values."""

    type: Any
    values: st.SearchStrategy[Any]


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
MOMENTS = st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=st.just(datetime.UTC))  # noqa: DTZ001
SCALARS = [
    Kind(str, TEXT),
    Kind(bool, st.booleans()),
    Kind(int, st.integers(-(2**63), 2**63 - 1)),
    Kind(float, st.floats(allow_nan=False, allow_infinity=False)),
    Kind(bytes, st.binary(max_size=8)),
    Kind(Annotated[Decimal, Precision(9, 3)], st.decimals(-999_999, 999_999, places=3)),
    Kind(Decimal, st.decimals(-(10**18), 10**18, places=9)),
    Kind(Annotated[datetime.datetime, msgspec.Meta(tz=True)], MOMENTS),
    Kind(datetime.date, st.dates()),
    Kind(uuid.UUID, st.uuids()),
    Kind(Colour, st.sampled_from(Colour)),
    Kind(Literal["x", "y"], st.sampled_from(["x", "y"])),
]
NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=4, unique=True)


def struct_of(names: list[str], kinds: list[Kind]) -> Kind:
    record = msgspec.defstruct("Record", [(n, k.type) for n, k in zip(names, kinds, strict=True)], kw_only=True)
    return Kind(record, st.builds(record, **{n: k.values for n, k in zip(names, kinds, strict=True)}))


def structs(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return NAMES.flatmap(
        lambda names: st.lists(inner, min_size=len(names), max_size=len(names)).map(lambda k: struct_of(names, k))
    )


def nested(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return (
        inner.map(lambda kind: Kind(kind.type | None, st.none() | kind.values))
        | inner.map(lambda kind: Kind(list[kind.type], st.lists(kind.values, max_size=3)))  # type: ignore[name-defined]
        | inner.map(lambda kind: Kind(dict[str, kind.type], st.dictionaries(TEXT, kind.values, max_size=3)))  # type: ignore[name-defined]
        | structs(inner)
    )


RECORDS = structs(st.recursive(st.sampled_from(SCALARS), nested, max_leaves=4))


@st.composite
def tables(draw: st.DrawFn) -> tuple[type[msgspec.Struct], list[Any]]:
    kind = draw(RECORDS)
    return kind.type, draw(st.lists(kind.values, min_size=1, max_size=3))


@settings(max_examples=80, deadline=None)
@given(tables(), st.booleans())
def test_what_is_written_is_read(table: tuple[type[msgspec.Struct], list[Any]], compressed: bool) -> None:
    record, written = table
    data = encode(written)
    found = list(decode(compress(data) if compressed else data, record))
    assert [one.record for one in found if isinstance(one, Good)] == written


def in_sql(value: Any) -> Any:
    """Returns a value as its column holds it: bytes as base64 text, times in UTC without their zone."""
    match value:
        case msgspec.Struct():
            return {name: in_sql(getattr(value, name)) for name in value.__struct_fields__}
        case list():
            return [in_sql(item) for item in value]
        case dict():
            return {key: in_sql(item) for key, item in value.items()}
        case bytes():
            return base64.b64encode(value).decode()
        case enum.Enum():
            return value.value
        case uuid.UUID():
            return str(value)
        case datetime.datetime():
            return value.replace(tzinfo=None)
    return value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_duckdb_reads_the_same_values(tmp_path: Path, table: tuple[type[msgspec.Struct], list[Any]]) -> None:
    record, written = table
    path = tmp_path / "x.json"
    path.write_bytes(encode(written))
    declared = ", ".join(f"'{column.name}': '{duckdb_type(column.type)}'" for column in columns(record))
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT * FROM read_json('{path}', format='newline_delimited', columns={{{declared}}})"
        ).fetchall()
    assert found == [tuple(in_sql(written_one).values()) for written_one in written]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_parquet_of_the_columns_is_read_back(tmp_path: Path, table: tuple[type[msgspec.Struct], list[Any]]) -> None:
    record, written = table
    lines, path = tmp_path / "x.json", tmp_path / "x.parquet"
    lines.write_bytes(encode(written))
    declared = ", ".join(f"'{column.name}': '{duckdb_type(column.type)}'" for column in columns(record))
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM read_json('{lines}', format='newline_delimited', columns={{{declared}}})) TO '{path}'"
        )
    found = list(decode(path.read_bytes(), record, rows=DuckDbRowReader()))
    assert [one.record if isinstance(one, Good) else one.reason for one in found] == written


@pytest.mark.parametrize("text", ["2026-02-20T07:57:00+02:00", "2026-02-20T05:57:00Z", "2026-02-20T05:57:00"])
def test_a_time_is_one_moment_however_it_is_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(f"COPY (SELECT CAST('{text}' AS TIMESTAMPTZ)::TIMESTAMP AS at) TO '{path}'")
    (row,) = DuckDbRowReader()([path.read_bytes()])
    assert row == {"at": datetime.datetime(2026, 2, 20, 5, 57, tzinfo=datetime.UTC)}
