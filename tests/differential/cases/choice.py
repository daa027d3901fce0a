"""Choice: every comparison operator, its Path form, and what holds of values of other types."""

from __future__ import annotations

from typing import Any

from tests.differential.case import Case

PAGE = "state-choice"
EARLY, LATE = "2024-01-01T00:00:00Z", "2024-06-01T00:00:00Z"
ORDERS = {
    "Equals": (False, True, False), "LessThan": (True, False, False), "LessThanEquals": (True, True, False),
    "GreaterThan": (False, False, True), "GreaterThanEquals": (False, True, True),
}  # fmt: skip
VALUES: dict[str, tuple[Any, Any, Any]] = {
    "String": ("a", "b", "c"), "Numeric": (1, 2.5, 3), "Timestamp": (EARLY, "2024-03-01T00:00:00Z", LATE),
}  # fmt: skip


def choosing(*rules: dict[str, Any], default: bool = True) -> dict[str, Any]:
    """Returns a machine that tells which rule held: its number, or -1."""
    choices = [{**rule, "Next": f"R{number}"} for number, rule in enumerate(rules)]
    choice = {"Type": "Choice", "Choices": choices, **({"Default": "None"} if default else {})}
    ends = {f"R{number}": {"Type": "Pass", "Result": number, "End": True} for number in range(len(rules))}
    return {"StartAt": "S", "States": {"S": choice, **ends, **(
        {"None": {"Type": "Pass", "Result": -1, "End": True}} if default else {})}}  # fmt: skip


def rule(operator: str, operand: Any, variable: str = "$.v") -> dict[str, Any]:
    return {"Variable": variable, operator: operand}


