"""No expression and no value makes JSONata raise anything but its own errors, hang, or change what it is given."""

import json
import math
import sys
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.states.failures import StateFailedError
from penstock.states.jsonata import Bindings, check, evaluate, is_expression
from penstock.states.jsonata.regex import Pattern, RegexError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip

DIVISORS = st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15).filter(lambda number: abs(number) > 1e-200)

FUNCTIONS = [
    "sum", "count", "max", "min", "average", "string", "substring", "substringBefore", "substringAfter", "lowercase",
    "uppercase", "length", "trim", "pad", "match", "contains", "replace", "split", "join", "formatNumber", "formatBase",
    "formatInteger", "parseInteger", "number", "floor", "ceil", "round", "abs", "sqrt", "power", "random", "boolean",
     "not",
    "map", "zip", "filter", "single", "reduce", "sift", "keys", "lookup", "append", "exists", "spread", "merge",
     "reverse",
    "each", "error", "assert", "type", "sort", "shuffle", "distinct", "base64encode", "base64decode",
     "encodeUrlComponent",
    "encodeUrl", "decodeUrlComponent", "decodeUrl", "eval", "toMillis", "fromMillis", "clone", "now", "millis",
     "partition",
    "range", "hash", "uuid", "parse",
]  # fmt: skip

ATOMS = st.sampled_from([
    "1", "-2.5", "1e308", "0", "10000000", "'a'", "''", "'[Y,9]'", "'#,##0.0#'", "'w'", "'%zz'", "true", "null", "$",
     "$$",
    "a", "*", "**", "%", "$v", "$states.input", "$states.input.a", "$unknown", "/a+/", "/(a*)*b/i", "[]", "{}",
    "function($x){$x}", "function($x, $y){$x < $y}", "[1..5]", "?", "`a b`", "$f", "$states",
])  # fmt: skip


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "%", "&", "=", "!=", "<", ">=", "in", "and", "or", ".", "..",
                                   "~>", ":=", "@", "#", "??", "^", ";"]), two)
        .map(lambda parts: f" {parts[0]} ".join(parts[1])),
        st.tuples(st.sampled_from(FUNCTIONS), st.lists(inner, max_size=4))
        .map(lambda parts: f"${parts[0]}({', '.join(parts[1])})"),
        two.map("[{0[0]}, {0[1]}]".format), two.map(lambda pair: f"{{{pair[0]}: {pair[1]}}}"),
        two.map("({0[0]})[{0[1]}]".format), two.map("({0[0]}).({0[1]})".format),
        two.map(lambda pair: f"({pair[0]}){{{pair[1]}: $}}"), two.map("({0[0]})^(>{0[1]})".format),
        two.map("($f := {0[0]}; {0[1]})".format), two.map("{0[0]} ? {0[1]} : $v".format),
        two.map("({0[0]}) ~> |$|{{'b': {0[1]}}}, 'a'|".format), two.map("({0[0]})#$i.({0[1]})".format),
        two.map("({0[0]})@$o.({0[1]})".format), inner.map("-({0})".format), inner.map("function($x){{{0}}}(1)".format),
        inner.map("[1..3].({0})".format), inner.map("[{0}..3]".format),
    )  # fmt: skip


EXPRESSIONS = st.recursive(ATOMS, combined, max_leaves=6)


def outcome(text: str, value: Any = None, entropy: str = "e") -> Any:
    """Returns what an expression evaluates to as JSON text, or its error; anything else that it raises is a failure."""
    bindings = Bindings({"input": value, "context": {}}, {"v": [1, "a", None]}, 1.5, entropy)
    try:
        return json.dumps(evaluate("{%" + text + "%}", bindings, place="Output"), allow_nan=False)
    except StateFailedError as failure:
        kind, cause = failure.error, failure.cause
    assert kind == "States.QueryEvaluationError"
    assert len(cause) <= 32_768
    return cause


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EXPRESSIONS, JSON)
def test_expressions_end_in_json_or_in_their_error_and_replay_to_the_same(text: str, value: Any) -> None:
    before = json.dumps(value)
    first = outcome(text, value)
    assert json.dumps(value) == before
    assert outcome(text, json.loads(before)) == first
    mistake = check("{%" + text + "%}")
    assert mistake is None or isinstance(mistake, str)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40) | st.text("$.[]{}()%*/'\"`|~>:=!?@#^&,;\\\u03bb a1", max_size=40))
