"""What each intrinsic function does with its arguments.

SPEC: https://states-language.net/spec.html#appendix-b,
GUIDE: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.states.failures import PAYLOAD_LIMIT_BYTES, StateFailedError
from penstock.states.intrinsics.arguments import (
    INTRINSIC_FAILURE,
    InvalidArgumentError,
    array,
    array_in_limit,
    comparable,
    exceed,
    fits,
    integer,
    json_text,
    natural_text,
    refuse,
    shown,
    text,
    text_in_limit,
)

RANGE_LIMIT = 1000
MIME_LINE_CHARACTERS = 76
INT32 = range(-(2**31), 2**31)
ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
TEMPLATE = re.compile(r"\\['{}\\]|\{\}|[{}]|[^\\{}]+|\\")


class Entropy:
    """Draws that repeat: the same seed gives the same values in the same order. The first draw sets it up.

    Args:
        seed: names what is drawn for, such as one visit of one state; as the jitter of its retries has one.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._source: random.Random | None = None

    @property
    def source(self) -> random.Random:
        """The generator that is drawn from."""
        if self._source is None:
            self._source = random.Random(self._seed)
        return self._source

    def uuid(self) -> str:
        """Returns the next version 4 UUID."""
        return str(uuid.UUID(int=self.source.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Function:
    """An intrinsic function.

    Attributes:
        parameters: what it takes, as a hint writes it.
        least, most: how many arguments; ``most`` is None for any number.
        draws: takes the entropy before its arguments.
    """

    run: Callable[..., Any]
    parameters: str
    least: int
    most: int | None
    draws: bool = False

    def takes(self, count: int) -> bool:
        """Tells whether the function takes so many arguments."""
        return count >= self.least and (self.most is None or count <= self.most)

    @property
    def arity(self) -> str:
        """How many arguments the function takes, in words."""
        if self.most is None:
            return f"{self.least} or more arguments"
        counts = str(self.most) if self.least == self.most else f"{self.least} or {self.most}"
        return f"{counts} argument{'s' if counts != '1' else ''}"


def call(name: str, values: list[Any], entropy: Entropy) -> Any:
    """Returns what a function gives for values. None of them is changed; the result may share parts of them.

    Raises:
        StateFailedError: States.IntrinsicFailure for what the function does not take, States.DataLimitExceeded for a
            text beyond the payload limit.
    """
    function = FUNCTIONS[name]
    try:
        return function.run(entropy, *values) if function.draws else function.run(*values)
    except InvalidArgumentError as error:
        cause = str(error)
    except RecursionError:
        cause = "a value is nested too deep"
    except UnicodeError:
        cause = "a string has half of a surrogate pair"
    raise StateFailedError(INTRINSIC_FAILURE, f"Invalid arguments in {name}: {cause}")


# -- Intrinsics for arrays ------------------------------------------------------------------------------------


def _array_of(*values: Any) -> list[Any]:
    return list(values)


def _array_partition(items: Any, size: Any) -> list[Any]:
    items, chunk = array_in_limit(items), integer(size, "the chunk size")
    if chunk < 1:
        refuse(f"the chunk size is a positive integer, not {shown(size)}")
    return [items[start : start + chunk] for start in range(0, len(items), chunk)]


def _array_contains(items: Any, value: Any) -> bool:
    items = array_in_limit(items)
    if not fits(value):
        return False
    sought = comparable(value)
    return any(comparable(item) == sought for item in items)


def _array_range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, increment = integer(first, "the first"), integer(last, "the second"), integer(step, "the third")
    if increment == 0:
        refuse("the third is not zero")
    count = max(0, (end - start) // increment + 1)
    if count > RANGE_LIMIT:
        refuse(f"the new array has up to {RANGE_LIMIT} items")
    return [start + number * increment for number in range(count)]


def _array_get_item(items: Any, index: Any) -> Any:
    items = array(items)
    position = int(index) if isinstance(index, float) and index.is_integer() else index
    if not isinstance(position, int) or isinstance(position, bool):
        refuse(f"the index is an integer, not {shown(index)}")
    if not 0 <= position < len(items):
        refuse(f"an array of {len(items)} has no item at the index {shown(index)}")
    return items[position]


def _array_length(items: Any) -> int:
    return len(array(items))


def _array_unique(items: Any) -> list[Any]:
    unique: dict[Any, Any] = {}
    for item in array_in_limit(items):
        unique.setdefault(comparable(item), item)
    return list(unique.values())


# -- Intrinsics for data encoding and decoding, and for hash calculation --------------------------------------


def _base64_encode(data: Any) -> str:
    """Encodes as MIME has it: RFC 2045, section 6.8, breaks lines after 76 characters."""
    encoded = base64.b64encode(text_in_limit(data, "the data").encode()).decode()
    starts = range(0, len(encoded), MIME_LINE_CHARACTERS)
    return "\r\n".join(encoded[start : start + MIME_LINE_CHARACTERS] for start in starts)


def _base64_decode(data: Any) -> str:
    """Decodes as MIME has it: RFC 2045, section 6.8, ignores characters that are not of the alphabet."""
    encoded = text_in_limit(data, "the data").encode()
    try:
        return base64.b64decode(encoded, validate=False).decode()
    except (binascii.Error, UnicodeDecodeError):
        refuse("the data is no text in Base64")


def _hash(data: Any, algorithm: Any) -> str:
    name = ALGORITHMS.get(text(algorithm, "the algorithm"))
    if name is None:
        refuse(f"the algorithm is one of {', '.join(ALGORITHMS)}, not {shown(algorithm)}")
    hashed = text_in_limit(data if isinstance(data, str) else json_text(data), "the data")
    return hashlib.new(name, hashed.encode(), usedforsecurity=False).hexdigest()


# -- Intrinsics for JSON data manipulation --------------------------------------------------------------------


def _json_merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    if not isinstance(first, dict) or not isinstance(second, dict):
        refuse("the first and the second are JSON objects")
    if deep is not False:
        refuse("the third is false, as only the shallow merging mode is supported")
    return {**first, **second}


def _string_to_json(data: Any) -> Any:
    try:
        value = msgspec.json.decode(text(data, "the argument"))
    except msgspec.MsgspecError:
        refuse("the string is no JSON")
    if not fits(value):
        exceed()
    return value


def _json_to_string(value: Any) -> str:
    return json_text(value)


# -- Intrinsics for Math operations ---------------------------------------------------------------------------


def _math_random(entropy: Entropy, start: Any, end: Any, *seed: Any) -> int:
    first, after = integer(start, "the start number"), integer(end, "the end number")
    if first >= after:
        refuse("the start number is less than the end number, which is exclusive")
    source = random.Random(str(integer(seed[0], "the seed value"))) if seed else entropy.source
    return source.randrange(first, after)


def _math_add(first: Any, second: Any) -> int:
    numbers = integer(first, "the first"), integer(second, "the second")
    if any(number not in INT32 for number in numbers):
        refuse(f"an integer is in the range of {INT32.start} and {INT32.stop - 1}")
    return sum(numbers)


# -- Intrinsics for String operation, unique identifier generation and generic operation ----------------------


def _string_split(data: Any, splitter: Any) -> list[str]:
    """Splits at every delimiting character; neighbours among them are as one, so that no part is empty."""
    whole, delimiters = text(data, "the first"), text(splitter, "the second")
    if not delimiters:
        return [whole] if whole else []
    delimiter = delimiters[0]
    parts = whole.translate(dict.fromkeys(map(ord, delimiters), delimiter)).split(delimiter)
    return [part for part in parts if part]


def _uuid(entropy: Entropy) -> str:
    return entropy.uuid()


def _format(template: Any, *values: Any) -> str:
    """Fills a template. A backslash escapes what is reserved, in a constant as in the value of a path."""
    pieces = TEMPLATE.findall(text(template, "the template"))
    for piece, other in (("{", "}"), ("}", "{")):
        if piece in pieces:
            cause = f"Invalid template in States.Format: matching '{other}' not found for '{piece}'."
            raise StateFailedError(INTRINSIC_FAILURE, cause)
    if pieces.count("{}") != len(values):
        refuse("number of arguments do not match the occurrences of {}.")
    waiting, filled, size = iter(values), [], 0
    for piece in pieces:
        filled.append(natural_text(next(waiting)) if piece == "{}" else piece[-1] if piece[0] == "\\" else piece)
        size += len(filled[-1])
        if size > PAYLOAD_LIMIT_BYTES:
            exceed()
    return "".join(filled)


FUNCTIONS = {
    "States.Array": Function(_array_of, "…", 0, None),
    "States.ArrayPartition": Function(_array_partition, "$.array, 4", 2, 2),
    "States.ArrayContains": Function(_array_contains, "$.array, $.value", 2, 2),
    "States.ArrayRange": Function(_array_range, "1, 9, 2", 3, 3),
    "States.ArrayGetItem": Function(_array_get_item, "$.array, 0", 2, 2),
    "States.ArrayLength": Function(_array_length, "$.array", 1, 1),
    "States.ArrayUnique": Function(_array_unique, "$.array", 1, 1),
    "States.Base64Encode": Function(_base64_encode, "$.text", 1, 1),
    "States.Base64Decode": Function(_base64_decode, "$.base64", 1, 1),
    "States.Hash": Function(_hash, "$.data, 'SHA-256'", 2, 2),
    "States.JsonMerge": Function(_json_merge, "$.first, $.second, false", 3, 3),
    "States.StringToJson": Function(_string_to_json, "$.text", 1, 1),
    "States.JsonToString": Function(_json_to_string, "$.value", 1, 1),
    "States.MathRandom": Function(_math_random, "1, 999", 2, 3, draws=True),
    "States.MathAdd": Function(_math_add, "$.number, 1", 2, 2),
    "States.StringSplit": Function(_string_split, "$.text, ','", 2, 2),
    "States.UUID": Function(_uuid, "", 0, 0, draws=True),
    "States.Format": Function(_format, "'Hello, {}', $.name", 1, None),
}
