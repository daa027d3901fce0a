"""Conditions of a Choice, as they are said: ``value("$.count") > 3``."""

from __future__ import annotations

from typing import Any

Rule = dict[str, Any]


class Condition:
    """A choice rule of Amazon States Language; combine with ``&``, ``|`` and ``~``."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __and__(self, other: Condition) -> Condition:
        return Condition({"And": [self.rule, other.rule]})

    def __or__(self, other: Condition) -> Condition:
        return Condition({"Or": [self.rule, other.rule]})

    def __invert__(self) -> Condition:
        return Condition({"Not": self.rule})


class Value:
    """A value of the state's input, named by a path."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: str) -> None:
        self._path = path

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare("Equals", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return ~self._compare("Equals", other)

    def __gt__(self, other: Any) -> Condition:
        return self._compare("GreaterThan", other)

    def __ge__(self, other: Any) -> Condition:
        return self._compare("GreaterThanEquals", other)

    def __lt__(self, other: Any) -> Condition:
        return self._compare("LessThan", other)

    def __le__(self, other: Any) -> Condition:
        return self._compare("LessThanEquals", other)

    def matches(self, pattern: str) -> Condition:
        """True for text that matches a pattern in which ``*`` stands for any characters."""
        return Condition({"Variable": self._path, "StringMatches": pattern})

    def is_present(self) -> Condition:
        return Condition({"Variable": self._path, "IsPresent": True})

    def is_null(self) -> Condition:
        return Condition({"Variable": self._path, "IsNull": True})

    def _compare(self, operator: str, other: object) -> Condition:
        if other is None:
            return self.is_null()
        kind = "Boolean" if isinstance(other, bool) else "Numeric" if isinstance(other, int | float) else "String"
        if isinstance(other, Value):
            raise TypeError("compare a value with a constant; comparing two paths needs an .asl.json file")
        return Condition({"Variable": self._path, f"{kind}{operator}": other})


def value(path: str) -> Value:
    """Names a value of the input, such as ``value("$.order.total")``."""
    return Value(path)
