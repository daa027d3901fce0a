"""What the rules of a Choice in JSONPath may be. https://states-language.net/spec.html#choice-state"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.errors import Finding
from penstock.states.choice import COMPARISONS, KINDS, OPERATORS, TYPE_TESTS, has_open_escape
from penstock.states.lint.comments import check_comment
from penstock.states.lint.paths import any_mistake
from penstock.states.lint.words import shown, unknown_fields

BOOLEAN = ("And", "Or", "Not")
KNOWN = OPERATORS | {*BOOLEAN, "Variable", "Next", "Comment", "Assign"}
OTHER = ("JSONata", frozenset({"Condition", "Output"}))


def check_rules(rules: Any, where: str) -> Iterator[Finding]:
    """Yields what is wrong with the rules of a Choice."""
    if not isinstance(rules, list) or not rules:
        yield Finding(where, "type", "Choices is a list of rules", 'write [{"Variable": "$.x", …, "Next": "…"}]')
        return
    for number, rule in enumerate(rules):
        place = f"{where}[{number}]"
        if isinstance(rule, dict) and "Next" not in rule:
            yield Finding(place, "required", "a rule needs Next", "name the state to go on with")
        yield from _rule(rule, place, is_top=True)


def _rule(rule: Any, where: str, *, is_top: bool) -> Iterator[Finding]:
    if not isinstance(rule, dict):
        yield Finding(where, "type", "a rule is a JSON object", 'write {"Variable": …}')
        return
    if not is_top and "Assign" in rule:
        yield Finding(f"{where}.Assign", "unknown-field", "only a rule at the top has Assign", "move it up")
    if not is_top and "Next" in rule:
        yield Finding(f"{where}.Next", "unknown-field", "only a rule at the top has Next", "move it up")
    operators = [name for name in rule if name in OPERATORS or name in BOOLEAN]
    yield from unknown_fields(rule, KNOWN, where, OTHER)
    yield from check_comment(rule, where)
    if len(operators) != 1:
        yield Finding(where, "rule", f"the rule has {len(operators)} operators", "give exactly one")
        return
    name = operators[0]
    if name in BOOLEAN:
        if "Variable" in rule:
            yield Finding(
                f"{where}.Variable", "unknown-field", f"{name} has no Variable", "put it into the inner rules"
            )
        yield from _combination(name, rule[name], f"{where}.{name}")
        return
    mistake = any_mistake(rule.get("Variable"), reference=True)
    if mistake:
        yield Finding(f"{where}.Variable", "path", mistake, "such as $.order.total")
    yield from _operand(name, rule[name], f"{where}.{name}")


def _combination(name: str, inner: Any, where: str) -> Iterator[Finding]:
    if name == "Not":
        yield from _rule(inner, where, is_top=False)
        return
    if not isinstance(inner, list) or not inner:
        yield Finding(where, "type", f"{name} is a list of rules", "give at least one")
        return
    for number, one in enumerate(inner):
        yield from _rule(one, f"{where}[{number}]", is_top=False)


def _operand(name: str, operand: Any, where: str) -> Iterator[Finding]:
    if name in TYPE_TESTS or name == "IsPresent":
        fits, kind = isinstance(operand, bool), "true or false"
    elif name == "StringMatches":
        fits, kind = isinstance(operand, str), "text, with * for any characters"
        if isinstance(operand, str) and has_open_escape(operand):
            yield Finding(where, "value", "a backslash escapes only * and \\", r"write \\* or \\\\")
    elif name in COMPARISONS:
        kind = COMPARISONS[name][0]
        fits = KINDS[kind](operand)
    else:
        mistake = any_mistake(operand, reference=True)
        fits, kind = mistake is None, "a path"
    if not fits:
        yield Finding(where, "type", f"{name} compares with {shown(operand)}", f"give {kind}")
