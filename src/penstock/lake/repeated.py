"""Keys that an object of JSON names twice. RFC 8259, section 4, leaves open what that means: it means nothing here.

One reader takes the first value, another the last; so that all paths agree, such a record is none. Keys that the table
does not have are of no interest, to any of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from penstock.model.column_types import ColumnType, parse_type
from penstock.model.schema import Column

Found = Callable[[bytes], "str | None"]


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with all that it names, in its order."""


def repeated_key(columns: Sequence[Column]) -> Found:
    """Returns what finds the first key of a table's columns that a record names twice, in JSON that is valid."""
    names = tuple(one.name for one in columns)
    return _finder(ColumnType("struct", tuple(parse_type(one.type) for one in columns), names))


def repeated_in(kind: str) -> Found:
    """Returns what finds the first key that is there twice in JSON of a type of the catalog, as a cell of CSV is."""
    return _finder(parse_type(kind))


def _finder(kind: ColumnType) -> Found:
    def find(raw: bytes) -> str | None:
        try:
            return None if _is_plain(raw) else _in(kind, json.loads(raw, object_pairs_hook=_Pairs), "$")
        except (msgspec.MsgspecError, ValueError, RecursionError):
            # A part that the table does not have cannot be read by all; none of its keys counts.
            return None

    return find


def _is_plain(raw: bytes) -> bool:
    """Tells, fast, that no object names a key twice; False where it has to be looked at.

    What names a key twice loses a colon when it is read and written again. A backslash may write a colon as well.
    """
    if b"\\" in raw:
        return False
    return raw.count(b":") == msgspec.json.encode(msgspec.json.decode(raw)).count(b":")


def _in(kind: ColumnType, value: Any, path: str) -> str | None:
    if isinstance(value, _Pairs):
        return _in_object(kind, value, path)
    if kind.name == "array" and isinstance(value, list):
        return _first(_in(kind.inner[0], one, f"{path}[{number}]") for number, one in enumerate(value))
    return None


def _in_object(kind: ColumnType, pairs: _Pairs, path: str) -> str | None:
    known = dict(zip(kind.fields, kind.inner, strict=True)) if kind.name == "struct" else {}
    if not known and kind.name != "map":
        return None
    seen: set[str] = set()
    for name, value in pairs:
        if kind.name != "map" and name not in known:
            continue
        if name in seen:
            return f"{path}.{name}"
        seen.add(name)
        found = _in(kind.inner[1] if kind.name == "map" else known[name], value, f"{path}.{name}")
        if found is not None:
            return found
    return None


def _first(found: Iterable[str | None]) -> str | None:
    return next((one for one in found if one is not None), None)
