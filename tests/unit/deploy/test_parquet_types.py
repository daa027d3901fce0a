"""What a sealed file holds is what the catalog says: a type that differs ends every query with HIVE_BAD_DATA.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
https://github.com/apache/parquet-format/blob/master/LogicalTypes.md: which physical type stands for which logical one
"""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.adapters.local.parquet_footer import footer
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.deploy.projection import catalog_tables
from penstock.lake.sealing import metadata
from penstock.model.datasets import LakeTable

# What a column of each type is in Parquet, so that Athena reads it: physical type, and what it stands for.
SCALARS = {
    "string": ("BYTE_ARRAY", {"UTF8"}),
    "boolean": ("BOOLEAN", {""}),
    "bigint": ("INT64", {"", "INT_64"}),
    "double": ("DOUBLE", {""}),
    "timestamp": ("INT64", {"TIMESTAMP_MICROS", "TIMESTAMP_MILLIS"}),
    "date": ("INT32", {"DATE"}),
}


class Colour(Enum):
    RED = "red"


class Place(msgspec.Struct, rename="camel"):
    street: str
    floorCount: list[int]  # noqa: N815 - letter case is what is tried here


class Everything(msgspec.Struct):
    text: str
    yes: bool
    whole: int
    real: float
    data: bytes
    money: decimal.Decimal
    at: datetime.datetime
    on: datetime.date
    colour: Colour
    place: Place
    names: list[str]
    sizes: dict[str, float]
    places: dict[str, list[Place]]
    maybe: int | None = None


def tables() -> dict[str, LakeTable]:
    from penstock.pipelines.logs import pipeline as logs
    from penstock.pipelines.metrics import pipeline as metrics

    found = {"everything": LakeTable(name="everything", record=Everything)}
    for pipeline in (logs, metrics):
        found |= pipeline.build().lake_tables
    return found


def wanted(name: str, kind: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields the leaves that a column of Glue's consists of, each with its scalar type."""
    outer, _, inner = kind.partition("<")
    parts = split(inner.removesuffix(">")) if inner else []
    if outer == "struct":
        for field in parts:
            label, _, of_field = field.partition(":")
            yield from ((((name), *path), leaf) for path, leaf in wanted(label, of_field))
    elif outer == "array":
        yield from (((name, *path), leaf) for path, leaf in wanted("element", parts[0]))
    elif outer == "map":
        for label, of_part in zip(("key", "value"), parts, strict=True):
            yield from (((name, *path), leaf) for path, leaf in wanted(label, of_part))
    else:
        yield (name,), kind


def split(text: str) -> list[str]:
    return re.findall(r"(?:[^,<>()]|<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>|\([^()]*\))+", text)


def is_readable(kind: str, leaf: Any) -> bool:
    if kind.startswith("decimal("):
        digits, scale = map(int, kind[8:-1].split(","))
        # https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#decimal
        sizes = {"INT32": 9, "INT64": 18, "FIXED_LEN_BYTE_ARRAY": 38, "BYTE_ARRAY": 38}
        fits = digits <= sizes.get(leaf.physical, 0)
        return fits and (leaf.converted, leaf.precision, leaf.scale) == ("DECIMAL", digits, scale)
    physical, meanings = SCALARS[kind]
    return leaf.physical == physical and leaf.converted in meanings


@pytest.mark.parametrize("name", sorted(tables()))
def test_a_sealed_file_has_the_catalogs_columns(name: str, tmp_path: Path) -> None:
    table = tables()[name]
    (sealed,) = (one for one in catalog_tables([table], sealing=True) if one.zone == "sealed")
    engine = DuckDbSealer(tmp_path, memory_limit_mb=200, threads=1)
    with engine.scratch() as scratch:
        written = engine.write(
            table, [], check=list, previous=None, describe=lambda _: metadata(table, []), scratch=scratch
        )
        found = footer(written.path)
    # Repeated groups between have names of their own: `list`, `key_value`.
    leaves = {
        tuple(part.lower() for part in leaf.path if part not in {"list", "key_value"}): leaf for leaf in found.columns
    }
    expected = dict(one for column in sealed.columns for one in wanted(column.name, column.type))
    assert leaves.keys() == expected.keys()
    assert [(path, leaves[path]) for path, kind in expected.items() if not is_readable(kind, leaves[path])] == []


def test_the_comparison_knows_what_does_not_fit() -> None:
    class Leaf(msgspec.Struct):
        physical: str
        converted: str = ""
        precision: int = 0
        scale: int = 0

    assert is_readable("bigint", Leaf("INT64"))
    assert not is_readable("bigint", Leaf("INT32"))
    assert not is_readable("timestamp", Leaf("INT96"))
    assert not is_readable("decimal(12,2)", Leaf("INT64", "DECIMAL", 12, 3))
    assert list(wanted("a", "map<string,array<struct<b:decimal(3,1),c:date>>>")) == [
        (("a", "key"), "string"),
        (("a", "value", "element", "b"), "decimal(3,1)"),
        (("a", "value", "element", "c"), "date"),
    ]
