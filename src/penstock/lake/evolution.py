"""How a table's schema may change: what is added is read as NULL from older files; anything else is refused.

A change is additive when every record that was written before is still a record, and every file that was sealed
before still answers for its columns, with the same meaning, in DuckDB and in Athena.
https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

import msgspec

from penstock.model.column_types import parse_type
from penstock.model.datasets import LakeTable
from penstock.model.schema import Column, columns, fingerprint, unwrap


class SchemaField(msgspec.Struct, frozen=True):
    """A field, wherever it is: ``place.floors[]`` is an element of an array, ``sizes{}`` a value of a map.

    Attributes:
        type: in the catalog's notation; ``struct``, ``array`` or ``map`` for what has fields of its own here.
        optional: whether a record may leave it out.
        values: all that a literal or an enumeration may be; empty for what may be anything of its type.
    """

    path: str
    type: str
    nullable: bool = False
    optional: bool = False
    values: tuple[str | int | bool | float, ...] = ()


class SchemaVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A table's schema as it once was.

    Attributes:
        version: counts from 1.
        since: when it was first seen, in seconds since the epoch.
        partition: the width of a partition.
        fields: all fields by their paths, those of nested structs as well.
        accepted: the breaking changes that somebody let pass.
    """

    version: int
    since: float
    table: str
    fingerprint: str
    partition: str
    columns: tuple[Column, ...]
    fields: tuple[SchemaField, ...]
    accepted: tuple[str, ...] = ()

    def is_same(self, other: SchemaVersion) -> bool:
        """Tells whether two versions say the same of the data."""
        return (self.partition, self.columns, self.fields) == (other.partition, other.columns, other.fields)


class Change(msgspec.Struct, frozen=True):
    """One difference between two schemas.

    Attributes:
        hint: the mend of a breaking change; empty for an additive one.
    """

    path: str
    message: str
    hint: str = ""

    @property
    def is_breaking(self) -> bool:
        """Whether something that was written before would be lost or misread."""
        return bool(self.hint)


def version_of(table: LakeTable, *, version: int, since: float, accepted: tuple[str, ...] = ()) -> SchemaVersion:
    """Returns a table's present schema as one of its history.

    Raises:
        TypeError: a field has a type that no column can hold.
    """
    described = columns(table.record)
    return SchemaVersion(
        version=version,
        since=since,
        table=table.name,
        fingerprint=fingerprint(described),
        partition=table.partition,
        columns=described,
        fields=tuple(_fields(table.record, "")),
        accepted=accepted,
    )


def changes(old: SchemaVersion, new: SchemaVersion) -> list[Change]:
    """Returns what is different, in the order of the paths; nothing where the schemas are equal."""
    before = {field.path: field for field in old.fields}
    after = {field.path: field for field in new.fields}
    found = [_changed(before[path], after[path]) for path in before.keys() & after.keys()]
    removed = {path for path in before.keys() - after.keys() if _is_outermost(path, before.keys() - after.keys())}
    added = {path for path in after.keys() - before.keys() if _is_outermost(path, after.keys() - before.keys())}
    found += [[_removed(before[path], added, after)] for path in removed]
    found += [[_added(after[path])] for path in added]
    if old.partition != new.partition:
        hint = f"keep partition={old.partition!r}, or give the table another name"
        found.append([Change("", f"partitions are by {new.partition}, were by {old.partition}", hint)])
    return sorted((change for group in found for change in group), key=lambda change: (change.path, change.message))


