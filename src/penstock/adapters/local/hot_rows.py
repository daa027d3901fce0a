"""An item as the rows that hold it: one in the table of items, one for each index that it is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.adapters.local.sort_keys import tagged_bytes
from penstock.model import items as values
from penstock.model.datasets import HotTable, Index
from penstock.model.items import Item, Tagged

Encoded = dict[str, Tagged]
Entry = tuple[str, bytes, bytes]
StoredKey = tuple[bytes, bytes]

pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(dict[str, dict[str, Any]]).decode

INSERT_ENTRY = "INSERT OR REPLACE INTO index_entries VALUES(?,?,?,?,?,?)"
DELETE_ENTRY = (
    "DELETE FROM index_entries WHERE hot_table=? AND name=? AND partition=? AND sort=?"
    " AND item_partition=? AND item_sort=?"
)


@dataclass(frozen=True)
class ItemRow:
    """An item that passed every check."""

    key: StoredKey
    content: bytes
    size_bytes: int
    expires_at: float | None
    entries: frozenset[Entry]


def item_row(table: HotTable, item: Item, now: float) -> ItemRow:
    """Returns the row of an item; where it has no expiry, it gets the table's.

    Raises:
        ValidationError: the item breaks one of DynamoDB's rules.
    """
    encoded, size_bytes = values.complete_item(table, item, now)
    return _row(table, encoded, size_bytes)


def tagged_row(table: HotTable, encoded: Encoded) -> ItemRow:
    """Returns the row of an item in typed notation, as it is.

    Raises:
        ValidationError: its keys do not fit the table, or it is too large.
    """
    values.check_keys(table, values.decode_item({name: encoded[name] for name in _key_names(table) if name in encoded}))
    return _row(table, encoded, values.check_size(table, encoded))


def _key_names(table: HotTable) -> set[str]:
    keyed: tuple[HotTable | Index, ...] = (table, *table.indexes)
    return {key.name for one in keyed for key, _ in values.key_limits(one)}


def _row(table: HotTable, encoded: Encoded, size_bytes: int) -> ItemRow:
    return ItemRow(
        key=stored_key(table, encoded),
        content=pack(encoded),
        size_bytes=size_bytes,
        expires_at=expires_at(table, encoded),
        entries=index_entries(table, encoded),
    )


def stored_key(table: HotTable, encoded: Mapping[str, Tagged]) -> StoredKey:
    """Returns an item's key as the bytes under which it is stored."""
    sort = b"" if table.sort is None else tagged_bytes(encoded[table.sort.name])
    return tagged_bytes(encoded[table.partition.name]), sort


def index_entries(table: HotTable, encoded: Encoded) -> frozenset[Entry]:
    """Returns (index, partition, sort) of the indexes that an item is in: those whose keys it has."""
    return frozenset(entry for index in table.indexes if (entry := _entry(index, encoded)) is not None)


def _entry(index: Index, encoded: Encoded) -> Entry | None:
    keys = [key for key in (index.partition, index.sort) if key is not None]
    found = [encoded.get(key.name, {}) for key in keys]
    # Items that are older than the index may hold anything under its keys; DynamoDB leaves them out of it as well.
    if not all(tagged.get(key.type) for key, tagged in zip(keys, found, strict=True)):
        return None
    return index.name, tagged_bytes(found[0]), tagged_bytes(found[1]) if index.sort is not None else b""


def expires_at(table: HotTable, encoded: Encoded) -> float | None:
    """Returns when an item expires. TTL heeds numbers only.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
    """
    tagged = encoded.get(table.ttl_attribute or "", {})
    return float(tagged["N"]) if "N" in tagged else None


def insert_entries(connection: sqlite3.Connection, table: HotTable, key: StoredKey, entries: frozenset[Entry]) -> None:
    """Puts an item into indexes."""
    connection.executemany(INSERT_ENTRY, [(table.name, *entry, *key) for entry in entries])


def delete_entries(connection: sqlite3.Connection, table: HotTable, key: StoredKey, entries: frozenset[Entry]) -> None:
    """Takes an item out of indexes."""
    connection.executemany(DELETE_ENTRY, [(table.name, *entry, *key) for entry in entries])
