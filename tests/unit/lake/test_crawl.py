"""Tables inferred from what files hold. The expected types are worked out by hand from the values."""

from __future__ import annotations

import functools
import itertools
import types

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.lake.crawl import Crawled, FileFacts, infer, partition_values, table_name
from penstock.lake.declaration import declare
from penstock.lake.inferred import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    MIXED,
    STRING,
    TIMESTAMP,
    UNKNOWN,
    Array,
    Inferred,
    Map,
    Struct,
    decimal,
    settled,
    widen,
)
from penstock.model.schema import columns


def crawled(*files: FileFacts, name: str = "readings") -> Crawled:
    return infer(files, name)


def file(path: str, rows: int = 2, nulls: dict[str, int] | None = None, **kinds: Inferred) -> FileFacts:
    return FileFacts(path, 10, "json", rows, kinds, nulls or {})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (BIGINT, BIGINT, "bigint"),
        (BIGINT, DOUBLE, "double"),
        (BIGINT, UNKNOWN, "bigint"),
        (DATE, TIMESTAMP, "timestamp"),
        (decimal(10, 2), decimal(8, 4), "decimal(12,4)"),
        (decimal(10, 2), BIGINT, "decimal(21,2)"),
        (decimal(38, 0), decimal(20, 10), "double"),
        (decimal(10, 2), DOUBLE, "double"),
        (BIGINT, STRING, "string"),
        (BOOLEAN, BIGINT, "string"),
        (DATE, BIGINT, "string"),
        (MIXED, BIGINT, "string"),
        (Array(BIGINT), Array(DOUBLE), "array<double>"),
        (Array(BIGINT), BIGINT, "string"),
        (Struct({"a": BIGINT}), Struct({"b": STRING}), "struct<a:bigint,b:string>"),
        (Struct({"a": BIGINT}), Struct({"a": DOUBLE}), "struct<a:double>"),
        (Map(STRING, BIGINT), Map(STRING, DOUBLE), "map<string,double>"),
        (Struct({"a": BIGINT, "b": DOUBLE}), Map(STRING, BIGINT), "map<string,double>"),
    ],
)
def test_the_wider_of_two_types(one: Inferred, other: Inferred, expected: str) -> None:
    assert str(widen(one, other)) == expected
    assert shape(widen(other, one)) == shape(widen(one, other))


scalars = st.sampled_from([BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP, STRING, UNKNOWN, decimal(10, 2), decimal(30, 20)])
kinds = st.recursive(
    scalars,
    lambda inner: (
        st.builds(Array, inner)
        | st.builds(Struct, st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2))
    ),
    max_leaves=4,
)


def shape(kind: Inferred) -> object:
    """Returns a type without the order of its fields."""
    if isinstance(kind, Struct):
        return {name: shape(one) for name, one in kind.fields.items()}
    return [shape(kind.item)] if isinstance(kind, Array) else str(kind)


@settings(max_examples=100, deadline=None)
@given(st.lists(kinds, min_size=2, max_size=4))
def test_the_order_of_the_files_decides_nothing(found: list[Inferred]) -> None:
    orders = itertools.permutations(found)
    shapes = [shape(settled(functools.reduce(widen, order))) for order in orders]
    assert all(one == shapes[0] for one in shapes)


def test_columns_are_widened_over_all_files_and_nulls_make_them_nullable() -> None:
    found = crawled(file("a.json", n=BIGINT, s=STRING), file("b.json", nulls={"s": 1}, n=DOUBLE, s=STRING))
    assert [(one.name, str(one.type), one.nullable, one.files) for one in found.columns] == [
        ("n", "double", False, 2),
        ("s", "string", True, 2),
    ]
    assert found.problems == ()
    assert (found.files, found.rows, found.size_bytes) == (2, 4, 20)


def test_a_column_that_a_file_lacks_is_nullable() -> None:
    (column,) = crawled(file("a.json", n=BIGINT), file("b.json")).columns
    assert column.nullable


def test_a_file_without_rows_makes_nothing_nullable() -> None:
    (column,) = crawled(file("a.json", n=BIGINT), file("b.json", rows=0)).columns
    assert not column.nullable


def test_types_that_go_together_as_text_only_are_reported_with_their_files() -> None:
    found = crawled(file("a.json", n=BIGINT), file("b.json", n=BIGINT), file("c.json", n=BOOLEAN))
    assert str(found.columns[0].type) == "string"
    (problem,) = found.problems
    assert problem.where == "n"
    assert "bigint in a.json and 1 more; boolean in c.json" in problem.message


def test_a_conflict_deep_in_a_struct_is_reported_at_its_place() -> None:
    found = crawled(file("a.json", u=Struct({"id": BIGINT})), file("b.json", u=Struct({"id": BOOLEAN})))
    assert [one.where for one in found.problems] == ["u.id"]
    assert str(found.columns[0].type) == "struct<id:string>"


def test_what_is_mixed_within_one_file_is_reported() -> None:
    found = crawled(file("a.json", tags=Array(MIXED)))
    assert [one.where for one in found.problems] == ["tags[]"]
    assert str(found.columns[0].type) == "array<string>"


def test_a_column_of_nulls_is_reported() -> None:
    found = crawled(file("a.json", nulls={"n": 2}, n=UNKNOWN))
    assert [(one.where, one.message) for one in found.problems] == [("n", "is always null; it is taken as text")]


def test_a_file_that_cannot_be_read_is_reported_and_left_out() -> None:
    found = crawled(file("a.json", n=BIGINT), FileFacts("b.bin", 5, error="cannot be read: no format"))
    assert [(one.where, one.message) for one in found.problems] == [("b.bin", "cannot be read: no format")]
    assert (found.files, found.rows) == (1, 2)


