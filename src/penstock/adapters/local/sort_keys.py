"""Keys as bytes whose order is the keys' order: numbers by value, text by UTF-8, bytes as they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from penstock.model.datasets import Key
from penstock.model.items import number

EXPONENT_BIAS = 500


def key_bytes(value: Any, key: Key) -> bytes:
    """Returns a key's value as bytes that sort as DynamoDB sorts it."""
    if key.type == "N":
        return number_bytes(number(value))
    return value.encode() if isinstance(value, str) else bytes(value)


def number_bytes(value: Decimal) -> bytes:
    """Returns a number as bytes: sign, exponent, digits; those of negative numbers complemented.

    Without trailing zeros a shorter row of digits is the smaller number. After the complement it must be the larger
    one, so an end mark that is above every complemented digit follows.
    """
    if not value:
        return b"\x80"
    sign, digits, _ = value.as_tuple()
    body = (value.adjusted() + EXPONENT_BIAS).to_bytes(2, "big") + bytes(digits).lstrip(b"\0").rstrip(b"\0")
    if not sign:
        return b"\x81" + body
    return b"\x7f" + bytes(255 - byte for byte in body) + b"\xff"
