"""Functions of JSONata that differ in the library from JSONata 2.0.6, or know no bounds there. https://docs.jsonata.org"""

from __future__ import annotations

import base64
import functools
import math
import re
import urllib.parse
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from penstock.states.jsonata.library import Builtin, JException, Jsonata, Utils
from penstock.states.jsonata.limits import ITEM_BYTES, MATCH_WORK, Run
from penstock.states.jsonata.regex import Pattern
from penstock.states.jsonata.values import identity, is_function, text_of

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
BASED_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")
# Characters that an encoded URL has a meaning for, which decoding one leaves as they are: ECMA-262 "decodeURI".
RESERVED = re.compile("%(?=2[346BCFbcf]|3[ABDFabdf]|40)")
MALFORMED = re.compile("%(?![0-9A-Fa-f]{2})")


def run() -> Run:
    """Returns the evaluation that is under way on this thread."""
    return Jsonata.CURRENT.jsonata.run  # type: ignore[no-any-return]


# -- text -----------------------------------------------------------------------------------------------------------


def string(value: Any, prettify: Any = None) -> Any:
    """Returns a value as text: itself, or its JSON."""
    if value is None or isinstance(value, str):
        return value
    if is_function(value):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        raise JException("D3001", -1, value)
    return text_of(value, run(), pretty=prettify is True)


def pad(text: Any, width: Any, char: Any) -> Any:
    """Widens a text; to the left if the width is negative."""
    if isinstance(width, int | float) and isinstance(text, str):
        run().make(abs(int(width)))
    return Builtin.pad(text, width, char)


def join(strings: Any, separator: Any) -> Any:
    """Joins texts."""
    if strings is None:
        return None
    separator = separator or ""
    run().make(sum(map(len, strings)) + len(separator) * len(strings))
    return separator.join(strings)


def split(text: Any, separator: Any, limit: Any) -> Any:
    """Cuts a text at each separator, or match of a regular expression."""
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise JException("D3020", -1, text)
    if isinstance(separator, Pattern):
        pieces = separator.split(text)
    else:
        pieces = list(text) if not separator else text.split(separator)
    return pieces if limit is None else pieces[: math.ceil(limit)]


def contains(text: Any, token: Any) -> Any:
    """Tells whether a text contains another, or a match of a regular expression."""
    if text is None:
        return None
    return token.search(text) is not None if isinstance(token, Pattern) else token in text


def match(text: Any, pattern: Any, limit: Any) -> Any:
    """Returns what a regular expression finds. https://docs.jsonata.org/string-functions#match"""
    if text is None:
        return None
    if limit is not None and limit < 0:
        raise JException("D3040", -1, limit)
    matches = Utils.create_sequence()
    for found in pattern.finditer(text):
        if limit is not None and len(matches) >= limit:
            break
        matches.append({"match": found[0], "index": found.start(), "groups": list(found.groups())})
        run().spend(MATCH_WORK)
    return matches


def replace(text: Any, pattern: Any, replacement: Any, limit: Any) -> Any:
    """Replaces matches from left to right. https://docs.jsonata.org/string-functions#replace"""
    if text is None:
        return None
    if pattern == "":
        raise JException("D3010", -1, pattern)
    if limit is not None and limit < 0:
        raise JException("D3011", -1, limit)
    made: Iterable[Any] = (
        pattern.finditer(text) if isinstance(pattern, Pattern) else re.finditer(re.escape(pattern), text)
    )
    parts: list[str] = []
    position = size = 0
    for count, found in enumerate(made):
        if limit is not None and count >= limit:
            break
        part = _replacement(found, pattern, replacement)
        size += len(part)
        run().hold(size)
        run().spend(1 + (len(part) >> 5))
        parts += (text[position : found.start()], part)
        position = found.end()
    return "".join([*parts, text[position:]])


def _replacement(found: Any, pattern: Any, replacement: Any) -> str:
    if isinstance(replacement, str):
        return _substituted(found, replacement) if isinstance(pattern, Pattern) else replacement
    groups = [group or "" for group in found.groups()]
    made = Builtin.func_apply(replacement, [{"match": found[0], "index": found.start(), "groups": groups}])
    if not isinstance(made, str):
        raise JException("D3012", -1, made)
    return made


