"""Protocol Buffers' wire format, read into plain values as the JSON mapping names them.

https://protobuf.dev/programming-guides/encoding/ · https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

Kind = Literal["string", "bytes", "bool", "int64", "uint64", "fixed64", "sfixed64", "fixed32", "double", "message"]
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
DEEPEST = 64
Message = Mapping[int, "Field"]


class Field(msgspec.Struct, frozen=True):
    """A field of a message.

    Attributes:
        name: as JSON has it.
        message: returns the fields of a message in it.
    """

    name: str
    kind: Kind
    is_repeated: bool = False
    message: Callable[[], Message] | None = None


def decode(data: bytes, message: Message, depth: int = 0) -> dict[str, Any]:
    """Returns the fields of a message that are in the wire format. Unknown fields are left out, as the format asks.

    Raises:
        ValueError: it is no message.
    """
    if depth > DEEPEST:
        raise ValueError(f"a message is nested deeper than {DEEPEST}")
    found: dict[str, Any] = {}
    for number, wire, raw in _fields(data):
        field = message.get(number)
        if field is None:
            continue
        values = list(_values(field, wire, raw, depth))
        if field.is_repeated:
            found.setdefault(field.name, []).extend(values)
        elif values:
            found[field.name] = values[-1]
    return found


def encode_string(number: int, text: str) -> bytes:
    """Returns a text field in the wire format."""
    return encode_message(number, text.encode())


def encode_message(number: int, raw: bytes) -> bytes:
    """Returns a field that holds a message in the wire format."""
    return _varint_of(number << 3 | LENGTH) + _varint_of(len(raw)) + raw


def encode_integer(number: int, value: int) -> bytes:
    """Returns a field of a whole number, not below zero, in the wire format."""
    return _varint_of(number << 3 | VARINT) + _varint_of(value)


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, place = _varint(data, place)
            yield number, wire, value
            continue
        if wire == LENGTH:
            size, place = _varint(data, place)
        elif wire in {FIXED64, FIXED32}:
            size = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} is not one of protocol buffers version 3")
        if place + size > len(data) or number == 0:
            raise ValueError("a field ends after the message")
        yield number, wire, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ValueError("a number does not end")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place
        shift += 7


def _varint_of(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


_PACKED: dict[str, str] = {"fixed64": "<Q", "sfixed64": "<q", "double": "<d", "fixed32": "<I"}


def _values(field: Field, wire: int, raw: Any, depth: int) -> Iterator[Any]:
    """Yields a field's value; several where numbers are packed."""
    kind = field.kind
    if wire == VARINT:
        if kind not in {"bool", "int64", "uint64"}:
            raise ValueError(f"{field.name} is a number")
        yield bool(raw) if kind == "bool" else raw - (1 << 64) if kind == "int64" and raw >> 63 else raw
    elif kind in _PACKED:
        layout = struct.Struct(_PACKED[kind])
        if len(raw) % layout.size or (wire != LENGTH and len(raw) != layout.size):
            raise ValueError(f"{field.name} has the wrong size")
        yield from (value for (value,) in layout.iter_unpack(raw))
    elif wire != LENGTH:
        raise ValueError(f"{field.name} has the wrong type")
    elif kind == "message" and field.message is not None:
        yield decode(raw, field.message(), depth + 1)
    elif kind == "string":
        yield raw.decode("utf-8", "backslashreplace")
    elif kind == "bytes":
        yield raw
    else:
        place = 0
        while place < len(raw):
            value, place = _varint(raw, place)
            yield from _values(field, VARINT, value, depth)