def test_any_text_is_an_expression_or_its_error(text: str) -> None:
    outcome(text)
    assert check("{%" + text + "%}") is None or "returned" not in str(check("{%" + text + "%}"))
    check(text)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_values_pass_through_unchanged(value: Any) -> None:
    bindings = Bindings({"input": value}, {"v": value})
    plain = {"a": value, "b": [value]}
    if not any(is_expression(text) for text in json.dumps(plain).split('"')):
        assert json.dumps(evaluate(plain, bindings)) == json.dumps(plain)
    got = evaluate(
        {"a": "{% $states.input %}", "b": "{% $v %}", "c": "{% $parse($string({'v': $v})).v = $v %}"}, bindings
    )
    assert got["a"] == got["b"] == value
    assert got["a"] is not value or not isinstance(value, dict | list), "what comes out is the caller's own"
    if all(abs(number) < 1e15 for number in floats(value)):
        assert got["c"] is True


def floats(value: Any) -> list[float]:
    """Returns the numbers that fifteen digits may not be enough for."""
    if isinstance(value, dict):
        return [number for inner in value.values() for number in floats(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in floats(inner)]
    if isinstance(value, float) and float(f"{value:.15g}") != value:
        return [math.inf]
    return [value] if isinstance(value, int | float) else []


@settings(max_examples=100, deadline=None)
@given(st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15), DIVISORS)
def test_arithmetic_is_that_of_doubles(left: float, right: float) -> None:
    bindings = Bindings({}, {"a": left, "b": right})
    for operator, expected in (
        ("+", float(left) + float(right)),
        ("-", float(left) - float(right)),
        ("*", float(left) * float(right)),
    ):
        got = evaluate(f"{{% $a {operator} $b %}}", bindings)
        assert got == expected
        assert isinstance(got, int) is (expected.is_integer() and abs(expected) <= 2**53), "no 1.0 for 1"
    if right:
        assert evaluate("{% $a / $b %}", bindings) == float(left) / float(right)
        assert evaluate("{% $a % $b %}", bindings) == math.fmod(left, right)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-9, 9), max_size=12),
    st.integers(1, 5),
    st.integers(-20, 20),
    st.integers(-20, 20),
    st.integers(-4, 4),
)
def test_partitions_and_ranges(items: list[int], size: int, first: int, last: int, step: int) -> None:
    bindings = Bindings({}, {"items": items, "size": size, "first": first, "last": last, "step": step})
    chunks = evaluate("{% $partition($items, $size) %}", bindings)
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= size for chunk in chunks[-1:])
    expected = [] if step == 0 else list(range(first, last + (1 if step > 0 else -1), step))
    assert evaluate("{% $range($first, $last, $step) %}", bindings) == expected


@settings(max_examples=100, deadline=None)
@given(st.text("ab01()[]{}*+?|^$.\\dwsSDWBkxu-,:=!<>P#&~", max_size=14), st.text("ab01 \n", max_size=20))
def test_any_pattern_matches_or_is_refused(pattern: str, text: str) -> None:
    try:
        compiled = Pattern(pattern, ignore_case=False, multiline=False)
        found = list(compiled.finditer(text))
        assert "".join(compiled.split(text)) + "".join(match[0] for match in found) != text or not found or text
        assert sum(len(piece) for piece in compiled.split(text)) + sum(len(match[0]) for match in found) == len(text)
    except RegexError:
        pass


def test_deep_values_and_templates_are_errors() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert "memory limit" in outcome("$states.input", deep)
    assert evaluate(deep, Bindings({"input": 1})) is deep
    deep = "{% 1 %}"
    for number in range(100_000):
        deep = [deep] if number % 2 else {"a": deep}
    with pytest.raises(StateFailedError, match="Stack overflow"):
        evaluate(deep, Bindings({"input": 1}))
    assert "Stack overflow" in outcome("-(" * 3000 + "1" + ")" * 3000)


def test_threads_evaluate_beside_each_other_and_leave_pythons_limits_alone() -> None:
    limit, wrong = sys.getrecursionlimit(), []

    def work(number: int) -> None:
        for turn in range(30):
            got = outcome(f"($f := function($n) {{ $n = 0 ? {number} : $f($n - 1) }}; [$f(20), {turn}])")
            if got != json.dumps([number, turn]):
                wrong.append(got)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sys.getrecursionlimit() == limit
