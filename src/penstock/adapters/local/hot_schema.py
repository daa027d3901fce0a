"""Keeps the rows of a hot table in step with its definition.

DynamoDB fills a new index from the items that are there, and lets no table change its key. So does this: the file
remembers for each table what its rows were made for.
"""

from __future__ import annotations

import sqlite3

import msgspec

from penstock.adapters.local.database import Database
from penstock.adapters.local.hot_rows import expires_at, index_entries, insert_entries, unpack
from penstock.errors import ValidationError
from penstock.model.datasets import HotTable, Index, Key

FIRST = """
CREATE TABLE hot_tables(name TEXT PRIMARY KEY, schema BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE items(
  hot_table TEXT NOT NULL, partition BLOB NOT NULL, sort BLOB NOT NULL, content BLOB NOT NULL, size INTEGER NOT NULL,
  expires_at REAL, PRIMARY KEY(hot_table, partition, sort)
) WITHOUT ROWID;
CREATE INDEX items_by_expiry ON items(hot_table, expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE index_entries(
  hot_table TEXT NOT NULL, name TEXT NOT NULL, partition BLOB NOT NULL, sort BLOB NOT NULL,
  item_partition BLOB NOT NULL, item_sort BLOB NOT NULL,
  PRIMARY KEY(hot_table, name, partition, sort, item_partition, item_sort)
) WITHOUT ROWID;
"""
EXCHANGES = """
CREATE TABLE exchanges(token TEXT PRIMARY KEY, answer BLOB NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX exchanges_by_age ON exchanges(at);
"""
# Contents in the order in which they come, and a narrow index of keys: a tree of keys with their contents is deep,
# and a new item in its midst makes room by writing others again. https://sqlite.org/withoutrowid.html#when_to_use_without_rowid
APART = """
ALTER TABLE items RENAME TO items_by_first_schema;
DROP INDEX items_by_expiry;
CREATE TABLE items(
  hot_table TEXT NOT NULL, partition BLOB NOT NULL, sort BLOB NOT NULL, content BLOB NOT NULL, size INTEGER NOT NULL,
  expires_at REAL
);
INSERT INTO items SELECT hot_table, partition, sort, content, size, expires_at FROM items_by_first_schema;
DROP TABLE items_by_first_schema;
CREATE UNIQUE INDEX items_by_key ON items(hot_table, partition, sort);
CREATE INDEX items_by_expiry ON items(hot_table, expires_at) WHERE expires_at IS NOT NULL;
"""
MIGRATIONS = (FIRST, EXCHANGES, APART)


class TableSchema(msgspec.Struct, frozen=True):
    """What of a table's definition its rows depend on."""

    partition: Key
    sort: Key | None
    indexes: tuple[Index, ...]
    ttl_attribute: str | None


class SchemaRegistry:
    """The schemas of a file's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._prepared: dict[str, HotTable] = {}

    def prepare(self, table: HotTable) -> None:
        """Makes a table's rows fit its definition; costs next to nothing when they do.

        Raises:
            ValidationError: its items have another key.
        """
        if self._prepared.get(table.name) is table:
            return
        if self._recorded(self._database.connection, table) != _schema(table):
            with self._database.transaction() as connection:
                self._adopt(connection, table)
        self._prepared[table.name] = table

    def _recorded(self, connection: sqlite3.Connection, table: HotTable) -> TableSchema | None:
        with self._database.translated_errors():
            found = connection.execute("SELECT schema FROM hot_tables WHERE name=?", (table.name,)).fetchone()
        return None if found is None else msgspec.json.decode(found[0], type=TableSchema)

    def _adopt(self, connection: sqlite3.Connection, table: HotTable) -> None:
        recorded, wanted = self._recorded(connection, table), _schema(table)
        if recorded is not None and recorded != wanted:
            has_items = connection.execute("SELECT 1 FROM items WHERE hot_table=? LIMIT 1", (table.name,)).fetchone()
            if has_items and (recorded.partition, recorded.sort) != (wanted.partition, wanted.sort):
                raise ValidationError(
                    f"hot table {table.name!r} has items with the key {_key_text(recorded)}, not {_key_text(wanted)}",
                    hint="a table keeps its key: give the new one another name, or delete the items first",
                )
            _rebuild(connection, table)
        connection.execute("INSERT OR REPLACE INTO hot_tables VALUES(?,?)", (table.name, msgspec.json.encode(wanted)))


def _schema(table: HotTable) -> TableSchema:
    indexes = tuple(sorted(table.indexes, key=lambda index: index.name))
    return TableSchema(table.partition, table.sort, indexes, table.ttl_attribute)


def _key_text(schema: TableSchema) -> str:
    return " + ".join(f"{key.name} ({key.type})" for key in (schema.partition, schema.sort) if key is not None)


def _rebuild(connection: sqlite3.Connection, table: HotTable) -> None:
    connection.execute("DELETE FROM index_entries WHERE hot_table=?", (table.name,))
    keys = connection.execute("SELECT partition, sort FROM items WHERE hot_table=?", (table.name,)).fetchall()
    for key in keys:
        where = "WHERE hot_table=? AND partition=? AND sort=?"
        (content,) = connection.execute(f"SELECT content FROM items {where}", (table.name, *key)).fetchone()
        encoded = unpack(content)
        expiry = (expires_at(table, encoded), table.name, *key)
        connection.execute(f"UPDATE items SET expires_at=? {where}", expiry)
        insert_entries(connection, table, [(entry, key) for entry in index_entries(table, encoded)])
