"""The footer of a Parquet file: its schema, its number of rows and its key-value metadata, without reading any row.

The footer is one Thrift structure in the compact protocol, before the last eight bytes of the file.
Source: https://parquet.apache.org/docs/file-format/metadata/
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from penstock.adapters.local.thrift_compact import BINARY, LIST, CompactReader, Field, binary, structure, structures
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
DAMAGED = (IndexError, struct.error, ValueError, TypeError, AttributeError, RecursionError)
WANTED = frozenset({SCHEMA, ROWS, KEY_VALUES, CREATED_BY})


def footer(path: Path) -> Footer:
    """Returns what a sealed file says of itself.

    Raises:
        FileNotFoundError: there is no such file.
        ValidationError: it is no Parquet file, or none that was sealed.
    """
    with path.open("rb") as file:
        return parse(_metadata(file, path.name), path.name)


def add_key_values(path: Path, values: Mapping[str, str]) -> None:
    """Adds key-value metadata to a Parquet file that nobody reads yet: its footer is written anew, its rows are not.

    Raises:
        ValidationError: it is no Parquet file.
    """
    with path.open("r+b") as file:
        metadata = _metadata(file, path.name)
        try:
            fields = {one.number: one for one in CompactReader(metadata).fields()}
            known = CompactReader(fields[KEY_VALUES].data).list() if KEY_VALUES in fields else []
        except DAMAGED as error:
            raise _no_parquet(path.name) from error
        entries = {entry[1]: entry.get(2, b"") for entry in known}
        entries |= {name.encode(): value.encode() for name, value in values.items()}
        listed = structures([_key_value(name, value) for name, value in entries.items()])
        written = structure({**fields, KEY_VALUES: Field(KEY_VALUES, LIST, listed)}.values())
        file.seek(-len(metadata) - 8, os.SEEK_END)
        file.write(written + len(written).to_bytes(4, "little") + MAGIC)
        file.truncate()


def parse(metadata: bytes, name: str) -> Footer:
    """Returns a sealed file's description from the Thrift structure of its footer; ``name`` is for errors.

    Raises:
        ValidationError: it is damaged, or is none of a sealed file.
    """
    try:
        fields = CompactReader(metadata).struct(WANTED)
        values = {entry[1].decode(): entry.get(2, b"") for entry in fields.get(KEY_VALUES, ())}
        return _footer(values, fields)
    except KeyError as error:
        raise ValidationError(
            f"{name} is no sealed file: its footer lacks {error}", hint="seal its partition again: `penstock lake seal`"
        ) from error
    except DAMAGED as error:
        raise _no_parquet(name) from error


def _key_value(name: bytes, value: bytes) -> bytes:
    return structure([Field(1, BINARY, binary(name)), Field(2, BINARY, binary(value))])


def _metadata(file: BinaryIO, name: str) -> bytes:
    """Returns the Thrift structure of a file's footer."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read()
    length = _length(tail, size, name)
    if length + 8 > len(tail):
        file.seek(size - length - 8)
        tail = file.read()
    return tail[-length - 8 : -8]


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
