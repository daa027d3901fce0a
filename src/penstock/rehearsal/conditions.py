"""Condition elements of IAM policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from penstock.errors import ValidationError
from penstock.rehearsal.wildcards import Pattern, arn_like, like, literal

Context = Mapping[str, str | list[str]]
Test = Callable[[Pattern, str], bool]
_NAME = re.compile(r"(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?")


class Operator(msgspec.Struct, frozen=True):
    """A condition operator.

    Attributes:
        quantifier: ``ForAllValues``, ``ForAnyValue`` or ``""``.
        if_exists: true when the request has no such key.
    """

    name: str
    quantifier: str
    if_exists: bool
    negated: bool
    test: Test


def operator(name: str) -> Operator:
    """Returns an operator by its name in a policy.

    Raises:
        ValidationError: there is none of this name.
    """
    found = _NAME.fullmatch(name)
    base = found[2] if found else ""
    negated = base not in TESTS and "Not" in base
    test = TESTS.get(base.replace("Not", "") if negated else base)
    if found is None or test is None or (base == "Null" and (found[1] or found[3])):
        raise ValidationError(f"there is no condition operator {name!r}", hint="see the operators of IAM policies")
    return Operator(base, found[1] or "", bool(found[3]), negated, test)


def holds(chosen: Operator, wanted: list[Pattern], given: str | list[str] | None) -> bool:
    """Returns whether one key fulfils one operator.

    Args:
        wanted: the policy's values, of which one is enough; of a negated operator none may match. None at all is a
            condition whose variables have no values: it never holds.
        given: the request's value or values; ``None`` when it has no such key.
    """
    if chosen.name == "Null":
        absent = given is None or given == []
        return any(literal(one).lower() == ("true" if absent else "false") for one in wanted)
    values = [] if given is None else [given] if isinstance(given, str) else given
    if not values:
        return _without_values(chosen)
    if not wanted:
        return False

    def matches(value: str) -> bool:
        return any(chosen.test(one, value) for one in wanted) is not chosen.negated

    # Without a quantifier a key of many values is a mistake; one negated match must then not hide the others.
    every = chosen.quantifier == "ForAllValues" or (not chosen.quantifier and chosen.negated)
    return all(map(matches, values)) if every else any(map(matches, values))


def _without_values(chosen: Operator) -> bool:
    if chosen.quantifier:
        return chosen.quantifier == "ForAllValues"
    return chosen.if_exists or chosen.negated


def _string_equals(wanted: Pattern, value: str) -> bool:
    return literal(wanted) == value


def _string_equals_ignore_case(wanted: Pattern, value: str) -> bool:
    return literal(wanted).lower() == value.lower()


def _number(compare: Callable[[float, float], bool]) -> Test:
    def test(wanted: Pattern, value: str) -> bool:
        try:
            return compare(float(value), float(literal(wanted)))
        except ValueError:
            return False

    return test


def _date(compare: Callable[[float, float], bool]) -> Test:
    def test(wanted: Pattern, value: str) -> bool:
        try:
            return compare(_seconds(value), _seconds(literal(wanted)))
        except ValueError:
            return False

    return test


def _seconds(text: str) -> float:
    """Dates are ISO 8601 or seconds since the epoch."""
    try:
        return float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _address(wanted: Pattern, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(literal(wanted), strict=False)
    except ValueError:
        return False


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda given, wanted: given == wanted,
    "LessThan": lambda given, wanted: given < wanted,
    "LessThanEquals": lambda given, wanted: given <= wanted,
    "GreaterThan": lambda given, wanted: given > wanted,
    "GreaterThanEquals": lambda given, wanted: given >= wanted,
}
TESTS: dict[str, Test] = {
    "StringEquals": _string_equals,
    "StringEqualsIgnoreCase": _string_equals_ignore_case,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": _string_equals_ignore_case,
    "BinaryEquals": _string_equals,
    "IpAddress": _address,
    "Null": _string_equals_ignore_case,
    **{f"Numeric{name}": _number(compare) for name, compare in COMPARISONS.items()},
    **{f"Date{name}": _date(compare) for name, compare in COMPARISONS.items()},
}
