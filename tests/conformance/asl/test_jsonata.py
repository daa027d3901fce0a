"""JSONata as AWS has it.

GUIDE: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
LANGUAGE: https://docs.jsonata.org/2.0.0
EDITOR: https://github.com/aws/amazon-states-language-service, src/asl-utils/utils/jsonata/functions.ts, AWS's own.
"""

import json
import uuid
from typing import Any

import pytest

from penstock.states.failures import StateFailedError
from penstock.states.jsonata import Bindings, check, contains_expression, evaluate, is_expression

NOW = 1_495_000_000.152


def bindings(value: Any = None, entropy: str = "execution-1", **variables: Any) -> Bindings:
    return Bindings({"input": value, "context": {"Execution": {"Id": "e"}}}, variables, NOW, entropy)


def value_of(expression: str, value: Any = None, **variables: Any) -> Any:
    return evaluate(f"{{% {expression} %}}", bindings(value, **variables), place="Output")


def cause_of(template: Any, value: Any = None, place: str = "Output", **variables: Any) -> str:
    with pytest.raises(StateFailedError) as failed:
        evaluate(template, bindings(value, **variables), place=place)
    assert failed.value.error == "States.QueryEvaluationError"
    return failed.value.cause


# GUIDE, "Writing JSONata expressions in JSON strings": "the string must start with {% with no leading spaces, and must
# end with %} with no trailing spaces".
EXPRESSIONS = [
    ("{% $timeout %}", True), ("{%1%}", True), ("{% %}", True), (" {% 1 %}", False), ("{% 1 %} ", False),
    ("{% 1", False), ("1 %}", False), ("a {% 1 %} b", False), ("$customerName", False), ("{%}", False),
    (1, False), (None, False), (["{% 1 %}"], False), ({"a": "{% 1 %}"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), EXPRESSIONS)
def test_what_is_an_expression(value: Any, expected: bool) -> None:
    assert is_expression(value) is expected


# GUIDE, the sample before and after its conversion, and the examples of templates.
TEMPLATES = [
    ({"static": "Hello", "title": "{% $states.input.title %}", "name": "{% $customerName %}",
      "not-evaluated": "$customerName"}, {"title": "Doctor"}, {"customerName": "María"},
     {"static": "Hello", "title": "Doctor", "name": "María", "not-evaluated": "$customerName"}),
    ({"field1": "{% $name %}"}, None, {"name": "n"}, {"field1": "n"}),
    ([1, "{% $two %}", 3], None, {"two": 2}, [1, 2, 3]),
    ({"lastName": "{% 'Last=>' & $states.input.customer.lastName %}",
      "orderValue": "{% $states.input.order.total %}"},
     {"customer": {"firstName": "Martha", "lastName": "Rivera"}, "order": {"items": 7, "total": 27.91}}, {},
     {"lastName": "Last=>Rivera", "orderValue": 27.91}),
    ("{% $current_price <= $states.input.desired_price %}", {"desired_price": 5}, {"current_price": 4}, True),
    ({"{% 1 %}": "{% 1 %}"}, None, {}, {"{% 1 %}": 1}),
    (True, None, {}, True), (42, None, {}, 42), (None, None, {}, None), ({}, None, {}, {}), ([], None, {}, []),
]  # fmt: skip


@pytest.mark.parametrize(("template", "value", "variables", "expected"), TEMPLATES)
def test_templates(template: Any, value: Any, variables: Any, expected: Any) -> None:
    before = json.dumps([template, value, variables])
    assert evaluate(template, bindings(value, **variables)) == expected
    assert json.dumps([template, value, variables]) == before
    assert contains_expression(template) is ("{%" in json.dumps(template))


PRODUCTS = [
    {"calories": 140, "flavour": "Cola", "name": "Product-1"}, {"calories": 0, "flavour": "Cola", "name": "Product-2"},
    {"calories": 160, "flavour": "Orange", "name": "Product-3"},
    {"calories": 100, "flavour": "Orange", "name": "Product-4"},
    {"calories": 0, "flavour": "Lime", "name": "Product-5"},
]  # fmt: skip


# GUIDE, "Filtering with JSONata".
def test_the_guides_filter() -> None:
    output = evaluate({"dietProducts": "{% $states.input.products[calories=0] %}"}, bindings({"products": PRODUCTS}))
    assert output == {"dietProducts": [PRODUCTS[1], PRODUCTS[4]]}


# GUIDE, "Reserved variable: $states".
def test_the_reserved_variable() -> None:
    states = {"input": 1, "result": 2, "errorOutput": {"Error": "E"}, "context": lambda: {"State": {"Name": "S"}}}
    template = "{% [$states.input, $states.result, $states.errorOutput.Error, $states.context.State.Name] %}"
    assert evaluate(template, Bindings(states)) == [1, 2, "E", "S"]


# GUIDE, "JSONata functions provided by Step Functions", and EDITOR.
AWS_FUNCTIONS = [
    ("$partition([1,2,3,4], $states.input.chunkSize)", {"chunkSize": 2}, [[1, 2], [3, 4]]),
    ("$partition([1, 2, 3, 4, 5], 2)", None, [[1, 2], [3, 4], [5]]),
    ("$partition([1, 2, 3, 4, 5], 1)", None, [[1], [2], [3], [4], [5]]),
    ("$partition([1, 2, 3, 4, 5], 5)", None, [[1, 2, 3, 4, 5]]),
    ("$partition([1, 2, 3, 4, 5], 6)", None, [[1, 2, 3, 4, 5]]),
    ("$partition([], 2)", None, []),
    # "automatically round down any non-integer numbers provided"
    ("$partition([1, 2, 3], 2.9)", None, [[1, 2], [3]]),
    ("$range(0, 10, 2)", None, [0, 2, 4, 6, 8, 10]), ("$range(0, 3, 1)", None, [0, 1, 2, 3]),
    ("$range(1, -5, -1)", None, [1, 0, -1, -2, -3, -4, -5]), ("$range(1, 9, 3)", None, [1, 4, 7]),
    ("$range(1, 1, 2)", None, [1]), ("$range(1, 9, 0)", None, []), ("$range(5, 1, 1)", None, []),
    ("$range(0.9, 2.9, 1.5)", None, [0, 1, 2]),
    # The digests of "input data" and of "abc": RFC 1321, FIPS 180-4.
    ('$hash("input data", "SHA-1")', None, "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ('$hash("abc", "MD5")', None, "900150983cd24fb0d6963f7d28e17f72"),
    ('$hash("abc", "SHA-256")', None, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ('$hash("abc", "SHA-384")', None, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23"
                                      "58baeca134c825a7"),
    ('$hash("abc", "SHA-512")', None, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a8"
                                      "36ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
    ("$parse('{\"foo\": \"bar\"}')", None, {"foo": "bar"}),
    ("$parse('[1, 2.0, null, true]')", None, [1, 2, None, True]),
    ("$parse($states.input.json_string).a", {"json_string": '{"a": {"b": 1.5}}'}, {"b": 1.5}),
    # java.util.Random, new Random(42).nextDouble(): the value that AWS was reported to give.
    ("$random(42)", None, 0.7275636800328681), ("$random(42.9)", None, 0.7275636800328681),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value", "expected"), AWS_FUNCTIONS)
def test_functions_of_aws(expression: str, value: Any, expected: Any) -> None:
    assert value_of(expression, value) == expected


# GUIDE, the same: "0 ≤ n < 1", "returns an identical number", "v4 UUID"; and replays.
def test_chance_is_handed_in() -> None:
    template = {"a": "{% $random() %}", "b": "{% $random() %}", "c": "{% $uuid() %}", "d": "{% $uuid() %}",
                "e": "{% $shuffle([1..20]) %}", "f": "{% $random(7) %}"}  # fmt: skip
    first, again, other = (evaluate(template, bindings(entropy=entropy)) for entropy in ("x", "x", "y"))
    assert first == again
    assert all(first[name] != other[name] for name in "abcde")
    assert first["f"] == other["f"]
    assert 0 <= first["a"] < 1
    assert first["a"] != first["b"]
    assert uuid.UUID(first["c"]).version == uuid.UUID(first["d"]).version == 4
    assert first["c"] != first["d"]
    assert sorted(first["e"]) == list(range(1, 21))
    assert evaluate("{% $random() %}", bindings(), place="Output") != evaluate(
        "{% $random() %}", bindings(), place="Assign"
    )


# LANGUAGE, "Date/Time functions": "All invocations of $now() within an evaluation … will all return the same".
def test_time_is_handed_in() -> None:
    assert value_of("[$now(), $millis(), $now('[Y0001]-[M01]-[D01]'), $now() = $now()]") == [
        "2017-05-17T05:46:40.152Z", 1_495_000_000_152, "2017-05-17", True,
    ]  # fmt: skip


# LANGUAGE, "$toMillis": what a picture leaves open in front comes from the evaluation's moment, not from a clock.
def test_times_that_leave_the_day_open() -> None:
    assert value_of("$toMillis('12:34', '[H01]:[m01]')") == 1_495_024_440_000
    assert value_of("$toMillis('3 Feb', '[D] [MNn,3-3]')") == 1_486_080_000_000
    assert value_of("$toMillis('2018-03', '[Y0001]-[M01]')") == 1_519_862_400_000
    assert value_of("$toMillis('GMT+00:00', '[z]')") == 1_495_000_000_152


# GUIDE, "Handling expression errors", with the codes of LANGUAGE, "Error codes" and JSONata's messages.
FAILURES = [
    ("$x + $y", 'T2002: The right side of the "+" operator must evaluate to a number'),
    ("$y + $x", 'T2001: The left side of the "+" operator must evaluate to a number'),
    ("-$y", 'D1002: Cannot negate a non-numeric value: "text"'),
    ("$x < $y", 'T2009: The values 1 and "text" either side of operator "<" must be of the same data type'),
    ("[] > 1", 'T2010: The expressions either side of operator ">" must evaluate to numeric or string values'),
    ("[1.5..2]", "T2003: The left side of the range operator (..) must evaluate to an integer"),
    ("[1..10000001]", "D2014: The size of the sequence allocated by the range operator (..) must not exceed 1e6."
     "  Attempted to allocate 10000001."),
    ("$abs($y)", 'T0410: Argument 1 of function "abs" does not match function signature'),
    ("$sum([1, $y])", 'T0412: Argument 1 of function "sum" must be an array of "numbers"'),
    ("$number($y)", 'D3030: Unable to cast value to a number: "text"'),
    ("$y()", "T1006: Attempted to invoke a non-function"), ("$unknown(1)", "T1006: Attempted to invoke a non-function"),
    ("$error('because')", "D3137: because"), ("$assert(false, 'so')", "D3141: so"),
    ("$sqrt(-1)", "D3060: The sqrt function cannot be applied to a negative number: -1"),
    ("{1: 2}", "T1003: Key in object structure must evaluate to a string; got: 1"),
    ("$replace('a', '', 'b')", "D3010: Second argument of replace function cannot be an empty string"),
    ("$match('b', /a*/)", "D1004: Regular expression matches zero length string"),
    ("$sort([1, 'a'])",
     "D3070: The single argument form of the sort function can only be applied to an array of strings or"
     " an array of numbers.  Use the second argument to specify a comparison function"),
    # "$eval is not available"
    ("$eval('1 + 1')", "T1006: Attempted to invoke a non-function"),
    ("1 +", "S0207: Unexpected end of expression"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), FAILURES)
def test_failures(expression: str, message: str) -> None:
    cause = cause_of({"v": ["{% " + expression + " %}"]}, x=1, y="text")
    assert cause == (
        f"The JSONata expression '{expression}' specified for the field 'Output/v[0]'"
        f" threw an error during evaluation. {message}"
    )


# GUIDE, the same list: "Failure to return a result - JSON cannot represent an undefined value expression".
@pytest.mark.parametrize(
    "expression", ["$data.thisFieldDoesNotExist", "$unknown", "$states.input.a.b", "$states.result", "$$"]
)
def test_what_is_undefined_is_a_failure(expression: str) -> None:
    cause = cause_of("{% " + expression + " %}", {"a": 1}, data={})
    assert (
        cause == f"The JSONata expression '{expression}' specified for the field 'Output' returned nothing (undefined)."
    )


# GUIDE, the same list: "Memory limit exceeded", "Expression timeout", "Stack overflow", with the words that it shows.
ENDLESS = [
    ("($f := function($x) { $f($x + 1) }; $f(1))", "Expression evaluation timeout"),
    ("($f := function($x) { 1 + $f($x + 1) }; $f(1))", "Stack overflow error"),
    ("($f := function($x) { $f($x & $x) }; $f('aa'))", "Expression evaluation memory limit exceeded"),
    ("($f := function($x) { $f([$x, $x]) }; $f([1]))", "Expression evaluation memory limit exceeded"),
    ("[1..1000000]", "Expression evaluation memory limit exceeded"),
    ("$range(1, 1000000000000, 1)", "Expression evaluation memory limit exceeded"),
    ("$pad('', 1000000000)", "Expression evaluation memory limit exceeded"),
    ("$join([1..1000].$string(), $pad('', 100000))", "Expression evaluation memory limit exceeded"),
    ("$replace($pad('', 100000, 'a'), 'a', $pad('', 100000))", "Expression evaluation memory limit exceeded"),
    ("$formatInteger(1e15, 'I')", "Expression evaluation memory limit exceeded"),
    ("($f := function($x, $n) { $n = 0 ? $x : $f([[$x]], $n - 1) }; $f(1, 3000))",
     "Expression evaluation memory limit exceeded"),
    ("($x := [1..100000]; $x@$a.$x@$b.($a))", "Expression evaluation"),
    ("($f := function($x, $n) { $n = 0 ? $x : $f({'a': $x, 'b': $x}, $n - 1) }; $f(1, 64) = $f(1, 64))",
     "Expression evaluation"),
    ("+".join(["1"] * 200), "Stack overflow error"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "words"), ENDLESS)
def test_evaluation_is_bounded(expression: str, words: str) -> None:
    cause = cause_of("{% " + expression + " %}")
    assert f"threw an error during evaluation: {words}" in cause


# GUIDE, the same list: "Type incompatibility", "Value out of range".
def test_what_a_field_does_not_take() -> None:
    for value, shown in (("30", "'string' for value: \"30\""), (-1, "'number' for value: -1")):
        with pytest.raises(StateFailedError) as failed:
            evaluate("{% $timeout %}", bindings(timeout=value), place="TimeoutSeconds",
                     accepts=lambda found: isinstance(found, int) and found > 0, kind="number")  # fmt: skip
        assert failed.value.cause == (
            "The JSONata expression '$timeout' specified for the field 'TimeoutSeconds'"
            f" returned an unexpected result type. Expected 'number', but was {shown}"
        )


# Functions are no JSON; numbers out of range come out as a JSON writer quotes them, which AWS was reported to do.
def test_what_json_cannot_hold() -> None:
    for expression in ("$sum", "function($x){$x}", "[1, $sum]", "{'a': /a/}"):
        assert cause_of("{% " + expression + " %}").endswith("returned an unsupported result type.")
    assert value_of("[1/0, -1/0, 0/0]") == ["Infinity", "-Infinity", "NaN"]
    assert value_of("'\\ud83d\\ude00' & '\\ud800'") == "\U0001f600\ufffd"


# GUIDE: "Improperly opening or closing the expression will result in a validation error", "$eval is not available",
# "based on the 2.0.6 specification"; AWS refuses references without $states or a variable in front.
REFUSED = [
    (" {% 1 %}", "without spaces"), ("{% 1 %} ", "without spaces"), ("{% 1", "ends with"), ("1 %}", "begins with"),
    ("{% %}", "empty"), ("{% 1 + %}", "Unexpected end"), ("{% (1 %}", 'Expected ")"'), ("{% 'a %}", "matching quote"),
    ("{% /a %}", "No terminating /"), ("{% $eval('1') %}", "$parse"), ("{% [1].$eval('1') %}", "$parse"),
    ("{% foo %}", "Reference to 'foo' at the top level is not supported."), ("{% foo.bar[baz] %}", "'foo'"),
    ("{% $ %}", "Reference to '$' at the top level"), ("{% $$ %}", "'$$'"), ("{% $.a %}", "'$'"),
    ("{% $$.a %}", "'$$'"),
    ("{% * %}", "'*'"), ("{% **.a %}", "'**'"), ("{% {'a': b} %}", "'b'"), ("{% [a] %}", "'a'"), ("{% 1 + a %}", "'a'"),
    ("{% $sum(a) %}", "'a'"), ("{% (x; 1) %}", "'x'"), ("{% $x ? a : 1 %}", "'a'"),
    ("{% function($x){ a }(1) %}", "'a'"),
    ("{% 2 ?? 1 %}", 'The symbol "?"'), ("{% 1 ?: 1 %}", 'The symbol ":"'), ("{% $x ~> $f(a) %}", "'a'"),
    ("{% /(?P<a>b)/ %}", "invalid group"),
    ("{% function($a)<n+n+n+:n>{ 1 }(1) %}", "too many parameters"),
    ("{% $states.foo %}", "$states.foo is not available here"), ("{% $x[$states.foo] %}", "$states.foo"),
    ("{% " + "(" * 5000 + " %}", "Stack overflow"), ("{% " + "1 " * 50_000 + " %}", "longer than"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_expressions_that_are_refused(text: str, words: str) -> None:
    mistake = check(text)
    assert mistake is not None
    assert words in mistake


SOUND = [
    "$customerName", "{", "%}%", "", "{% $states.input.a.b[c = 1].d %}", "{% $x.a %}", "{% $x.($) %}", "{% $x.$ %}",
    "{% $x[$ = 1] %}", "{% $x.*.a %}", "{% $x.**.a %}", "{% $x^(>a, b) %}", "{% $x{a: b} %}", "{% $x.{'a': b} %}",
    "{% $x.a.{'b': %.c} %}", "{% $x ~> |a|{'b': c}, 'd'| %}", "{% $map($x, function($v, $i){ $v.a + $i }) %}",
    "{% ($a := 1; $a) %}", "{% $x#$i.{'i': $i, 'a': a} %}", "{% $x@$v.$y@$w[$v.a = $w.b].{'c': $w.d} %}",
    "{% $f(?, 1) %}",
    "{% [1..3].($ * 2) %}", "{% $parse($states.input.a) %}", "{% $exists($states.context.Task.Token) %}",
     "{% 'eval' %}",
    "{% $states %}", "{% $x.eval %}", "{% /a+/ %}", "{% {'a': 1}.a %}", "{% (1; 2)[0] %}", "{% $x[a][0] %}",
]  # fmt: skip


@pytest.mark.parametrize("text", SOUND)
def test_expressions_that_are_sound(text: str) -> None:
    assert check(text) is None


# GUIDE, "Reserved variable": "Attempting to access $states.result or $states.errorOutput in fields and states where
# they are not accessible will be caught at creation".
def test_fields_of_states_where_they_are_not() -> None:
    offered = frozenset({"input", "context"})
    assert check("{% $states.input & $states.context.State.Name %}", offered=offered) is None
    assert check("{% $states.result %}") is None
    for field in ("result", "errorOutput"):
        mistake = check("{% $x.a & $states." + field + ".b %}", offered=offered)
        assert mistake == f"$states.{field} is not available here: there is context, input"
