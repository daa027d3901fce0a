"""What intrinsic functions take, and how they measure, compare and write it."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import msgspec

from penstock.states.failures import DATA_LIMIT_EXCEEDED, PAYLOAD_LIMIT_BYTES, StateFailedError

INTRINSIC_FAILURE = "States.IntrinsicFailure"
# GUIDE, "States.Base64Encode", "States.Base64Decode" and "States.Hash": characters of the data.
DATA_LIMIT = 10_000
# A deeper value could not be written again from within a state machine.
DEPTH_LIMIT = 500
SHOWN_CHARACTERS = 100

_encode = msgspec.json.Encoder().encode


class InvalidArgumentError(Exception):
    """An argument is not one that the function takes."""


def refuse(detail: str) -> NoReturn:
    """Says that an argument is not one that the function takes."""
    raise InvalidArgumentError(detail)


def exceed() -> NoReturn:
    """Says that a text is larger than what a state may have."""
    raise StateFailedError(DATA_LIMIT_EXCEEDED, f"A text has more than {PAYLOAD_LIMIT_BYTES} bytes")


def shown(value: Any) -> str:
    """Returns a value as a message quotes it, not longer than a line."""
    text = _encode(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def fits(value: Any) -> bool:
    """Tells whether a value is within the payload limit, in time that grows with the limit at most.

    Calls within calls can name one large value many times, so that writing it out first could take for ever.
    """
    waiting, size = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        if depth > DEPTH_LIMIT:
            refuse(f"a value is nested more than {DEPTH_LIMIT} deep")
        if isinstance(item, dict):
            size += sum(len(name) for name in item)
            waiting.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)
        size += len(item) if isinstance(item, str) else 1
        if size > PAYLOAD_LIMIT_BYTES:
            return False
    return len(_encode(value)) <= PAYLOAD_LIMIT_BYTES


def array(value: Any) -> list[Any]:
    """Returns an array as it is."""
    if not isinstance(value, list):
        refuse(f"the first is an array, not {kind_of(value)}")
    return value


def array_in_limit(value: Any) -> list[Any]:
    """Returns an array that is within the payload limit."""
    items = array(value)
    if not fits(items):
        refuse(f"the array exceeds the payload limit of {PAYLOAD_LIMIT_BYTES} bytes")
    return items


# What a double holds: numbers of JSON beyond it have no value in Step Functions.
LARGEST = 2**1023


def is_number(value: Any) -> bool:
    """Tells whether a JSON value is a number, and a finite one."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def integer(value: Any, what: str) -> int:
    """Returns a number rounded to the nearest integer; halves upwards, as Java's ``Math.round`` has it."""
    if not is_number(value):
        refuse(f"{what} is an integer, not {shown(value)}")
    below: int = math.floor(value)
    return below + 1 if value - below >= 0.5 else below


def text(value: Any, what: str) -> str:
    """Returns a string as it is."""
    if not isinstance(value, str):
        refuse(f"{what} is a string, not {kind_of(value)}")
    return value


def text_in_limit(value: Any, what: str) -> str:
    """Returns a string of so many characters as may be encoded, decoded or hashed."""
    if len(text(value, what)) > DATA_LIMIT:
        refuse(f"{what} has more than {DATA_LIMIT} characters")
    return str(value)


def json_text(value: Any) -> str:
    """Returns a value as JSON, without spaces."""
    if not fits(value):
        exceed()
    return _encode(value).decode()


def natural_text(value: Any) -> str:
    """Returns what a template shows of a value: a string without quotes, a number, a boolean or null."""
    if isinstance(value, dict | list):
        refuse(f"a template takes no {kind_of(value).split()[-1]}")
    return value if isinstance(value, str) else _encode(value).decode()


def comparable(value: Any) -> Any:
    """Returns what is equal for equal JSON values, and can be looked up: 1 is 1.0 and is not true."""
    if isinstance(value, dict):
        return "object", frozenset((name, comparable(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return "array", tuple(comparable(inner) for inner in value)
    return type(value) is bool, value


def kind_of(value: Any) -> str:
    """Returns what kind of JSON a value is."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case dict():
            return "an object"
        case list():
            return "an array"
    return "a number"
