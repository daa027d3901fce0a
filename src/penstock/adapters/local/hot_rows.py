"""An item as the rows that hold it: one in the table of items, one for each index that it is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from penstock.adapters.local.sort_keys import content_bytes, tagged_bytes
from penstock.model import items as values
from penstock.model.datasets import HotTable, Index, Key
from penstock.model.item_writing import ItemWriter
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


class ItemRow(NamedTuple):
    """An item that passed every check."""

    key: StoredKey
    content: bytes
    size_bytes: int
    expires_at: float | None
    entries: list[Entry]


def item_rows(table: HotTable, items: Iterable[Item], now: float) -> list[ItemRow]:
    """Returns the rows of items; those that have no expiry get the table's.

    Raises:
        ValidationError: an item breaks one of DynamoDB's rules.
    """
    writer = ItemWriter(table)
    return [_row(table, *writer.complete(item, now)) for item in items]


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
        stored_key(table, encoded), pack(encoded), size_bytes, expires_at(table, encoded), index_entries(table, encoded)
    )


def stored_key(table: HotTable, encoded: Mapping[str, Tagged]) -> StoredKey:
    """Returns an item's key as the bytes under which it is stored."""
    sort = b"" if table.sort is None else tagged_bytes(encoded[table.sort.name])
    return tagged_bytes(encoded[table.partition.name]), sort


def index_entries(table: HotTable, encoded: Encoded) -> list[Entry]:
    """Returns (index, partition, sort) of the indexes that an item is in: those whose keys it has."""
    found = []
    for index in table.indexes:
        partition = _key_bytes(index.partition, encoded)
        sort = _key_bytes(index.sort, encoded) if index.sort is not None else b""
        if partition is not None and sort is not None:
            found.append((index.name, partition, sort))
    return found


def _key_bytes(key: Key, encoded: Encoded) -> bytes | None:
    tagged = encoded.get(key.name)
    # Items that are older than the index may hold anything under its keys; DynamoDB leaves them out of it as well.
    content = tagged.get(key.type) if tagged else None
    return content_bytes(key.type, content) if content else None


def expires_at(table: HotTable, encoded: Encoded) -> float | None:
    """Returns when an item expires. TTL heeds numbers only.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
    """
    tagged = encoded.get(table.ttl_attribute or "")
    return float(tagged["N"]) if tagged and "N" in tagged else None


def insert_entries(connection: sqlite3.Connection, table: HotTable, placed: Iterable[tuple[Entry, StoredKey]]) -> None:
    """Puts items into indexes. In the order of the index, each of its pages is written once."""
    connection.executemany(INSERT_ENTRY, [(table.name, *entry, *key) for entry, key in sorted(placed)])


def delete_entries(connection: sqlite3.Connection, table: HotTable, placed: Iterable[tuple[Entry, StoredKey]]) -> None:
    """Takes items out of indexes."""
    connection.executemany(DELETE_ENTRY, [(table.name, *entry, *key) for entry, key in sorted(placed)])
