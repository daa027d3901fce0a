"""The footer of a Parquet file: its schema, its number of rows and its key-value metadata, without reading any row.

The footer is one Thrift structure in the compact protocol, before the last eight bytes of the file.
Sources: https://parquet.apache.org/docs/file-format/metadata/ and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.model.sealing import Counts, Footer, ParquetColumn, SealedSchema, SourceCounts

MAGIC = b"PAR1"
TAIL_BYTES = 1 << 16
# The numbers of the specification's parquet.thrift.
PHYSICAL = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
CONVERTED = (
    "UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS",
    "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "UINT_8", "UINT_16", "UINT_32", "UINT_64", "INT_8", "INT_16", "INT_32",
    "INT_64", "JSON", "BSON", "INTERVAL",
)  # fmt: skip
SCHEMA, ROWS, KEY_VALUES, CREATED_BY = 2, 3, 5, 6
REQUIRED = 0
WANTED = frozenset({SCHEMA, ROWS, KEY_VALUES, CREATED_BY})


def footer(path: Path) -> Footer:
    """Returns what a sealed file says of itself.

    Raises:
        FileNotFoundError: there is no such file.
        ValidationError: it is no Parquet file, or none that was sealed.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        length = _length(tail, size, path.name)
        if length + 8 > len(tail):
            file.seek(size - length - 8)
            tail = file.read()
    return parse(tail[-length - 8 : -8], path.name)


def parse(metadata: bytes, name: str) -> Footer:
    """Returns a sealed file's description from the Thrift structure of its footer; ``name`` is for errors.

    Raises:
        ValidationError: it is damaged, or is none of a sealed file.
    """
    try:
        fields = _Reader(metadata).struct(WANTED)
        values = {entry[1].decode(): entry.get(2, b"") for entry in fields.get(KEY_VALUES, ())}
        return _footer(values, fields)
    except KeyError as error:
        raise ValidationError(
            f"{name} is no sealed file: its footer lacks {error}", hint="seal its partition again: `penstock lake seal`"
        ) from error
    except (IndexError, struct.error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _no_parquet(name) from error


def _footer(values: dict[str, bytes], fields: dict[int, Any]) -> Footer:
    sources = msgspec.json.decode(values["penstock.sources"], type=list[SourceCounts])
    return Footer(
        sources={source.key: source for source in sources},
        schema=msgspec.json.decode(values["penstock.schema"], type=SealedSchema),
        counts=msgspec.json.decode(values["penstock.counts"], type=Counts),
        rows=fields[ROWS],
        columns=tuple(_columns(fields[SCHEMA])),
        created_by=fields.get(CREATED_BY, b"").decode(),
        format=int(values["penstock.format"]),
    )


def _length(tail: bytes, size: int, name: str) -> int:
    if len(tail) < 12 or tail[-4:] != MAGIC:
        raise _no_parquet(name)
    length = int.from_bytes(tail[-8:-4], "little")
    if length + 12 > size:
        raise _no_parquet(name)
    return length


def _no_parquet(name: str) -> ValidationError:
    return ValidationError(f"{name} is no Parquet file", hint="delete it, then `penstock lake seal` writes it anew")


def _columns(elements: list[dict[int, Any]]) -> list[ParquetColumn]:
    """Returns the leaves of a schema, which is a tree written down in depth-first order."""
    found = []
    open_groups: list[tuple[str, int]] = []
    for element in elements[1:]:
        while open_groups and open_groups[-1][1] == 0:
            open_groups.pop()
        if open_groups:
            open_groups[-1] = (open_groups[-1][0], open_groups[-1][1] - 1)
        name = element[4].decode()
        if element.get(5):
            open_groups.append((name, element[5]))
            continue
        found.append(
            ParquetColumn(
                path=(*(group for group, _ in open_groups), name),
                physical=PHYSICAL[element[1]],
                converted=CONVERTED[element[6]] if 6 in element else "",
                is_required=element.get(3) == REQUIRED,
                scale=element.get(7, 0),
                precision=element.get(8, 0),
            )
        )
    return found


class _Reader:
    """Reads the compact protocol: structures as dictionaries by field number."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, wanted: frozenset[int] | None = None) -> dict[int, Any]:
        found: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._signed()
            value = self._value(head & 15)
            if wanted is None or number in wanted:
                found[number] = value
        return found

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
        if kind == 8:
            return self._binary()
        if kind in {9, 10}:
            return self._list()
        if kind == 12:
            return self.struct()
        raise IndexError(kind)

    def _list(self) -> list[Any]:
        head = self._byte()
        size = head >> 4
        if size == 15:
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
