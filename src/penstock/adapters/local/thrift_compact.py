"""Structures in Thrift's compact protocol: read as dictionaries by field number, taken apart, and put together.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import msgspec

BINARY, LIST, STRUCT = 8, 9, 12
SHORT_LIST, LARGEST_DELTA = 15, 15


class Field(msgspec.Struct, frozen=True):
    """A field as it stands in a structure.

    Attributes:
        kind: the number of its type; of a boolean that is its value too.
        data: its value.
    """

    number: int
    kind: int
    data: bytes


class CompactReader:
    """Reads one structure. What is damaged raises IndexError, struct.error, ValueError, TypeError or RecursionError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, wanted: frozenset[int] | None = None) -> dict[int, Any]:
        """Returns the values by their fields' numbers; only those that are wanted."""
        found: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._signed()
            value = self._value(head & 15)
            if wanted is None or number in wanted:
                found[number] = value
        return found

    def fields(self) -> tuple[Field, ...]:
        """Returns the fields with their values as they are written."""
        found: list[Field] = []
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._signed()
            start = self._at
            self._value(head & 15)
            found.append(Field(number, head & 15, self._data[start : self._at]))
        return tuple(found)

    def _value(self, kind: int) -> Any:
        if kind in {1, 2}:
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in {4, 5, 6}:
            return self._signed()
        if kind == 7:
            self._at += 8
            return struct.unpack_from("<d", self._data, self._at - 8)[0]
        if kind == BINARY:
            return self._binary()
        if kind in {LIST, 10}:
            return self.list()
        if kind == STRUCT:
            return self.struct()
        raise IndexError(kind)

    def list(self) -> list[Any]:
        """Returns the values of a list."""
        head = self._byte()
        size = head >> 4
        if size == SHORT_LIST:
            size = self._unsigned()
        # A boolean of a list takes a byte; as a field it is in the field's own type.
        return [self._byte() == 1 if head & 15 in {1, 2} else self._value(head & 15) for _ in range(size)]

    def _binary(self) -> bytes:
        size = self._unsigned()
        if self._at + size > len(self._data):
            raise IndexError(size)
        self._at += size
        return self._data[self._at - size : self._at]

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte


def structure(fields: Iterable[Field]) -> bytes:
    """Returns fields as one structure, in the order of their numbers."""
    written = bytearray()
    last = 0
    for field in sorted(fields, key=lambda one: one.number):
        delta = field.number - last
        # A step too large, or none, for the four bits that it has: the number itself follows, in zigzag.
        is_short = 0 < delta <= LARGEST_DELTA
        written.append((delta << 4 if is_short else 0) | field.kind)
        written += b"" if is_short else varint((field.number << 1) ^ (field.number >> 63))
        written += field.data
        last = field.number
    return bytes(written) + b"\0"


def structures(items: list[bytes]) -> bytes:
    """Returns structures as a list."""
    size = len(items)
    head = bytes([size << 4 | STRUCT]) if size < SHORT_LIST else bytes([SHORT_LIST << 4 | STRUCT]) + varint(size)
    return head + b"".join(items)


def binary(data: bytes) -> bytes:
    """Returns bytes with their length."""
    return varint(len(data)) + data


def varint(value: int) -> bytes:
    """Returns a whole number that is not negative, seven bits a byte, the lowest first."""
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
