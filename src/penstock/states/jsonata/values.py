"""Values as JSON has them and as the JSONata library has them: there, None is undefined, and null is another value."""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Hashable
from decimal import Decimal
from typing import Any

from penstock.states.jsonata.library import Builtin, Utils
from penstock.states.jsonata.limits import (
    ITEM_BYTES,
    MEMORY_CAUSE,
    MEMORY_LIMIT_BYTES,
    NESTING_LIMIT,
    NODE_WORK,
    ExpressionFailedError,
    Run,
)

NULL = Utils.NULL_VALUE
EXACT = 2**53
LARGEST_INTEGER = 2**63
KEPT_VALUES = 8
SMALL_NODES = 64

_kept: OrderedDict[int, tuple[Any, Any]] = OrderedDict()
_kept_lock = threading.Lock()


class UnsupportedValueError(Exception):
    """A function or another thing that JSON does not know."""


def is_function(value: Any) -> bool:
    """Tells whether a value is a function or a regular expression."""
    return bool(Utils.is_function(value) or Builtin.is_lambda(value) or Builtin.is_regex(value))


# -- from JSON ------------------------------------------------------------------------------------------------------


def inward(value: Any) -> Any:
    """Returns a JSON value as the library has it. The value stays as it is; what needs no change is shared.

    Raises:
        ExpressionFailedError: the value is nested too deeply.
    """
    if not isinstance(value, dict | list):
        return _inward_scalar(value)
    # A Map asks for the same large input once an item: the last few large ones are kept, with what they came from, so
    # that no other value can have their identity.
    with _kept_lock:
        known = _kept.get(id(value))
    if known is not None and known[0] is value:
        return known[1]
    nodes = [0]
    made = _inward(value, nodes, 0)
    if nodes[0] > SMALL_NODES:
        with _kept_lock:
            _kept[id(value)] = (value, made)
            while len(_kept) > KEPT_VALUES:
                _kept.popitem(last=False)
    return made


def _inward(value: Any, nodes: list[int], depth: int) -> Any:
    if depth > NESTING_LIMIT:
        raise ExpressionFailedError(MEMORY_CAUSE)
    nodes[0] += 1
    if isinstance(value, dict):
        fields = {name: _inward(inner, nodes, depth + 1) for name, inner in value.items()}
        return value if all(made is value[name] for name, made in fields.items()) else fields
    if isinstance(value, list | tuple):
        items = [_inward(inner, nodes, depth + 1) for inner in value]
        same = isinstance(value, list) and all(map(lambda made, inner: made is inner, items, value))
        return value if same else items
    return _inward_scalar(value)


def _inward_scalar(value: Any) -> Any:
    if value is None:
        return NULL
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    return value


# -- to JSON --------------------------------------------------------------------------------------------------------


def outward(value: Any, run: Run) -> Any:
    """Returns a value of the library as JSON has it, of its own: changing it changes nothing else.

    A number that is no number becomes text, as a JSON writer that quotes what JSON lacks puts it.

    Raises:
        UnsupportedValueError: there is a function in it.
        ExpressionFailedError: it is too large, or nested too deeply.
    """
    return _outward(value, run, [0], 0)


def _outward(value: Any, run: Run, held: list[int], depth: int) -> Any:
    held[0] += ITEM_BYTES + (len(value) if isinstance(value, str) else 0)
    run.spend(NODE_WORK)
    if depth > NESTING_LIMIT or held[0] > 8 * MEMORY_LIMIT_BYTES:
        raise ExpressionFailedError(MEMORY_CAUSE)
    if value is None or value is NULL:
        return None
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _outward_number(value)
    if isinstance(value, list):
        return [_outward(inner, run, held, depth + 1) for inner in value]
    if isinstance(value, dict):
        return {sound(name): _outward(inner, run, held, depth + 1) for name, inner in value.items()}
    raise UnsupportedValueError


def _outward_number(value: float) -> Any:
    if isinstance(value, int):
        return value if abs(value) < LARGEST_INTEGER else _outward_number(_double(value))
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return int(value) if value.is_integer() and abs(value) <= EXACT else value


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def sound(text: str) -> str:
    """Returns text that can be written as UTF-8: pairs of surrogates joined, single ones replaced."""
    if text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# -- comparison -----------------------------------------------------------------------------------------------------


def identity(value: Any, run: Run) -> Hashable:
    """Returns what two values have in common exactly when they are equal."""
    run.spend(NODE_WORK)
    if isinstance(value, bool) or not isinstance(value, int | float | str | list | dict):
        return (type(value).__name__, value if isinstance(value, bool) else id(value))
    if isinstance(value, list):
        return ("array", tuple([identity(inner, run) for inner in value]))
    if isinstance(value, dict):
        return ("object", frozenset([(name, identity(inner, run)) for name, inner in value.items()]))
    return value


# -- text -----------------------------------------------------------------------------------------------------------


def text_of(value: Any, run: Run, *, pretty: bool = False) -> str:
    """Returns a value's JSON text as JavaScript writes it. https://docs.jsonata.org/string-functions#string"""
    parts: list[str] = []
    _Writer(parts, run, pretty=pretty).write(value, 0)
    return "".join(parts)


def number_text(value: float) -> str:
    """Returns a number as JavaScript writes it, with fifteen digits."""
    number = float(f"{value:.15g}")
    if not math.isfinite(number):
        return "null"
    mantissa, _, exponent = repr(number).partition("e")
    if not exponent or -7 < int(exponent) < 21:
        return format(Decimal(repr(number)), "f").removesuffix(".0") if number else "0"
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


class _Writer:
    def __init__(self, parts: list[str], run: Run, *, pretty: bool) -> None:
        self._parts, self._run, self._pretty, self._size = parts, run, pretty, 0

    def put(self, text: str) -> None:
        self._size += len(text)
        self._run.hold(self._size)
        self._run.spend(len(text) >> 5)
        self._parts.append(text)

    def write(self, value: Any, depth: int) -> None:
        self._run.spend(NODE_WORK)
        if depth > NESTING_LIMIT:
            raise ExpressionFailedError(MEMORY_CAUSE)
        if isinstance(value, bool):
            self.put("true" if value else "false")
        elif isinstance(value, int | float):
            number = _double(value) if isinstance(value, int) else value
            self.put(number_text(number))
        elif isinstance(value, str):
            self.put(json.dumps(value, ensure_ascii=False))
        elif isinstance(value, list):
            self._write_all("[]", [("", inner) for inner in value], depth)
        elif isinstance(value, dict):
            space = " " if self._pretty else ""
            named = [(f"{json.dumps(name, ensure_ascii=False)}:{space}", inner) for name, inner in value.items()]
            self._write_all("{}", named, depth)
        else:
            self.put('""' if is_function(value) else "null")

    def _write_all(self, brackets: str, members: list[tuple[str, Any]], depth: int) -> None:
        if not members:
            return self.put(brackets)
        line = "\n" + "  " * depth if self._pretty else ""
        inner_line = line + "  " if self._pretty else ""
        for number, (prefix, inner) in enumerate(members):
            self.put(("," if number else brackets[0]) + inner_line + prefix)
            self.write(inner, depth + 1)
        return self.put(line + brackets[1])
