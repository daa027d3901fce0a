"""Column types that were inferred from data, and the type that holds two of them. In the catalog's (Glue's) notation.

Widening loses nothing that the narrower type could say, but for numbers beside text: those become text, and a problem
says so. Source of the names: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

from __future__ import annotations

import msgspec

DECIMAL_DIGITS = 38
BIGINT_DIGITS = 19


class Scalar(msgspec.Struct, frozen=True, tag="scalar"):
    """A type without parts. ``name`` is Glue's, without arguments; decimals have digits and places."""

    name: str
    digits: int = 0
    places: int = 0

    def __str__(self) -> str:
        return f"decimal({self.digits},{self.places})" if self.name == "decimal" else self.name


class Array(msgspec.Struct, frozen=True, tag="array"):
    """A list of values of one type."""

    item: Inferred

    def __str__(self) -> str:
        return f"array<{self.item}>"


class Map(msgspec.Struct, frozen=True, tag="map"):
    """Values of one type under keys of one type."""

    key: Inferred
    value: Inferred

    def __str__(self) -> str:
        return f"map<{self.key},{self.value}>"


class Struct(msgspec.Struct, frozen=True, tag="struct"):
    """Named fields, each with a type of its own."""

    fields: dict[str, Inferred]

    def __str__(self) -> str:
        return f"struct<{','.join(f'{name}:{kind}' for name, kind in self.fields.items())}>"


Inferred = Scalar | Array | Map | Struct

STRING = Scalar("string")
BIGINT = Scalar("bigint")
DOUBLE = Scalar("double")
BOOLEAN = Scalar("boolean")
DATE = Scalar("date")
TIMESTAMP = Scalar("timestamp")
BINARY = Scalar("binary")
# Only nulls were seen: any other type holds them.
UNKNOWN = Scalar("unknown")
# Values of several types in one file.
MIXED = Scalar("mixed")


def decimal(digits: int, places: int) -> Scalar:
    """Returns a decimal type."""
    return Scalar("decimal", digits, places)


def widen(one: Inferred, other: Inferred, place: str = "", conflicts: list[str] | None = None) -> Inferred:
    """Returns the type that holds the values of both: text when no other does.

    Args:
        place: the column.
        conflicts: takes the place of each part that became text, such as ``user.id``.
    """
    if other in (one, UNKNOWN):
        return one
    if one == UNKNOWN:
        return other
    wider: Inferred | None = None
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        wider = _widen_scalars(one, other)
    elif isinstance(one, Array) and isinstance(other, Array):
        wider = Array(widen(one.item, other.item, f"{place}[]", conflicts))
    elif isinstance(one, Struct) and isinstance(other, Struct):
        wider = _widen_structs(one, other, place, conflicts)
    elif isinstance(one, Map | Struct) and isinstance(other, Map | Struct):
        one, other = _as_map(one, place, conflicts), _as_map(other, place, conflicts)
        key = widen(one.key, other.key, place, conflicts)
        wider = Map(key, widen(one.value, other.value, f"{place}{{}}", conflicts))
    if wider is None and conflicts is not None:
        conflicts.append(place)
    return STRING if wider is None else wider


def _widen_structs(one: Struct, other: Struct, place: str, conflicts: list[str] | None) -> Struct:
    names = [*one.fields, *(name for name in other.fields if name not in one.fields)]
    return Struct(
        {
            name: widen(one.fields.get(name, UNKNOWN), other.fields.get(name, UNKNOWN), f"{place}.{name}", conflicts)
            for name in names
        }
    )


def _as_map(kind: Map | Struct, place: str, conflicts: list[str] | None) -> Map:
    """Returns a type as a map. The same data look like a struct where they have few keys, like a map with many."""
    if isinstance(kind, Map):
        return kind
    value: Inferred = UNKNOWN
    for one in kind.fields.values():
        value = widen(value, one, f"{place}{{}}", conflicts)
    return Map(STRING, value)


def settled(kind: Inferred) -> Inferred:
    """Returns a type without unknown or mixed parts: these are taken as text."""
    if isinstance(kind, Array):
        return Array(settled(kind.item))
    if isinstance(kind, Map):
        return Map(settled(kind.key), settled(kind.value))
    if isinstance(kind, Struct):
        return Struct({name: settled(one) for name, one in kind.fields.items()})
    return STRING if kind in (UNKNOWN, MIXED) else kind


def mixed_places(kind: Inferred, place: str) -> list[str]:
    """Returns the places of the parts whose values have no common type within one file."""
    if isinstance(kind, Array):
        return mixed_places(kind.item, f"{place}[]")
    if isinstance(kind, Map):
        return mixed_places(kind.value, f"{place}{{}}")
    if isinstance(kind, Struct):
        return [found for name, one in kind.fields.items() for found in mixed_places(one, f"{place}.{name}")]
    return [place] if kind == MIXED else []


def _widen_scalars(one: Scalar, other: Scalar) -> Scalar | None:
    names = {one.name, other.name}
    if names <= {"bigint", "decimal"}:
        return _wider_decimal(one, other)
    if names <= {"bigint", "decimal", "double"}:
        return DOUBLE
    if names == {"date", "timestamp"}:
        return TIMESTAMP
    return None


def _wider_decimal(one: Scalar, other: Scalar) -> Scalar:
    """Returns the decimal with the digits of both before and after the point; a double when no decimal has so many."""
    places = max(one.places, other.places)
    whole = max(_whole_digits(one), _whole_digits(other))
    return decimal(whole + places, places) if whole + places <= DECIMAL_DIGITS else DOUBLE


def _whole_digits(kind: Scalar) -> int:
    return BIGINT_DIGITS if kind.name == "bigint" else kind.digits - kind.places
