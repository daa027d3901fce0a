"""JSONata 2.0.6 itself: what AWS's states may count on.

LANGUAGE: https://docs.jsonata.org/2.0.0, with the page named.
EDITOR: https://github.com/aws/amazon-states-language-service, src/asl-utils/utils/jsonata/functions.ts: AWS's own
editor quotes the examples of LANGUAGE for each function.
"""

import json
from typing import Any

import pytest

from penstock.states.failures import StateFailedError
from penstock.states.jsonata import Bindings, evaluate


def value_of(expression: str, value: Any = None) -> Any:
    return evaluate(f"{{% {expression} %}}", Bindings({"input": value}), place="Output")


# LANGUAGE, the pages of functions, and EDITOR: every example with a value.
FUNCTIONS = [
    ("$string(5)", "5"), ('[1..5].$string()', ["1", "2", "3", "4", "5"]),
    ('$length("Hello World")', 11),
    ('$substring("Hello World", 3)', "lo World"), ('$substring("Hello World", 3, 5)', "lo Wo"),
    ('$substring("Hello World", -4)', "orld"), ('$substring("Hello World", -4, 2)', "or"),
    ('$substringBefore("Hello World", " ")', "Hello"), ('$substringAfter("Hello World", " ")', "World"),
    ('$uppercase("Hello World")', "HELLO WORLD"), ('$lowercase("Hello World")', "hello world"),
    ('$trim("   Hello    \n World  ")', "Hello World"),
    ('$pad("foo", 5)', "foo  "), ('$pad("foo", -5)', "  foo"), ('$pad("foo", -5, "#")', "##foo"),
    ("$formatBase(35, 2) ~> $pad(-8, '0')", "00100011"),
    ('$contains("abracadabra", "bra")', True), ('$contains("abracadabra", /a.*a/)', True),
    ('$contains("abracadabra", /ar.*a/)', False), ('$contains("Hello World", /wo/)', False),
    ('$contains("Hello World", /wo/i)', True),
    ('$split("so many words", " ")', ["so", "many", "words"]), ('$split("so many words", " ", 2)', ["so", "many"]),
    ('$split("too much, punctuation. hard; to read", /[ ,.;]+/)',
     ["too", "much", "punctuation", "hard", "to", "read"]),
    ("$join(['a','b','c'])", "abc"),
    ("$split(\"too much, punctuation. hard; to read\", /[ ,.;]+/, 3) ~> $join(', ')", "too, much, punctuation"),
    ('$match("ababbabbcc",/a(b+)/)', [{"match": "ab", "index": 0, "groups": ["b"]},
     {"match": "abb", "index": 2, "groups": ["bb"]}, {"match": "abb", "index": 5, "groups": ["bb"]}]),
    ('$replace("John Smith and John Jones", "John", "Mr")', "Mr Smith and Mr Jones"),
    ('$replace("John Smith and John Jones", "John", "Mr", 1)', "Mr Smith and John Jones"),
    ('$replace("abracadabra", /a.*?a/, "*")', "*c*bra"),
    ('$replace("John Smith", /(\\w+)\\s(\\w+)/, "$2, $1")', "Smith, John"),
    ('$replace("265USD", /([0-9]+)USD/, "$$$1")', "$265"),
    ('($convert := function($m) { ($number($m.groups[0]) - 32) * 5/9 & "C" };'
     ' $replace("temperature = 68F today", /(\\d+)F/, $convert))', "temperature = 20C today"),
    ('$base64encode("abc:def")', "YWJjOmRlZg=="), ('$base64decode("YWJjOmRlZg==")', "abc:def"),
    ('$encodeUrlComponent("?x=test")', "%3Fx%3Dtest"), ('$decodeUrlComponent("%3Fx%3Dtest")', "?x=test"),
    ('$encodeUrl("https://mozilla.org/?x=шеллы")', "https://mozilla.org/?x=%D1%88%D0%B5%D0%BB%D0%BB%D1%8B"),
    ('$decodeUrl("https://mozilla.org/?x=%D1%88%D0%B5%D0%BB%D0%BB%D1%8B")', "https://mozilla.org/?x=шеллы"),
    ('$number("5")', 5), ('$number("0x12")', 0x12), ('["1", "2", "3", "4", "5"].$number()', [1, 2, 3, 4, 5]),
    ("$abs(5)", 5), ("$abs(-5)", 5), ("$floor(5.3)", 5), ("$floor(5.8)", 5), ("$floor(-5.3)", -6),
    ("$ceil(5.3)", 6), ("$ceil(5.8)", 6), ("$ceil(-5.3)", -5),
    ("$round(123.456)", 123), ("$round(123.456, 2)", 123.46), ("$round(123.456, -1)", 120),
    ("$round(123.456, -2)", 100), ("$round(11.5)", 12), ("$round(12.5)", 12), ("$round(125, -1)", 120),
    ("$power(2, 8)", 256), ("$power(2, -2)", 0.25), ("$sqrt(4)", 2),
    ("$formatNumber(12345.6, '#,###.00')", "12,345.60"), ('$formatNumber(1234.5678, "00.000e0")', "12.346e2"),
    ('$formatNumber(34.555, "#0.00;(#0.00)")', "34.56"), ('$formatNumber(-34.555, "#0.00;(#0.00)")', "(34.56)"),
    ('$formatNumber(0.14, "01%")', "14%"), ('$formatNumber(0.14, "###pm", {"per-mille": "pm"})', "140pm"),
    ('$formatNumber(1234.5678, "①①.①①①e①", {"zero-digit": "\\u245f"})', "①②.③④⑥e②"),
    ("$formatBase(100, 2)", "1100100"), ("$formatBase(2555, 16)", "9fb"),
    ("$formatInteger(2789, 'w')", "two thousand, seven hundred and eighty-nine"),
    ("$formatInteger(1999, 'I')", "MCMXCIX"),
    ("$parseInteger(\"twelve thousand, four hundred and seventy-six\", 'w')", 12476),
    ("$parseInteger('12,345,678', '#,##0')", 12345678),
    ("$sum([5,1,3,7,4])", 20), ("$max([5,1,3,7,4])", 7), ("$min([5,1,3,7,4])", 1), ("$average([5,1,3,7,4])", 4),
    ("$boolean([0, ''])", False), ("$boolean([0, 1])", True), ("$boolean({})", False), ("$boolean(null)", False),
    ("$boolean(function($x){$x})", False), ("$not(0)", True), ("$exists($nothing)", False), ("$exists(null)", True),
    ("$count([1,2,3,1])", 4), ('$count("hello")', 1), ("$append([1,2,3], [4,5,6])", [1, 2, 3, 4, 5, 6]),
    ("$append([1,2,3], 4)", [1, 2, 3, 4]), ('$append("Hello", "World")', ["Hello", "World"]),
    ('$reverse(["Hello", "World"])', ["World", "Hello"]), ("[1..5] ~> $reverse()", [5, 4, 3, 2, 1]),
    ("$distinct([1,2,3,3,4,3,5])", [1, 2, 3, 4, 5]),
    ("$distinct([1, true, '1', {'a': 1}, {'a': 1}])", [1, True, "1", {"a": 1}]),
    ("$zip([1,2,3], [4,5,6])", [[1, 4], [2, 5], [3, 6]]), ("$zip([1,2,3],[4,5],[7,8,9])", [[1, 4, 7], [2, 5, 8]]),
    ('$keys([{"a": 1}, {"b": 2, "a": 3}])', ["a", "b"]), ('$lookup([{"a": 1}, {"a": 2}], "a")', [1, 2]),
    ('$spread({"a": 1, "b": 2})', [{"a": 1}, {"b": 2}]), ('$merge([{"a": 1}, {"b": 2, "a": 3}])', {"a": 3, "b": 2}),
    ('$each({"Street": "Hursley Park", "City": "Winchester"}, function($v, $k) {$k & ": " & $v})',
     ["Street: Hursley Park", "City: Winchester"]),
    ("[$type(null), $type(1), $type('x'), $type(true), $type([]), $type({}), $type($sum)]",
     ["null", "number", "string", "boolean", "array", "object", "function"]),
    ("$fromMillis(1510067557121)", "2017-11-07T15:12:37.121Z"),
    ("$fromMillis(1510067557121, '[M01]/[D01]/[Y0001] [h#1]:[m01][P]')", "11/07/2017 3:12pm"),
    ("$fromMillis(1510067557121, '[H01]:[m01]:[s01] [z]', '-0500')", "10:12:37 GMT-05:00"),
    ('$toMillis("2017-11-07T15:07:54.972Z")', 1510067274972),
    ("$map([1..5], $string)", ["1", "2", "3", "4", "5"]),
    ("$filter([1..5], function($v, $i, $a) { $v > $average($a) })", [4, 5]),
    ("$single([1..5], function($v) { $v = 3 })", 3),
    ("($product := function($i, $j){$i * $j}; $reduce([1..5], $product))", 120),
    ("$reduce([1..3], function($i, $j){$i + $j}, 10)", 16),
    ('$sift({"Product Name": "Hat", "ProductID": 1, "SKU": 2}, function($v, $k) {$k ~> /^Product/})',
     {"Product Name": "Hat", "ProductID": 1}),
    ("$sort([3, 1, 2])", [1, 2, 3]), ("$sort(['b', 'a'])", ["a", "b"]),
    # "stable … values … which are the same … will remain in the original order"
    ("$sort([{'k': 1, 'n': 1}, {'k': 0, 'n': 2}, {'k': 1, 'n': 3}, {'k': 0, 'n': 4}],"
     " function($l, $r) { $l.k > $r.k }).n",
     [2, 4, 1, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), FUNCTIONS)
def test_functions_of_the_language(expression: str, expected: Any) -> None:
    got = value_of(expression)
    assert got == expected
    assert json.dumps(got) == json.dumps(expected), "as JSON: 1 is neither 1.0 nor true"


# LANGUAGE, "$power" and "$sqrt": fifteen digits are shown of what has more.
def test_functions_with_more_digits_than_are_shown() -> None:
    assert value_of("$power(2, 0.5)") == value_of("$sqrt(2)") == pytest.approx(1.414213562373, abs=1e-12)
    with pytest.raises(StateFailedError, match=r"base=-8, exponent=0\.3333333333333333"):
        value_of("$power(-8, 1/3)")


ACCOUNT = {
    "orders": [
        {"id": "103", "lines": [{"name": "Hat", "price": 34.45, "quantity": 2},
                                {"name": "Trilby", "price": 21.67, "quantity": 1}]},
        {"id": "104", "lines": [{"name": "Hat", "price": 34.45, "quantity": 4},
                                {"name": "Cloak", "price": 107.99, "quantity": 1}]},
    ],
    "nothing": None, "empty": [], "one": [1], "deep": [[1, 2], [3, [4]]],
}  # fmt: skip

# LANGUAGE, "Path operators", "Predicate queries", "Sorting, grouping and aggregation", "Other operators",
# "Processing model": what each operator does, on a document of our own, worked out by hand.
OPERATORS = [
    ("$states.input.orders.lines.name", ["Hat", "Trilby", "Hat", "Cloak"]),
    ("$states.input.orders[0].lines.name", ["Hat", "Trilby"]), ("$states.input.orders[-1].id", "104"),
    ("$states.input.orders.lines[0].name", ["Hat", "Hat"]), ("($states.input.orders.lines)[0].name", "Hat"),
    ("$states.input.orders.lines[price > 50].name", "Cloak"),
    ("$states.input.orders.lines[price > 50].name[]", ["Cloak"]),
    ("$states.input.orders.lines[[0..1]].price", [34.45, 21.67, 34.45, 107.99]),
    ("$states.input.orders.lines^(>price, name).name", ["Cloak", "Hat", "Hat", "Trilby"]),
    ("$states.input.orders.lines{name: $sum(quantity)}", {"Hat": 6, "Trilby": 1, "Cloak": 1}),
    ("$sum($states.input.orders.lines.(price * quantity))", 336.36),
    ("$states.input.orders.{id: $count(lines)}", [{"103": 2}, {"104": 2}]),
    ("$states.input.orders.lines#$i[$i = 1].name", ["Trilby", "Cloak"]),
    ("$states.input.orders@$o.$o.lines@$l[$l.price > 50].{'id': $o.id, 'name': $l.name}", {"id": "104",
     "name": "Cloak"}),
    ("$states.input.orders.lines.{'name': name, 'order': %.id}",
     [{"name": "Hat", "order": "103"}, {"name": "Trilby", "order": "103"}, {"name": "Hat", "order": "104"},
      {"name": "Cloak", "order": "104"}]),
    ("$states.input.orders.*[0]", ["103", "104"]), ("$count($states.input.orders.**.name)", 4),
    ("$states.input.nothing", None), ("$states.input.empty", []), ("$states.input.one", [1]),
    ("$states.input.deep[0]", [1, 2]), ("$states.input.deep.($)", [1, 2, 3, [4]]),
    ("'a' in ['a', 'b']", True), ("[1] in [[1]]", False),
    ("[10, 20, 30][-1.5]", 20), ("[10, 20, 30][1.9]", 20),
    ("1 in [true]", False), ("1 = 1.0", True), ("1 = true", False), ("'1' = 1", False),
    ("[1, [2]] = [1, [2]]", True), ("{'a': 1, 'b': 2} = {'b': 2, 'a': 1}", True), ("null = null", True),
    ("$nothing = $nothing", False), ("$nothing != 1", False), ("'a' < 'b' and 2 >= 2", True), ("1 > 2 or 'x'", True),
    ("7 / 2", 3.5), ("6 / 2", 3), ("5.5 % 2", 1.5), ("-5 % 3", -2), ("0.1 + 0.2", 0.30000000000000004),
    ("-(1 + 1)", -2),
    ("9007199254740993", 9007199254740992), ("1e3", 1000),
    ("'a' & 1 & true & null & [1, 2.50] & $nothing", "a1truenull[1,2.5]"),
    ("[1..3]", [1, 2, 3]), ("[1..3, 7..9]", [1, 2, 3, 7, 8, 9]), ("[3..1]", []), ("[$nothing, 1]", [1]),
    ("{'a': $nothing, 'b': 1}", {"b": 1}), ("1 > 0 ? 'yes' : 'no'", "yes"),
    ("($a := 2; $b := $a * 3; $b + 1)", 7), ("($f := function($n) { $n <= 1 ? 1 : $n * $f($n - 1) }; $f(10))", 3628800),
    ("($f := function($n, $s) { $n = 0 ? $s : $f($n - 1, $s + $n) }; $f(1000, 0))", 500500),
    ("($first := $substring(?, 0, 2); $first('Hello'))", "He"), ("($up := $trim ~> $uppercase; $up(' a '))", "A"),
    ("$states.input.orders[0].lines[0] ~> |$|{'price': 1}, ['quantity']|", {"name": "Hat", "price": 1}),
    ("/* said */ 'he' /* twice */ & 'llo'", "hello"), ("`a b`.c ~> $exists()", False),
    ("$states.input.`one`", [1]), ('"\\u0041\\n\\"" & \'"\'', 'A\n""'), ("function($x){$x * 2}(4)", 8),
    ("λ($x){$x * 2}(4)", 8),
    ("function($x, $y)<n-n?:n>{$x}(2)", 2), ("(true ?1:2) & (false?1 :2)", "12"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), OPERATORS)
def test_operators(expression: str, expected: Any) -> None:
    before = json.dumps(ACCOUNT)
    got = value_of(expression, ACCOUNT)
    assert json.dumps(got, sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert json.dumps(ACCOUNT) == before


# JavaScript's conversion of numbers, ECMA-262 "Number::toString", after fifteen digits: LANGUAGE, "$string".
NUMBERS = [
    ("1e20", "100000000000000000000"), ("1e21", "1e+21"), ("1.5e300", "1.5e+300"), ("0.000001", "0.000001"),
    ("0.0000001", "1e-7"), ("0.1 + 0.2", "0.3"), ("12345678901234567", "12345678901234600"), ("-0.5", "-0.5"),
    ("1/3", "0.333333333333333"),
    ("2/3*100", "66.6666666666667"), ("0 * -1", "0"), ("5e20 / 13", "38461538461538500000"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), NUMBERS)
def test_numbers_as_text(expression: str, expected: str) -> None:
    assert value_of(f"$string({expression})") == expected


def test_json_as_text() -> None:
    value = {"a": [1, 'é"\n', None, True], "b": {}, "c": []}
    assert value_of("$string($states.input)", value) == '{"a":[1,"é\\"\\n",null,true],"b":{},"c":[]}'
    assert value_of("$string($states.input, true)", value) == json.dumps(value, indent=2, ensure_ascii=False)
    assert value_of("$string({'f': $sum, 'r': /a/})") == '{"f":"","r":""}'
    assert value_of("$string($sum)") == ""


# LANGUAGE, "Regular expressions": JavaScript's, ECMA-262 "RegExp".
REGEXES = [
    ("$match('a1', /\\d/).match", "1"), ("$contains('\u0661', /\\d/)", False), ("$contains('é', /^\\w$/)", False),
    ("$contains('a\\n', /a$/)", False), ("$contains('a\\nb', /a$/m)", True), ("$contains('a\\r', /a./)", False),
    ("$contains('a{b}', /a{b}/)", True), ("$contains('É', /é/i)", True), ("$contains('aaa', /^a{2,3}$/)", True),
    ("$replace('2017-05', /(?<year>\\d{4})-(\\d\\d)/, '$2/$1')", "05/2017"), ("$match('ab', /(x)?b/).groups", [None]),
    ("$contains('foobar', /foo(?=bar)/)", True), ("$contains('foobar', /(?<!foo)bar/)", False),
    ("$contains('aa', /(a)\\1/)", True), ("$split('a1b22c', /(\\d)+/)", ["a", "b", "c"]),
    ("$contains('a/b', /a\\/b/)", True), ("$contains(']', /[\\]]/)", True), ("$contains('p', /\\p/)", True),
    ("$contains('A', /\\u0041/)", True), ("$contains('A', /\\x41/)", True),
    ("$match('a b', /\\s/).index", 1),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), REGEXES)
def test_regular_expressions(expression: str, expected: Any) -> None:
    assert value_of(expression) == expected
