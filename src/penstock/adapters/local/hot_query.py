"""A query of a hot table as SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.adapters.local.sort_keys import key_bytes
from penstock.errors import ValidationError
from penstock.model.datasets import HotTable, Index, Key
from penstock.model.items import (
    PARTITION_LIMIT_BYTES,
    SORT_LIMIT_BYTES,
    check_key,
    check_key_value,
    index_of,
    key_limits,
)
from penstock.ports.hot import KeyRange

Bound = tuple[str, bytes]

OPERATORS: dict[str, Callable[[bytes, bytes], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ITEMS = "SELECT i.content, i.size FROM items i WHERE i.hot_table=?"
ITEMS_BY_INDEX = (
    "SELECT i.content, i.size FROM index_entries e CROSS JOIN items i"
    " ON i.hot_table=e.hot_table AND i.partition=e.item_partition AND i.sort=e.item_sort"
    " WHERE e.hot_table=? AND e.name=?"
)


@dataclass
class Selection:
    """SQL up to its ORDER BY, the values in it, the order, and the attributes that make up a position."""

    sql: str
    parameters: list[Any]
    order: str
    position: list[str] = field(default_factory=list)


def select(
    table: HotTable,
    partition: Any,
    index_name: str | None,
    sort: KeyRange | None,
    *,
    newest_first: bool,
    after: Mapping[str, Any] | None,
) -> Selection:
    """Returns the SQL of a query.

    Raises:
        ValidationError: there is no such index, a value does not fit its key, or ``after`` is of another query.
    """
    where = f"hot table {table.name!r}"
    index = None if index_name is None else index_of(table, index_name)
    keyed = table if index is None else index
    check_key_value(partition, keyed.partition, PARTITION_LIMIT_BYTES, where)
    bounds = [] if sort is None else _bounds(where, sort, keyed.sort)
    if index is None:
        sql, owner, columns = ITEMS, "i", ["i.sort"]
        parameters: list[Any] = [table.name]
    else:
        sql, owner, columns = ITEMS_BY_INDEX, "e", ["e.sort", "e.item_partition", "e.item_sort"]
        parameters = [table.name, index.name]
    sql += f" AND {owner}.partition=?" + "".join(f" AND {owner}.sort{name}?" for name, _ in bounds)
    parameters += [key_bytes(partition), *(value for _, value in bounds)]
    if after is not None:
        _check_position(table, index, partition, bounds, after)
        # With one sort key there is but the rest to compare; SQLite would sort what it compares as a row otherwise.
        skipped = 1 if index is not None and bounds and bounds[0][0] == "=" else 0
        compared, position = columns[skipped:], _position(table, index, after)[skipped:]
        sql += f" AND ({','.join(compared)}) {'<' if newest_first else '>'} ({','.join('?' * len(compared))})"
        parameters += position
    direction = "DESC" if newest_first else "ASC"
    order = ", ".join(f"{column} {direction}" for column in columns)
    return Selection(sql, parameters, f" ORDER BY {order}", _position_names(table, index))


def select_all(table: HotTable, after: Mapping[str, Any] | None) -> Selection:
    """Returns the SQL of a scan. Raises ValidationError when ``after`` is no position."""
    sql = ITEMS
    parameters: list[Any] = [table.name]
    if after is not None:
        check_key(table, after)
        sql += " AND (i.partition, i.sort) > (?,?)"
        parameters += _item_key(table, after)
    return Selection(sql, parameters, " ORDER BY i.partition, i.sort", _position_names(table, None))


def _bounds(where: str, sort: KeyRange, key: Key | None) -> list[Bound]:
    if key is None:
        raise ValidationError(f"{where}: there is no sort key to compare", hint="leave the range out")
    check_key_value(sort.low, key, SORT_LIMIT_BYTES, where)
    low = key_bytes(sort.low)
    if sort.operator == "between":
        check_key_value(sort.high, key, SORT_LIMIT_BYTES, where)
        high = key_bytes(sort.high)
        if low > high:
            raise ValidationError(f"{where}: between {sort.low!r} and {sort.high!r} is nothing", hint="swap them")
        return [(">=", low), ("<=", high)]
    if sort.operator == "begins_with":
        if key.type == "N":
            raise ValidationError(f"{where}: a number does not begin with anything", hint="use between")
        return [(">=", low), *_below_successor(low)]
    return [(sort.operator, low)]


def _below_successor(prefix: bytes) -> list[Bound]:
    """Returns the upper bound of what begins with a prefix; there is none for a row of 0xFF."""
    trimmed = prefix.rstrip(b"\xff")
    return [("<", trimmed[:-1] + bytes([trimmed[-1] + 1]))] if trimmed else []


def _check_position(
    table: HotTable, index: Index | None, partition: Any, bounds: list[Bound], after: Mapping[str, Any]
) -> None:
    check_key(table, after, index)
    keyed = table if index is None else index
    stored = b"" if keyed.sort is None else key_bytes(after[keyed.sort.name])
    fits = all(OPERATORS[name](stored, value) for name, value in bounds)
    if not fits or key_bytes(after[keyed.partition.name]) != key_bytes(partition):
        raise ValidationError(
            f"hot table {table.name!r}: the position is not within what the query asks for",
            hint="give `after` as the previous page of the same query had it",
        )


def _position(table: HotTable, index: Index | None, after: Mapping[str, Any]) -> list[bytes]:
    own = _item_key(table, after)
    if index is None:
        return [own[1]]
    return [b"" if index.sort is None else key_bytes(after[index.sort.name]), *own]


def _item_key(table: HotTable, item: Mapping[str, Any]) -> list[bytes]:
    return [key_bytes(item[table.partition.name]), b"" if table.sort is None else key_bytes(item[table.sort.name])]


def _position_names(table: HotTable, index: Index | None) -> list[str]:
    keys = key_limits(table) + ([] if index is None else key_limits(index))
    return list(dict.fromkeys(key.name for key, _ in keys))
