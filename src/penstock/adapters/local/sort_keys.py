"""Keys as bytes whose order is the keys' order: numbers by value, text by UTF-8, bytes as they are."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from penstock.model.items import encode

EXPONENT_BIAS = 500
_DIGITS = bytes.maketrans(b"0123456789", bytes(range(10)))


def key_bytes(value: Any) -> bytes:
    """Returns a key's value as bytes that sort as DynamoDB sorts it among those of its type."""
    return tagged_bytes(encode(value))


def tagged_bytes(tagged: Mapping[str, Any]) -> bytes:
    """Returns the same of a value in DynamoDB's typed notation."""
    ((tag, content),) = tagged.items()
    return content_bytes(tag, content)


def content_bytes(tag: str, content: Any) -> bytes:
    """Returns the same of what stands behind a tag of the typed notation."""
    if tag == "S":
        return str(content).encode()
    if tag == "B":
        return bytes(content)
    return _text_bytes(content)


def number_bytes(value: Decimal) -> bytes:
    """Returns a number as bytes: sign, exponent, digits; those of negative numbers complemented.

    Without trailing zeros a shorter row of digits is the smaller number. Among negative numbers it is the larger one,
    so theirs end with a mark above every complemented digit: those are at most 254.
    """
    if not value:
        return b"\x80"
    sign, digits, _ = value.as_tuple()
    exponent = value.adjusted() + EXPONENT_BIAS
    row = bytes(digits).rstrip(b"\0")
    if not sign:
        return b"\x81" + exponent.to_bytes(2, "big") + row
    return b"\x7f" + (0xFFFF - exponent).to_bytes(2, "big") + bytes(254 - digit for digit in row) + b"\xff"


# Items that are written together often share a number: that of their time.
@functools.lru_cache(maxsize=1024)
def _text_bytes(text: str) -> bytes:
    return _whole_bytes(text) if text.isdigit() and text[0] != "0" else number_bytes(Decimal(text))


def _whole_bytes(text: str) -> bytes:
    """Returns the bytes of a whole number above 0, given by its digits."""
    row = text.rstrip("0").encode().translate(_DIGITS)
    return b"\x81" + (len(text) - 1 + EXPONENT_BIAS).to_bytes(2, "big") + row
