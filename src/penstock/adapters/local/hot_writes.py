"""Items into SQLite and out of it, with their rows in the indexes; many at once, within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from penstock.adapters.local.hot_rows import (
    Encoded,
    Entry,
    ItemRow,
    StoredKey,
    delete_entries,
    index_entries,
    insert_entries,
    unpack,
)
from penstock.model.datasets import HotTable

ONE_ITEM = "hot_table=? AND partition=? AND sort=?"
PUT_ITEM = (
    "INSERT INTO items(hot_table, partition, sort, content, size, expires_at) VALUES(?,?,?,?,?,?)"
    " ON CONFLICT(hot_table, partition, sort)"
    " DO UPDATE SET content=excluded.content, size=excluded.size, expires_at=excluded.expires_at"
)
# One statement finds so many items; beyond some tens there is nothing more to gain.
LOOKUP_ITEMS = 50


def put_rows(connection: sqlite3.Connection, table: HotTable, rows: Sequence[ItemRow]) -> None:
    """Writes items in place of those with their keys, of which there are no two among them."""
    # Without indexes nothing depends on what was there.
    before = _contents(connection, table, [row.key for row in rows]) if table.indexes else {}
    if not before:
        insert_entries(connection, table, [(entry, row.key) for row in rows for entry in row.entries])
        _put(connection, table, rows)
        return
    changed = [row for row in rows if before.get(row.key) != row.content]
    gone: list[tuple[Entry, StoredKey]] = []
    new: list[tuple[Entry, StoredKey]] = []
    for row in changed:
        content = before.get(row.key)
        had = [] if content is None else index_entries(table, unpack(content))
        gone += [(entry, row.key) for entry in had if entry not in row.entries]
        new += [(entry, row.key) for entry in row.entries if entry not in had]
    delete_entries(connection, table, gone)
    insert_entries(connection, table, new)
    _put(connection, table, changed)


def _put(connection: sqlite3.Connection, table: HotTable, rows: Sequence[ItemRow]) -> None:
    connection.executemany(
        PUT_ITEM, [(table.name, *row.key, row.content, row.size_bytes, row.expires_at) for row in rows]
    )


def remove(connection: sqlite3.Connection, table: HotTable, key: StoredKey, old: Encoded) -> None:
    """Takes an item away, as it is there."""
    delete_entries(connection, table, [(entry, key) for entry in index_entries(table, old)])
    connection.execute(f"DELETE FROM items WHERE {ONE_ITEM}", (table.name, *key))


def _contents(connection: sqlite3.Connection, table: HotTable, keys: Sequence[StoredKey]) -> dict[StoredKey, bytes]:
    """Returns the items that are there of those with these keys."""
    found = {}
    for start in range(0, len(keys), LOOKUP_ITEMS):
        wanted = keys[start : start + LOOKUP_ITEMS]
        sql = (
            f"WITH wanted(p, s) AS (VALUES {','.join(['(?,?)'] * len(wanted))})"
            " SELECT p, s, content FROM wanted CROSS JOIN items ON hot_table=? AND partition=p AND sort=s"
        )
        for partition, sort, content in connection.execute(sql, (*_flat(wanted), table.name)):
            found[partition, sort] = content
    return found


def _flat(keys: Iterable[StoredKey]) -> list[bytes]:
    return [part for key in keys for part in key]