# (name, rule, input)
TESTS: list[tuple[str, dict[str, Any], Any]] = [
    ("boolean-true", rule("BooleanEquals", True), {"v": True}),
    ("boolean-false", rule("BooleanEquals", False), {"v": False}),
    ("boolean-of-text", rule("BooleanEquals", True), {"v": "true"}),
    ("boolean-path", rule("BooleanEqualsPath", "$.w"), {"v": True, "w": True}),
    ("string-of-number", rule("StringEquals", "1"), {"v": 1}),
    ("numeric-of-text", rule("NumericEquals", 1), {"v": "1"}),
    ("numeric-of-boolean", rule("NumericEquals", 1), {"v": True}),
    ("numeric-whole-and-fraction", rule("NumericEquals", 1), {"v": 1.0}),
    ("timestamp-of-text", rule("TimestampEquals", EARLY), {"v": "yesterday"}),
    ("timestamp-other-zone", rule("TimestampEquals", EARLY), {"v": "2024-01-01T01:00:00+01:00"}),
    ("timestamp-fraction", rule("TimestampGreaterThan", EARLY), {"v": "2024-01-01T00:00:00.5Z"}),
    ("is-null", rule("IsNull", True), {"v": None}),
    ("is-null-not", rule("IsNull", False), {"v": 0}),
    ("is-present", rule("IsPresent", True), {"v": None}),
    ("is-present-not", rule("IsPresent", False), {}),
    ("is-present-of-element", rule("IsPresent", True, "$.v[1]"), {"v": [1]}),
    ("is-numeric", rule("IsNumeric", True), {"v": 1.5}),
    ("is-numeric-of-boolean", rule("IsNumeric", True), {"v": True}),
    ("is-string", rule("IsString", True), {"v": ""}),
    ("is-string-not", rule("IsString", False), {"v": 1}),
    ("is-boolean", rule("IsBoolean", True), {"v": False}),
    ("is-boolean-not", rule("IsBoolean", False), {"v": 0}),
    ("is-timestamp", rule("IsTimestamp", True), {"v": LATE}),
    ("is-timestamp-of-date", rule("IsTimestamp", True), {"v": "2024-01-01"}),
    ("is-timestamp-no-zone", rule("IsTimestamp", True), {"v": "2024-01-01T00:00:00"}),
    ("is-timestamp-lower-case", rule("IsTimestamp", True), {"v": "2024-01-01t00:00:00z"}),
    ("matches-all", rule("StringMatches", "*"), {"v": ""}),
    ("matches-prefix", rule("StringMatches", "log-*.txt"), {"v": "log-1.txt"}),
    ("matches-not", rule("StringMatches", "log-*.txt"), {"v": "log-1.txt.gz"}),
    ("matches-escaped-star", rule("StringMatches", "a\\*b"), {"v": "a*b"}),
    ("matches-escaped-star-not", rule("StringMatches", "a\\*b"), {"v": "axb"}),
    ("matches-escaped-backslash", rule("StringMatches", "a\\\\*"), {"v": "a\\b"}),
    ("matches-question-mark", rule("StringMatches", "a?c"), {"v": "abc"}),
    ("matches-bracket", rule("StringMatches", "[ab]"), {"v": "a"}),
    ("matches-line-end", rule("StringMatches", "a*c"), {"v": "a\nc"}),
    ("and", {"And": [rule("NumericGreaterThan", 0), rule("NumericLessThan", 9)]}, {"v": 5}),
    ("and-not", {"And": [rule("NumericGreaterThan", 0), rule("NumericLessThan", 9)]}, {"v": 10}),
    ("and-stops-early", {"And": [rule("IsPresent", True), rule("NumericEquals", 1)]}, {}),
    ("or", {"Or": [rule("NumericEquals", 0), rule("NumericEquals", 9)]}, {"v": 9}),
    ("or-stops-early", {"Or": [rule("IsPresent", False), rule("NumericEquals", 1)]}, {}),
    ("not", {"Not": rule("NumericEquals", 0)}, {"v": 9}),
    ("not-of-other-type", {"Not": rule("NumericEquals", 0)}, {"v": "x"}),
    ("nested", {"Not": {"Or": [rule("IsNull", True), {"And": [rule("IsString", True), rule("StringEquals", "x")]}]}},
     {"v": "y"}),
    ("variable-missing", rule("NumericEquals", 1), {}),
    ("variable-missing-below-null", rule("NumericEquals", 1, "$.v.w"), {"v": None}),
    ("operand-missing", rule("NumericEqualsPath", "$.zzz"), {"v": 1}),
    ("operand-of-other-type", rule("NumericEqualsPath", "$.w"), {"v": 1, "w": "1"}),
    ("is-string-missing", rule("IsString", True), {}),
    ("is-null-missing", rule("IsNull", True), {}),
    ("variable-context", rule("StringEquals", "S", "$$.State.Name"), {}),
    ("variable-whole", rule("IsString", True, "$"), "text"),
    ("variable-whole-null", rule("IsNull", True, "$"), None),
]  # fmt: skip

ORDERED = [
    Case(f"choice/{kind}{order}-{number}", PAGE, choosing(rule(f"{kind}{order}", values[1])), {"v": value})
    for kind, values in VALUES.items()
    for order in ORDERS
    for number, value in enumerate(values)
]
ORDERED_PATHS = [
    Case(f"choice/{kind}{order}Path", PAGE, choosing(rule(f"{kind}{order}Path", "$.w")), {"v": low, "w": high})
    for kind, (low, _, high) in VALUES.items()
    for order in ORDERS
]
CHOICE = [
    *ORDERED,
    *ORDERED_PATHS,
    *(Case(f"choice/{name}", PAGE, choosing(test), given) for name, test, given in TESTS),
    Case("choice/first-of-two", PAGE, choosing(rule("NumericEquals", 1), rule("IsNumeric", True)), {"v": 1}),
    Case("choice/second-of-two", PAGE, choosing(rule("NumericEquals", 1), rule("IsNumeric", True)), {"v": 2}),
    Case("choice/no-default", PAGE, choosing(rule("NumericEquals", 1), default=False), {"v": 2}),
    Case(
        "choice/paths", PAGE,
        {"StartAt": "S", "States": {
            "S": {"Type": "Choice", "InputPath": "$.a", "OutputPath": "$.w", "Choices": [
                {**rule("NumericEquals", 1), "Next": "R"}], "Default": "R"},
            "R": {"Type": "Pass", "End": True}}},
        {"a": {"v": 1, "w": 2}},
    ),
]  # fmt: skip
