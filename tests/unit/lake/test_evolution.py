"""A schema may grow over the files that are there; what would lose or misread them is told with its mend.

Rules: https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html, and for decimals
https://iceberg.apache.org/spec/#schema-evolution.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.lake.evolution import SchemaVersion, changes, version_of
from penstock.lake.outcome import Good
from penstock.lake.records import decode
from penstock.model.datasets import LakeTable
from penstock.model.schema import Precision


def version(fields: list[Any], partition: str = "hour") -> SchemaVersion:
    record = msgspec.defstruct("Record", fields, kw_only=True)
    return version_of(LakeTable(name="t", record=record, partition=partition), version=1, since=0.0)  # type: ignore[arg-type]


class Place(msgspec.Struct, kw_only=True):
    street: str


class WiderPlace(msgspec.Struct, kw_only=True):
    street: str
    floor: int = 0


class StricterPlace(msgspec.Struct, kw_only=True):
    street: str
    floor: int


def digits(count: int, scale: int) -> Any:
    return Annotated[Decimal, Precision(count, scale)]


ADDITIVE: list[tuple[str, list[Any], list[Any]]] = [
    ("nothing", [("a", int)], [("a", int)]),
    ("a field that may be absent", [("a", int)], [("a", int), ("b", str, "")]),
    ("a field that may be null and absent", [("a", int)], [("a", int), ("b", str | None, None)]),
    ("null", [("a", int)], [("a", int | None)]),
    ("a default", [("a", int)], [("a", int, 0)]),
    ("more digits", [("a", digits(4, 2))], [("a", digits(9, 2))]),
    ("one more value", [("a", Literal["x"])], [("a", Literal["x", "y"])]),
    ("any value", [("a", Literal["x"])], [("a", str)]),
    ("a nested field", [("a", Place)], [("a", WiderPlace)]),
    ("a field of elements", [("a", list[Place])], [("a", list[WiderPlace])]),
    ("a field of a map's values", [("a", dict[str, Place])], [("a", dict[str, WiderPlace])]),
]
BREAKING: list[tuple[str, list[Any], list[Any], str, str]] = [
    ("a field is gone", [("a", int), ("b", str)], [("a", int)], "b", "keep it: `b: … | None = None`"),
    ("a new name", [("userid", int)], [("user_id", int)], "userid", 'user_id: … = msgspec.field(name="userid")'),
    ("must be there", [("a", int)], [("a", int), ("b", str)], "b", "give b a default"),
    ("another type", [("a", int)], [("a", str)], "a", "add a field of another name as string"),
    ("a wider number", [("a", int)], [("a", float)], "a", "keep a as bigint"),
    ("fewer digits", [("a", digits(9, 2))], [("a", digits(4, 2))], "a", "keep a as decimal(9,2)"),
    ("another scale", [("a", digits(9, 2))], [("a", digits(10, 3))], "a", "keep a as decimal(9,2)"),
    ("no null any more", [("a", int | None)], [("a", int)], "a", "| None"),
    ("no default any more", [("a", int, 0)], [("a", int)], "a", "give a a default"),
    ("fewer values", [("a", Literal["x", "y"])], [("a", Literal["x"])], "a", "keep all values"),
    ("some values", [("a", str)], [("a", Literal["x"])], "a", "keep all values"),
    ("a nested field must be there", [("a", Place)], [("a", StricterPlace)], "a.floor", "give a.floor a default"),
    ("a nested field is gone", [("a", list[WiderPlace])], [("a", list[Place])], "a[].floor", "keep it"),
    ("elements may not be null", [("a", list[int | None])], [("a", list[int])], "a[]", "| None"),
    ("a list of one", [("a", int)], [("a", list[int])], "a", "keep a as bigint"),
    ("another key", [("a", dict[str, int])], [("a", dict[int, int])], "a{key}", "keep a{key} as string"),
]


@pytest.mark.parametrize(("old", "new"), [case[1:] for case in ADDITIVE], ids=[case[0] for case in ADDITIVE])
def test_what_may_change(old: list[Any], new: list[Any]) -> None:
    found = changes(version(old), version(new))
    assert not any(change.is_breaking for change in found)
    assert bool(found) == (old != new)


@pytest.mark.parametrize(("old", "new", "path", "hint"), [c[1:] for c in BREAKING], ids=[c[0] for c in BREAKING])
def test_what_may_not_change_says_how_to_mend_it(old: list[Any], new: list[Any], path: str, hint: str) -> None:
    told = {change.path: change.hint for change in changes(version(old), version(new)) if change.is_breaking}
    assert hint in told[path]


def test_a_struct_that_is_gone_is_told_once() -> None:
    (change,) = changes(version([("a", int), ("b", WiderPlace)]), version([("a", int)]))
    assert change.path == "b"


def test_partitions_stay_as_wide_as_they_are() -> None:
    (change,) = changes(version([("a", int)]), version([("a", int)], "day"))
    assert "partition='hour'" in change.hint


def test_a_version_is_the_same_after_it_was_stored() -> None:
    written = version([("a", Place), ("b", Literal[1, 2], 1), ("c", digits(4, 2) | None, None)])
    assert msgspec.json.decode(msgspec.json.encode(written), type=SchemaVersion) == written


KINDS = st.sampled_from([int, str, float, bool, int | None, str | None, list[int], Literal["x"], Literal["x", "y"]])
VALUES = {int: 1, str: "s", float: 0.5, bool: True, list[int]: [1, 2], Literal["x"]: "x", Literal["x", "y"]: "y"}
FIELDS = st.dictionaries(st.sampled_from("abc"), st.tuples(KINDS, st.booleans()), min_size=1)


def struct_of(fields: dict[str, tuple[Any, bool]]) -> type[msgspec.Struct]:
    declared: list[Any] = [(n, k, msgspec.field(default=None)) if d else (n, k) for n, (k, d) in fields.items()]
    return msgspec.defstruct("Record", declared, kw_only=True)


@given(FIELDS, FIELDS)
def test_after_an_additive_change_every_older_record_is_one(
    before: dict[str, tuple[Any, bool]], after: dict[str, tuple[Any, bool]]
) -> None:
    old, new = struct_of(before), struct_of(after)
    versions = [version_of(LakeTable(name="t", record=record), version=1, since=0.0) for record in (old, new)]
    older: list[dict[str, Any]] = [{}]
    for name, (kind, has_default) in before.items():
        choices = [VALUES.get(kind)] if kind in VALUES else [None, VALUES[kind.__args__[0]]]
        older = [{**one, name: value} for one in older for value in choices] + (older if has_default else [])
    if not any(change.is_breaking for change in changes(*versions)):
        for one in older:
            assert all(isinstance(found, Good) for found in decode(msgspec.json.encode(one), new))
