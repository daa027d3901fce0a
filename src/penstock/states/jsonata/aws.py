"""The functions that AWS adds to JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn. What is
undefined among the arguments makes the result undefined, as JSONata's own functions have it.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from typing import Any

from penstock.states.jsonata.functions import run
from penstock.states.jsonata.limits import ITEM_BYTES, ExpressionFailedError
from penstock.states.jsonata.values import inward

ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
# java.util.Random's, of which AWS gives the first number of a seed.
MULTIPLIER, INCREMENT, MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1


def partition(array: Any, size: Any) -> Any:
    """Cuts an array into arrays of a size; the last may be shorter."""
    if array is None or size is None:
        return None
    size = int(size)
    if size < 1:
        raise ExpressionFailedError("The chunk size of the partition function must be a positive integer")
    return [list(array[start : start + size]) for start in range(0, len(array), size)]


def range_(first: Any, last: Any, step: Any) -> Any:
    """Returns the numbers from the first to the last, which is one of them if the steps meet it."""
    if first is None or last is None or step is None:
        return None
    first, last, step = int(first), int(last), int(step)
    if step == 0:
        return []
    numbers = range(first, last + (1 if step > 0 else -1), step)
    count = max(0, (last - first) // step + 1)
    run().make(count * ITEM_BYTES)
    return list(numbers)


def hash_(text: Any, algorithm: Any) -> Any:
    """Returns a text's hash in hexadecimal digits."""
    if text is None or algorithm is None:
        return None
    if algorithm not in ALGORITHMS:
        raise ExpressionFailedError(f"The algorithm of the hash function must be one of {', '.join(ALGORITHMS)}")
    return hashlib.new(ALGORITHMS[algorithm], text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def random(seed: Any) -> float:
    """Returns a number from 0 to 1; the same for the same seed: the first that Java's generator makes of it."""
    if seed is None:
        return run().random()
    first = ((int(seed) ^ MULTIPLIER) * MULTIPLIER + INCREMENT) & MASK
    second = (first * MULTIPLIER + INCREMENT) & MASK
    return ((first >> 22 << 27) + (second >> 21)) * 2.0**-53


def uuid_() -> str:
    """Returns a version 4 UUID."""
    return str(uuid.UUID(bytes=run().random_bytes(), version=4))


def parse(text: Any) -> Any:
    """Returns the value that a JSON text holds."""
    if text is None:
        return None
    run().spend(len(text))
    try:
        value = json.loads(text, parse_int=_parsed_integer, parse_float=_parsed_float, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise ExpressionFailedError("The argument of the parse function must be a valid JSON string") from None
    return inward(value)


def _parsed_integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else _parsed_float(digits)


def _parsed_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("out of range")
    return number


def _refused(name: str) -> Any:
    raise ValueError(name)