def _substituted(found: Any, replacement: str) -> str:
    """Fills in ``$0``, ``$1`` … and ``$$``. Digits that name no group are cut down until they do."""
    count = len(found.groups())

    def group(reference: re.Match[str]) -> str:
        digits = reference[1]
        if digits == "$":
            return "$"
        rest = ""
        while len(digits) > 1 and int(digits) > count:
            digits, rest = digits[:-1], digits[-1] + rest
        return ((found[int(digits)] or "") if int(digits) <= count else "") + rest

    run().hold(len(replacement) + replacement.count("$") * len(found[0]))
    return re.sub(r"\$(\$|[0-9]{1,4})", group, replacement)


def base64decode(text: Any) -> Any:
    """Reads Base64, with or without its padding. What is none makes the evaluation fail."""
    if text is None:
        return None
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode(errors="replace")


def decode_url_component(text: Any) -> Any:
    """Reads a part of a URL."""
    return _decoded(text, text, "decodeUrlComponent")


def decode_url(text: Any) -> Any:
    """Reads a URL. What would change its meaning stays encoded."""
    return _decoded(text, None if text is None else RESERVED.sub("%25", text), "decodeUrl")


def _decoded(text: Any, prepared: Any, name: str) -> Any:
    if text is None:
        return None
    try:
        if MALFORMED.search(prepared):
            raise ValueError("no two digits")
        return urllib.parse.unquote(prepared, errors="strict")
    except ValueError:
        raise JException("D3140", -1, name, text) from None


# -- numbers --------------------------------------------------------------------------------------------------------


def number(value: Any) -> Any:
    """Casts to a number. https://docs.jsonata.org/numeric-functions#number"""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and NUMBER.fullmatch(value) and math.isfinite(float(value)):
        return float(value)
    if isinstance(value, str) and BASED_NUMBER.fullmatch(value) and len(value) < 64:
        return int(value, 0)
    raise JException("D3030", -1, value)


def power(base: Any, exponent: Any) -> Any:
    """Raises a number to a power."""
    if base is None:
        return None
    try:
        if exponent is None:
            raise OverflowError
        result = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        result = math.inf
    if isinstance(result, complex) or not math.isfinite(result):
        raise JException("D3061", -1, base, exponent)
    return result


def round_(value: Any, precision: Any) -> Any:
    """Rounds a number, halves to the even side."""
    if value is None:
        return None
    exact, digits = Decimal(str(value)), max(-400, int(precision or 0))
    places = -int(exact.as_tuple().exponent)
    return value if digits >= places else float(round(exact, digits))


# -- arrays ---------------------------------------------------------------------------------------------------------


def distinct(array: Any) -> Any:
    """Leaves the first of values that are the same."""
    if not isinstance(array, list) or len(array) <= 1:
        return array
    evaluation = run()
    first = {identity(value, evaluation): value for value in reversed(array)}
    kept = [first.pop(key) for value in array if (key := identity(value, evaluation)) in first]
    return Utils.create_sequence_from_iter(kept) if isinstance(array, Utils.JList) else kept


def shuffle(array: Any) -> Any:
    """Returns an array in another order."""
    if array is None:
        return None
    result = list(array)
    for end in range(len(result) - 1, 0, -1):
        other = int(run().random() * (end + 1))
        result[end], result[other] = result[other], result[end]
    return result


def sort(array: Any, comparator: Any) -> Any:
    """Sorts numbers, texts, or anything by a function that tells whether its first argument comes after its second."""
    if array is None or len(array) <= 1:
        return array
    if comparator is None:
        if not Utils.is_array_of_numbers(array) and not Utils.is_array_of_strings(array):
            raise JException("D3070", -1)
        return sorted(array)

    @functools.total_ordering
    class Key:
        def __init__(self, value: Any) -> None:
            self.value = value

        def __lt__(self, other: Any) -> bool:
            return bool(Builtin.to_boolean(Builtin.func_apply(comparator, [other.value, self.value])))

        def __eq__(self, other: object) -> bool:
            return self is other

        __hash__ = None  # type: ignore[assignment]

    return sorted(array, key=Key)


def spread(value: Any) -> Any:
    """Cuts objects into objects of one field."""
    if isinstance(value, dict):
        return Utils.create_sequence_from_iter({name: inner} for name, inner in value.items())
    if not isinstance(value, list):
        return value
    pieces = Utils.create_sequence()
    for item in value:
        spreaded = spread(item)
        pieces.extend(spreaded if isinstance(spreaded, list) else [spreaded])
        run().hold(len(pieces) * ITEM_BYTES)
        run().spend(1)
    return pieces
