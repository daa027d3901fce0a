"""Choice rules, compiled once. https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from penstock.states.missing import of_choice
from penstock.states.paths import is_present
from penstock.states.templates import compile_any_path

Test = Callable[[Any, Any], bool]
Compare = Callable[[Any, Any], bool]

ORDER: dict[str, Compare] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


def is_number(value: Any) -> bool:
    """Tells whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_timestamp(value: Any) -> bool:
    """Tells whether a value is a time as the language writes it: RFC 3339 with ``T`` and a zone."""
    return timestamp(value) is not None


def timestamp(value: Any) -> float | None:
    """Returns a time in seconds since the epoch, or None for what is no time."""
    pattern = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})"
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value)).timestamp()
    except (ValueError, OverflowError):
        return None


KINDS: dict[str, Callable[[Any], bool]] = {
    "String": lambda value: isinstance(value, str),
    "Numeric": is_number,
    "Boolean": lambda value: isinstance(value, bool),
    "Timestamp": is_timestamp,
}
TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": KINDS["String"],
    "IsNumeric": is_number,
    "IsBoolean": KINDS["Boolean"],
    "IsTimestamp": is_timestamp,
}
COMPARISONS: dict[str, tuple[str, Compare]] = {
    f"{kind}{name}": (kind, compare) for kind in ("String", "Numeric", "Timestamp") for name, compare in ORDER.items()
} | {"BooleanEquals": ("Boolean", operator.eq)}
OPERATORS = frozenset(
    [*COMPARISONS, *(f"{name}Path" for name in COMPARISONS), *TYPE_TESTS, "IsPresent", "StringMatches"]
)


def compile_rule(rule: dict[str, Any]) -> Test:
    """Returns a function of (value, context) that tells whether a checked rule holds."""
    if "And" in rule:
        tests = [compile_rule(inner) for inner in rule["And"]]
        return lambda value, context: all(test(value, context) for test in tests)
    if "Or" in rule:
        tests = [compile_rule(inner) for inner in rule["Or"]]
        return lambda value, context: any(test(value, context) for test in tests)
    if "Not" in rule:
        test = compile_rule(rule["Not"])
        return lambda value, context: not test(value, context)
    name = next(key for key in rule if key in OPERATORS)
    return _data_test(rule["Variable"], name, rule[name])


def _data_test(variable: str, name: str, expected: Any) -> Test:
    if name == "IsPresent":
        present = is_present(compile_any_path(variable, of_choice))
        return lambda value, context: present(value, context) is expected
    found = compile_any_path(variable, of_choice)
    if name in TYPE_TESTS:
        test = TYPE_TESTS[name]
        return lambda value, context: test(found(value, context)) is expected
    if name == "StringMatches":
        pattern = Wildcard(expected)
        return lambda value, context: pattern.matches(found(value, context))
    if name.endswith("Path"):
        kind, compare = COMPARISONS[name.removesuffix("Path")]
        other = compile_any_path(expected, of_choice)
        return lambda value, context: _compare(kind, compare, found(value, context), other(value, context))
    kind, compare = COMPARISONS[name]
    return lambda value, context: _compare(kind, compare, found(value, context), expected)


def _compare(kind: str, compare: Compare, left: Any, right: Any) -> bool:
    """Compares two values of the operator's type; values of other types never compare."""
    fits = KINDS[kind]
    if not fits(left) or not fits(right):
        return False
    if kind == "Timestamp":
        left, right = timestamp(left), timestamp(right)
    return compare(left, right)


class Wildcard:
    """A pattern in which ``*`` means any characters, ``\\*`` an asterisk and ``\\\\`` a backslash.

    Matching takes time in proportion to the text, whatever the pattern.
    """

    def __init__(self, text: str) -> None:
        pieces = [""]
        for part in re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text):
            if part == "*":
                pieces.append("")
            else:
                pieces[-1] += part[1:] if part in {r"\*", "\\\\"} else part
        self._first, self._inner, self._last = pieces[0], pieces[1:-1], pieces[-1]
        self._is_plain = len(pieces) == 1

    def matches(self, value: Any) -> bool:
        """Tells whether a value is text that fits the pattern."""
        if not isinstance(value, str):
            return False
        if self._is_plain:
            return value == self._first
        position, end = len(self._first), len(value) - len(self._last)
        if position > end or not value.startswith(self._first) or not value.endswith(self._last):
            return False
        for piece in self._inner:
            found = value.find(piece, position, end)
            if found < 0:
                return False
            position = found + len(piece)
        return True


def has_open_escape(text: str) -> bool:
    """Tells whether a pattern has a backslash that escapes nothing, which the language does not allow."""
    return re.search(r"\\", re.sub(r"\\[*\\]", "", text)) is not None
