"""A query of a hot table as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.adapters.local.sort_keys import key_bytes
from penstock.errors import ValidationError
from penstock.model.datasets import HotTable, Key
from penstock.model.items import PARTITION_LIMIT_BYTES, SORT_LIMIT_BYTES, check_key_value, check_keys
from penstock.ports.hot import KeyRange


@dataclass
class Selection:
    """SQL up to its ORDER BY, the values in it, and the order."""

    sql: str
    parameters: list[Any]
    order: str


def item_key(table: HotTable, item: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Returns an item's key as the bytes under which it is stored."""
    sort = b"" if table.sort is None else key_bytes(item[table.sort.name], table.sort)
    return key_bytes(item[table.partition.name], table.partition), sort


def select(
    table: HotTable,
    partition: Any,
    index: str | None,
    sort: KeyRange | None,
    *,
    newest_first: bool,
    after: Mapping[str, Any] | None,
) -> Selection:
    """Returns the SQL of a query.

    Raises:
        ValidationError: there is no such index, or a value does not fit its key.
    """
    partition_key, sort_key = _keys(table, index)
    check_key_value(partition, partition_key, PARTITION_LIMIT_BYTES, f"hot table {table.name!r}")
    wanted = key_bytes(partition, partition_key)
    direction = "DESC" if newest_first else "ASC"
    if index is None:
        sql, columns = "SELECT i.item, i.size FROM items i WHERE i.hot_table=? AND i.partition=?", ["i.sort"]
        parameters: list[Any] = [table.name, wanted]
    else:
        sql = (
            "SELECT i.item, i.size FROM index_entries e JOIN items i ON i.hot_table=e.hot_table"
            " AND i.partition=e.item_partition AND i.sort=e.item_sort"
            " WHERE e.hot_table=? AND e.name=? AND e.partition=?"
        )
        columns = ["e.sort", "e.item_partition", "e.item_sort"]
        parameters = [table.name, index, wanted]
    if sort is not None:
        clause, bounds = _range(table, sort, sort_key, columns[0])
        sql += clause
        parameters += bounds
    if after is not None:
        check_keys(table, after)
        marks = ",".join("?" * len(columns))
        sql += f" AND ({','.join(columns)}) {'<' if newest_first else '>'} ({marks})"
        parameters += _position(table, index, sort_key, after)
    order = ", ".join(f"{column} {direction}" for column in columns)
    return Selection(sql, parameters, f" ORDER BY {order}")


def _keys(table: HotTable, index: str | None) -> tuple[Key, Key | None]:
    if index is None:
        return table.partition, table.sort
    found = next((one for one in table.indexes if one.name == index), None)
    if found is None:
        names = ", ".join(one.name for one in table.indexes) or "none"
        raise ValidationError(f"hot table {table.name!r} has no index {index!r}", hint=f"its indexes are: {names}")
    return found.partition, found.sort


def _range(table: HotTable, sort: KeyRange, key: Key | None, column: str) -> tuple[str, list[bytes]]:
    where = f"hot table {table.name!r}"
    if key is None:
        raise ValidationError(f"{where}: there is no sort key to compare", hint="leave the range out")
    check_key_value(sort.low, key, SORT_LIMIT_BYTES, where)
    low = key_bytes(sort.low, key)
    if sort.operator == "between":
        check_key_value(sort.high, key, SORT_LIMIT_BYTES, where)
        return f" AND {column}>=? AND {column}<=?", [low, key_bytes(sort.high, key)]
    if sort.operator == "begins_with":
        if key.type == "N":
            raise ValidationError(f"{where}: a number does not begin with anything", hint="use between")
        return f" AND {column}>=? AND substr({column}, 1, {len(low)})=?", [low, low]
    return f" AND {column}{sort.operator}?", [low]


def _position(table: HotTable, index: str | None, sort_key: Key | None, after: Mapping[str, Any]) -> list[bytes]:
    own = item_key(table, after)
    if index is None:
        return [own[1]]
    if sort_key is not None and sort_key.name not in after:
        raise ValidationError(
            f"hot table {table.name!r}: the position lacks {sort_key.name!r}", hint="give `after` as the page had it"
        )
    return [b"" if sort_key is None else key_bytes(after[sort_key.name], sort_key), *own]
