"""Items on their way into a hot table: checked, in DynamoDB's typed notation, and measured, in one pass.

Text, numbers, truth values, lists and maps of the plain types are most of what items hold; they are done here.
Everything else, and everything that breaks a rule, is left to ``penstock.model.items``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from penstock.errors import ValidationError
from penstock.model.datasets import HotTable, Index
from penstock.model.items import (
    DIGITS_LIMIT,
    ITEM_LIMIT_BYTES,
    NESTING_LIMIT,
    Item,
    Tagged,
    attribute_name,
    check_keys,
    check_size,
    encode,
    encode_item,
    key_limits,
    size,
    text_size,
)

LARGEST_WHOLE = 10**DIGITS_LIMIT
# No character takes more in UTF-8.
CHARACTER_BYTES = 4


class ItemWriter:
    """Completes the items of one table.

    Args:
        table: the table; its keys are looked up once.
    """

    def __init__(self, table: HotTable) -> None:
        self._table = table
        self._needed = frozenset(key.name for key, _ in key_limits(table))
        keyed: tuple[HotTable | Index, ...] = (table, *table.indexes)
        self._keys = [(key.name, key.type, limit) for one in keyed for key, limit in key_limits(one)]

    def complete(self, item: Item, now: float) -> tuple[dict[str, Tagged], int]:
        """Returns an item in DynamoDB's typed notation, and its bytes; where it has no expiry, it gets the table's.

        Raises:
            ValidationError: the item breaks one of DynamoDB's rules.
        """
        encoded, size_bytes = measured_item(item)
        if not self._fits(encoded):
            check_keys(self._table, item)
        expiry, lives = self._table.ttl_attribute, self._table.ttl_seconds
        if expiry and lives and expiry not in encoded:
            encoded[expiry], number_bytes = measured(int(now) + lives)
            size_bytes += text_size(expiry) + number_bytes
        if size_bytes > ITEM_LIMIT_BYTES:
            check_size(self._table, encoded)
        return encoded, size_bytes

    def _fits(self, encoded: Mapping[str, Tagged]) -> bool:
        """Tells whether an item's keys fit beyond doubt; those of indexes may be absent."""
        for name, kind, limit in self._keys:
            tagged = encoded.get(name)
            if tagged is None:
                if name in self._needed:
                    return False
                continue
            content = tagged.get(kind)
            if not content or (kind != "N" and len(content) * CHARACTER_BYTES > limit):
                return False
        return True


def measured_item(item: Item) -> tuple[dict[str, Tagged], int]:
    """Returns an item's attributes in DynamoDB's typed notation, and the bytes that DynamoDB counts for it.

    Raises:
        ValidationError: a name or a value breaks one of DynamoDB's rules.
    """
    try:
        return _measured_map(item, 1, 0)
    except (ValidationError, AttributeError, TypeError):
        # This says in which attribute it is.
        encode_item(item)
        raise


def measured(value: Any, level: int = 1) -> tuple[Tagged, int]:
    """Returns a value in DynamoDB's typed notation, and the bytes that DynamoDB counts for it.

    Raises:
        ValidationError: no attribute can hold it, or it is nested deeper than 32 levels.
    """
    kind = type(value)
    if kind is str:
        return {"S": value}, len(value) if value.isascii() else text_size(value)
    if kind is int and -LARGEST_WHOLE < value < LARGEST_WHOLE:
        text, number_bytes = _whole(value)
        return {"N": text}, number_bytes
    if kind is Decimal:
        text, number_bytes = _plain(value)
        if text:
            return {"N": text}, number_bytes
    if kind is bool:
        return {"BOOL": value}, 1
    if value is None:
        return {"NULL": True}, 1
    if level < NESTING_LIMIT:
        if kind is dict:
            found, total = _measured_map(value, level + 1, 1)
            return {"M": found}, total + 3
        if kind is list:
            return _measured_list(value, level + 1)
    tagged = encode(value, level)
    return tagged, size(tagged)


def _measured_map(values: Mapping[Any, Any], level: int, each_bytes: int) -> tuple[dict[str, Tagged], int]:
    """Returns values by their names, and the bytes of both; each name has some more."""
    found: dict[str, Tagged] = {}
    total = len(values) * each_bytes
    for name, value in values.items():
        plain, name_bytes = _named(name)
        kind = type(value)
        # Most values are text or decimals: a call for each would cost as much as what is done here.
        if kind is str:
            found[plain] = {"S": value}
            total += name_bytes + (len(value) if value.isascii() else text_size(value))
            continue
        if kind is Decimal:
            text, value_bytes = _plain(value)
            if text:
                found[plain] = {"N": text}
                total += name_bytes + value_bytes
                continue
        elif kind is int and -LARGEST_WHOLE < value < LARGEST_WHOLE:
            text, value_bytes = _whole(value)
            found[plain] = {"N": text}
            total += name_bytes + value_bytes
            continue
        found[plain], value_bytes = measured(value, level)
        total += name_bytes + value_bytes
    return found, total


def _measured_list(values: list[Any], level: int) -> tuple[Tagged, int]:
    total = 3 + len(values)
    found = []
    for value in values:
        tagged, value_bytes = measured(value, level)
        total += value_bytes
        found.append(tagged)
    return {"L": found}, total


def _plain(value: Decimal) -> tuple[str, int]:
    """Returns a number as it is stored, and its bytes, if its text says so already, but for zeros at its end.

    Of any other number the text is empty: one with an exponent, of too many digits, or not finite.
    """
    text = str(value)
    if len(text) > DIGITS_LIMIT or "E" in text or "N" in text or "y" in text:
        return "", 0
    if "." in text:
        if text[-1] == "0":
            text = text.rstrip("0").rstrip(".")
        if text[0] > "0" and "." in text:
            # All but the point are digits that count: "." and "-" come before "0".
            return text, len(text) // 2 + 1
    if text == "-0":
        text = "0"
    return text, _digits_size(text)


# Hours, days and times stand in many items.
@functools.lru_cache(maxsize=1024)
def _whole(value: int) -> tuple[str, int]:
    text = str(value)
    return text, _digits_size(text)


def _digits_size(text: str) -> int:
    """Returns what ``items.number_size`` does, for a number without an exponent."""
    digits = len(text.replace(".", "").strip("-0"))
    return (digits + 1) // 2 + (2 if text[0] == "-" else 1)


def item_bytes(item: Item) -> int:
    """Returns the bytes that DynamoDB counts for an item, without its typed notation.

    Raises:
        ValidationError: a name or a value breaks one of DynamoDB's rules.
    """
    return _map_bytes(item, 1, 0)


def _map_bytes(values: Mapping[Any, Any], level: int, each_bytes: int) -> int:
    total = len(values) * each_bytes
    for name, value in values.items():
        kind = type(value)
        if kind is str:
            value_bytes = len(value) if value.isascii() else text_size(value)
        elif kind is Decimal:
            text, value_bytes = _plain(value)
            if not text:
                value_bytes = size(encode(value, level))
        elif kind is int and -LARGEST_WHOLE < value < LARGEST_WHOLE:
            _, value_bytes = _whole(value)
        elif kind is bool or value is None:
            value_bytes = 1
        elif kind is dict and level < NESTING_LIMIT:
            value_bytes = 3 + _map_bytes(value, level + 1, 1)
        else:
            value_bytes = measured(value, level)[1]
        total += _named(name)[1] + value_bytes
    return total


@functools.lru_cache(maxsize=256)
def _named(name: Any) -> tuple[str, int]:
    """Returns a name, and its bytes. Items of one table have the same names."""
    plain = attribute_name(name)
    return plain, text_size(plain)