def _changed(old: SchemaField, new: SchemaField) -> list[Change]:
    path = old.path
    found = list(_retyped(old, new))
    for what, before, after, mend in (
        ("null", old.nullable, new.nullable, f"declare {path} with `| None`: there are records with null"),
        ("left out", old.optional, new.optional, f"give {path} a default: there are records without it"),
    ):
        if before and not after:
            found.append(Change(path, f"{path} might be {what}, may not be any more", mend))
        elif after and not before:
            found.append(Change(path, f"{path} may be {what}"))
    gone = [repr(value) for value in old.values if value not in new.values]
    if new.values and (gone or not old.values):
        message = f"{path} may no longer be {', '.join(gone) or 'anything else than ' + repr(new.values)}"
        found.append(Change(path, message, f"let {path} keep all values that records have"))
    elif old.values != new.values:
        found.append(Change(path, f"{path} may have other values, too"))
    return found


def _retyped(old: SchemaField, new: SchemaField) -> Iterator[Change]:
    if old.type == new.type:
        return
    if _is_widened(old.type, new.type):
        yield Change(old.path, f"{old.path}: {old.type} became {new.type}")
        return
    hint = f"keep {old.path} as {old.type}, and add a field of another name as {new.type}"
    yield Change(old.path, f"{old.path} was {old.type}, is {new.type}", hint)


def _removed(old: SchemaField, added: set[str], after: dict[str, SchemaField]) -> Change:
    message = f"{old.path} ({old.type}) is gone: what was recorded in it could not be asked for any more"
    parent, name = _split(old.path)
    same = [_split(path)[1] for path in added if _split(path)[0] == parent and after[path].type == old.type]
    near = difflib.get_close_matches(name, same, n=1, cutoff=0.5) or same[:1]
    hint = f"keep it: `{name}: … | None = None`"
    if near:
        hint = f'if {near[0]} is its new name, write `{near[0]}: … = msgspec.field(name="{name}")`; else {hint}'
    return Change(old.path, message, hint)


def _added(new: SchemaField) -> Change:
    if new.optional:
        return Change(new.path, f"{new.path} ({new.type}) is new: NULL in what was written before")
    message = f"{new.path} ({new.type}) is new and cannot be left out: no older record has it"
    return Change(new.path, message, f"give {new.path} a default, such as `| None = None`")


def _is_widened(old: str, new: str) -> bool:
    """Tells whether each value of the old type is the same value of the new one, in older files as well."""
    if not (old.startswith("decimal") and new.startswith("decimal")):
        return False
    (old_digits, old_scale), (new_digits, new_scale) = parse_type(old).digits, parse_type(new).digits
    return old_scale == new_scale and old_digits <= new_digits


def _is_outermost(path: str, among: set[str]) -> bool:
    return not any(path != other and path.startswith((f"{other}.", f"{other}[", f"{other}{{")) for other in among)


def _split(path: str) -> tuple[str, str]:
    parent, _, name = path.rpartition(".")
    return parent, name


def _fields(record: type[msgspec.Struct], prefix: str) -> Iterator[SchemaField]:
    for field in msgspec.structs.fields(record):
        yield from _walk(f"{prefix}{field.encode_name}", field.type, optional=not field.required)


def _walk(path: str, annotation: Any, *, optional: bool = False) -> Iterator[SchemaField]:
    plain, _, _ = unwrap(annotation)
    one = columns(msgspec.defstruct("One", [("value", annotation)]))[0]
    kind = one.type.partition("<")[0]
    yield SchemaField(path, kind, one.nullable, optional, _values(plain))
    arguments = [argument for argument in typing.get_args(plain) if argument is not Ellipsis]
    if kind == "struct":
        yield from _fields(plain, f"{path}.")
    elif kind == "array":
        yield from _walk(f"{path}[]", arguments[0])
    elif kind == "map":
        yield from _walk(f"{path}{{key}}", arguments[0])
        yield from _walk(f"{path}{{}}", arguments[1])


def _values(plain: Any) -> tuple[str | int | bool | float, ...]:
    if typing.get_origin(plain) is typing.Literal:
        return tuple(value for value in typing.get_args(plain) if value is not None)
    if isinstance(plain, type) and issubclass(plain, Enum):
        return tuple(member.value for member in plain)
    return ()