def test_formats_that_differ_are_reported() -> None:
    found = crawled(file("a.json", n=BIGINT), FileFacts("b.csv", 5, "csv", 1, {"n": BIGINT}, {}))
    assert "1 of csv, 1 of json" in found.problems[0].message


def test_names_that_sql_cannot_tell_apart_are_reported() -> None:
    found = crawled(file("a.json", Id=BIGINT, ID=BIGINT))
    assert "Id, ID" in found.problems[0].message


def test_partitions_come_from_the_folders() -> None:
    found = crawled(file("year=2026/month=02/a.json", n=BIGINT), file("year=2026/month=03/b.json", n=BIGINT))
    assert found.partition_columns == ("year", "month")
    assert found.problems == ()


def test_files_in_other_folders_than_most_are_reported() -> None:
    found = crawled(file("day=1/a.json"), file("day=2/b.json"), file("c.json"))
    assert found.partition_columns == ("day",)
    assert [(one.where) for one in found.problems] == ["c.json"]


def test_a_column_of_files_and_folders_is_reported_and_is_the_folders() -> None:
    found = crawled(file("day=1/a.json", day=BIGINT, n=BIGINT))
    assert [one.name for one in found.columns] == ["n"]
    assert found.problems[0].where == "day"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.json", {}),
        ("logs/a.json", {}),
        ("year=2026/month=02/a.json", {"year": "2026", "month": "02"}),
        ("logs/dt=2026-02-20/a.json", {"dt": "2026-02-20"}),
        (
            "2026/02/20/07/a.json",
            {"partition_0": "2026", "partition_1": "02", "partition_2": "20", "partition_3": "07"},
        ),
        ("2026-02-20/a.json", {"partition_0": "2026-02-20"}),
        ("region=eu=west/a.json", {"region": "eu=west"}),
    ],
)
def test_what_folders_say(path: str, expected: dict[str, str]) -> None:
    assert partition_values(path) == expected


@pytest.mark.parametrize(
    ("text", "name"), [("Orders", "orders"), ("my logs-2", "my_logs_2"), ("2026", "table_2026"), ("…", "table")]
)
def test_table_names_fit_the_rule(text: str, name: str) -> None:
    assert table_name(text) == name


def loaded(found: Crawled) -> types.ModuleType:
    module = types.ModuleType("declared")
    exec(compile(declare(found), "declared.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - it is what is tested
    return module


def test_the_declaration_is_python_with_the_same_columns() -> None:
    found = crawled(
        file(
            "a.json",
            nulls={"price": 1},
            id=BIGINT,
            price=decimal(10, 2),
            at=TIMESTAMP,
            due=DATE,
            tags=Array(STRING),
            attributes=Map(STRING, DOUBLE),
            user=Struct({"name": STRING, "address": Struct({"city": STRING})}),
        )
    )
    module = loaded(found)
    declared = {one.name: (one.type, one.nullable) for one in columns(module.Readings)}
    assert declared["id"] == ("bigint", False)
    assert declared["price"][1]
    assert declared["at"] == ("timestamp", False)
    assert declared["tags"] == ("array<string>", False)
    assert declared["attributes"] == ("map<string,double>", False)
    assert declared["user"] == ("struct<name:string,address:struct<city:string>>", False)
    assert list(module.pipeline.build().lake_tables) == ["readings"]


def test_names_that_are_no_python_are_kept_as_names_of_the_data() -> None:
    found = crawled(file("a.json", **{"class": STRING, "two words": BIGINT, "2nd": BIGINT, "two-words": BIGINT}))
    record = loaded(found).Readings
    fields = {field.encode_name: field.name for field in msgspec.structs.fields(record)}
    assert fields == {"class": "class_", "two words": "two_words", "2nd": "column_2nd", "two-words": "two_words_"}


def test_what_was_inferred_takes_the_data_in() -> None:
    found = crawled(file("a.json", nulls={"b": 1}, a=BIGINT, b=Struct({"c": TIMESTAMP})))
    record = loaded(found).Readings
    assert msgspec.json.decode(b'{"a":1,"b":{"c":"2026-02-20T07:00:00Z"}}', type=record).a == 1
    assert msgspec.json.decode(b'{"a":1}', type=record).b is None


@pytest.mark.parametrize(
    ("names", "folders", "width", "kept"),
    [
        (("id", "year"), "", "hour", ["id"]),
        (("id", "Year", "month", "day", "hour"), "", "day", ["id", "hour"]),
        (("id", "hour"), "", "day", ["id", "hour"]),
        (("id", "hour"), "year=2026/month=02/day=20/", "day", ["id", "hour"]),
        (("id", "Hour"), "year=2026/month=02/day=20/hour=07/", "hour", ["id"]),
        (("id", "hour"), "year=2026/month=02/day=20/hour=07/", "hour", ["id"]),
    ],
)
def test_columns_that_are_called_as_partitions_are_declared_so_that_it_loads(
    names: tuple[str, ...], folders: str, width: str, kept: list[str]
) -> None:
    found = crawled(file(f"{folders}a.json", **dict.fromkeys(names, BIGINT)))
    table = loaded(found).pipeline.build().lake_tables["readings"]
    assert (table.partition, [one.name for one in columns(table.record)]) == (width, kept)
    for name in {*names} - {*kept}:
        assert f"# {name}: is" in declare(found)


def test_problems_are_comments_of_the_declaration() -> None:
    text = declare(crawled(file("a.json", n=BIGINT), file("b.json", n=BOOLEAN)))
    assert "# n: is taken as text" in text
