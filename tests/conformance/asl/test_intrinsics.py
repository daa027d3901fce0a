"""Intrinsic functions, as the specification and AWS have them.

SPEC: https://states-language.net/spec.html, "Intrinsic Functions" and appendix B "List of Intrinsic Functions".
GUIDE: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

import json
from typing import Any

import pytest

from penstock.states import intrinsics
from penstock.states.failures import StateFailedError
from penstock.states.missing import as_argument
from penstock.states.paths import compile_path

NINE = list(range(1, 10))
CONTEXT = {"Execution": {"Name": "execution-1"}, "DayOfWeek": "TUESDAY"}
VARIABLES = {"total": 7, "order": {"items": [{"id": "a"}]}}


def evaluate(text: str, value: Any = None) -> Any:
    def resolve(path: str) -> Any:
        for name, variable in VARIABLES.items():
            if path.startswith(f"${name}"):
                return compile_path("$" + path.removeprefix(f"${name}"))(variable, dict)
        return compile_path(path)(value, lambda: CONTEXT)

    return intrinsics.evaluate(intrinsics.parse(text), resolve, intrinsics.Entropy("seed"))


# The documents' own examples. One of each pair of documents stands for both where they agree.
EXAMPLES = [
    # SPEC, "Intrinsic Functions": in JSON, the apostrophe's backslash is escaped itself.
    (r"States.Format('Welcome to {} {}\'s playlist.', $.firstName, $.lastName)",
     {"firstName": "John", "lastName": "Smith"}, "Welcome to John Smith's playlist."),
    # SPEC, "Payload Template".
    ("States.Format('Today is {}', $$.DayOfWeek)", {}, "Today is TUESDAY"),
    # SPEC, "States.Format", "States.StringToJson", "States.JsonToString", "States.Array".
    ("States.Format('Your name is {}, we are in the year {}', $.name, 2020)", {"name": "Foo", "zebra": "stripe"},
     "Your name is Foo, we are in the year 2020"),
    ("States.StringToJson($.someString)", {"someString": '{"number": 20}', "zebra": "stripe"}, {"number": 20}),
    ("States.JsonToString($.someJson)", {"someJson": {"name": "Foo", "year": 2020}, "zebra": "stripe"},
     '{"name":"Foo","year":2020}'),
    ("States.Array('Foo', 2020, $.someJson, null)", {"someJson": {"random": "abcdefg"}, "zebra": "stripe"},
     ["Foo", 2020, {"random": "abcdefg"}, None]),
    # GUIDE, "Intrinsics for arrays".
    ("States.Array($.Id)", {"Id": 123456}, [123456]),
    ("States.ArrayPartition($.inputArray,4)", {"inputArray": NINE}, [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
    ("States.ArrayContains($.inputArray, $.lookingFor)", {"inputArray": NINE, "lookingFor": 5}, True),
    ("States.ArrayRange(1, 9, 2)", {}, [1, 3, 5, 7, 9]),
    ("States.ArrayGetItem($.inputArray, $.index)", {"inputArray": NINE, "index": 5}, 6),
    ("States.ArrayLength($.inputArray)", {"inputArray": NINE}, 9),
    ("States.ArrayUnique($.inputArray)", {"inputArray": [1, 2, 3, 3, 3, 3, 3, 3, 4]}, [1, 2, 3, 4]),
    # GUIDE, "Intrinsics for data encoding and decoding"; the text that it decodes to is given as "Decoded data".
    ("States.Base64Encode($.input)", {"input": "Data to encode"}, "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode($.base64)", {"base64": "RGF0YSB0byBlbmNvZGU="}, "Data to encode"),
    # GUIDE, "Intrinsic for hash calculation": printed with 39 digits, without the second 4 of "d744".
    ("States.Hash($.Data, $.Algorithm)", {"Data": "input data", "Algorithm": "SHA-1"},
     "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    # GUIDE, "Intrinsics for JSON data manipulation".
    ("States.JsonMerge($.json1, $.json2, false)",
     {"json1": {"a": {"a1": 1, "a2": 2}, "b": 2}, "json2": {"a": {"a3": 1, "a4": 2}, "c": 3}},
     {"a": {"a3": 1, "a4": 2}, "b": 2, "c": 3}),
    ("States.StringToJson($.escapedJsonString)", {"escapedJsonString": '{"foo": "bar"}'}, {"foo": "bar"}),
    ("States.JsonToString($.unescapedJson)", {"unescapedJson": {"foo": "bar"}}, '{"foo":"bar"}'),
    # GUIDE, "Intrinsics for Math operations" and "Intrinsic for String operation".
    ("States.MathAdd($.value1, $.step)", {"value1": 111, "step": -1}, 110),
    ("States.StringSplit($.inputString, $.splitter)", {"inputString": "1,2,3,4,5", "splitter": ","}, list("12345")),
    ("States.StringSplit($.inputString, $.splitter)", {"inputString": "This.is+a,test=string", "splitter": ".+,="},
     ["This", "is", "a", "test", "string"]),
    # GUIDE, "Intrinsic for generic operation".
    ("States.Format('Hello, my name is {}.', $.name)", {"name": "Arnav"}, "Hello, my name is Arnav."),
    ("States.Format($.template, $.name)", {"name": "Arnav", "template": "Hello, my name is {}."},
     "Hello, my name is Arnav."),
    # GUIDE, the page's beginning: nine functions in one field. It has three {} for two values; 'x' is the third here.
    ("States.Format('{}.{}.{}', States.ArrayGetItem(States.StringSplit(States.ArrayGetItem(States.StringSplit("
     "$.ImageRecipe.Arn, '/'), 2), '.'), 0), States.ArrayGetItem(States.StringSplit(States.ArrayGetItem("
     "States.StringSplit($.ImageRecipe.Arn, '/'), 2), '.'), 1), 'x')",
     {"ImageRecipe": {"Arn": "arn:aws:imagebuilder:eu-west-1:1:image-recipe/name/1.0.2"}}, "1.0.x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "expected"), EXAMPLES)
def test_examples_of_the_documents(text: str, value: Any, expected: Any) -> None:
    before = json.dumps(value)
    assert evaluate(text, value) == expected
    assert json.dumps(value) == before
    assert intrinsics.check(text) is None


# What the rules of the documents mean for values that their examples do not show.
RULES = [
    # SPEC, "Intrinsic Functions", rule 4: strings, numbers, null, paths, nested functions; GUIDE has booleans too.
    ("States.Array('', -1, 0.5, 1e2, true, false, null, States.Array())", {},
     ["", -1, 0.5, 100.0, True, False, None, []]),
    ("States.Array( $.a ,\n$$.Execution.Name\t, $total, $order.items[0].id )", {"a": 1}, [1, "execution-1", 7, "a"]),
    ("States.Array()", {}, []),
    ("States.Array($)", 5, [5]),
    # Rule 6: four escapes.
    (r"States.Array('\' \{ \} \\', 'a,b)', 'Ж中', 'a" + "\n" + "b')", {}, ["' { } \\", "a,b)", "Ж中", "a\nb"]),
    # "States.Format": escaped braces are no place for a value; a string has no quotes, other values are as in JSON.
    (r"States.Format('\{\}{}\{{}\}', $.a, $.b)", {"a": "x", "b": "y"}, "{}x{y}"),
    ("States.Format('{}{}{}{}{}', 'a', 1, -0.5, true, null)", {}, "a1-0.5truenull"),
    ("States.Format('{}', '{}')", {}, "{}"),
    ("States.Format($.template, $.a)", {"template": r"\{{}\}", "a": "x"}, "{x}"),
    ("States.Format('none')", {}, "none"),
    (r"States.Format('\\{}\\', 1)", {}, "\\1\\"),
    # "States.StringToJson": a JSON parser is applied, so any JSON value comes of it.
    ("States.StringToJson('[1, \"a\", null]')", {}, [1, "a", None]),
    ("States.StringToJson(' 12 ')", {}, 12),
    (r"States.StringToJson(States.Format('\{\"a\":\"{}\"\}', $.a))".replace(r"\"", '"'), {"a": "x"}, {"a": "x"}),
    # "States.JsonToString".
    ("States.JsonToString($.a)", {"a": "x\"y"}, '"x\\"y"'),
    ("States.JsonToString($.a)", {"a": None}, "null"),
    ("States.JsonToString(States.Array('Ж', true))", {}, '["Ж",true]'),
    # "States.ArrayPartition": the chunk size is rounded off.
    ("States.ArrayPartition($, 100)", [1, 2], [[1, 2]]),
    ("States.ArrayPartition($, 1.6)", [1, 2, 3], [[1, 2], [3]]),
    ("States.ArrayPartition($, 3)", [], []),
    # "States.ArrayContains": JSON values are compared.
    ("States.ArrayContains($.a, $.b)", {"a": [{"x": 1, "y": [2]}], "b": {"y": [2], "x": 1}}, True),
    ("States.ArrayContains($, 5)", ["5", True, None, [5], {"5": 5}], False),
    ("States.ArrayContains($, true)", [1], False),
    ("States.ArrayContains($, 1)", [True, 1.0], True),
    ("States.ArrayContains($, null)", [None], True),
    ("States.ArrayContains($, 1)", [], False),
    # "States.ArrayRange": up to 1000 elements; arguments are rounded off.
    ("States.ArrayRange(1, 10, 4)", {}, [1, 5, 9]),
    ("States.ArrayRange(3, 3, 1)", {}, [3]),
    ("States.ArrayRange(5, 1, -2)", {}, [5, 3, 1]),
    ("States.ArrayRange(0.6, 2.9, 1.2)", {}, [1, 2, 3]),
    ("States.ArrayLength(States.ArrayRange(1, 1000, 1))", {}, 1000),
    ("States.ArrayUnique($)", [3, 1, 3, "1", True, 1, [1], [1], {"a": [1]}, {"a": [1]}, None, None],
     [3, 1, "1", True, [1], {"a": [1]}, None]),
    ("States.ArrayUnique($)", [], []),
    # "States.Base64Encode" and "States.Base64Decode": MIME has UTF-8 here, and RFC 2045, section 6.8, lines of 76.
    ("States.Base64Encode('é')", {}, "w6k="),
    ("States.Base64Encode('')", {}, ""),
    ("States.Base64Encode($)", "a" * 58, "YWFh" * 19 + "\r\nYQ=="),
    ("States.Base64Decode($)", "w6\r\nk=", "é"),
    # "States.Hash": RFC 1321, A.5, and FIPS 180-4's examples, "abc".
    ("States.Hash('abc', 'MD5')", {}, "900150983cd24fb0d6963f7d28e17f72"),
    ("States.Hash('abc', 'SHA-256')", {}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("States.Hash('abc', 'SHA-384')", {}, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"),
    ("States.Hash('abc', 'SHA-512')", {}, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
    # SPEC, "States.Hash": "the stringified version of the first argument"; `printf '{"a":1}' | md5sum`.
    ("States.Hash($, 'MD5')", {"a": 1}, "bb6cb5c68df4652941caf652a366f2d8"),
    # "States.MathAdd": rounded off; the ends of the range.
    ("States.MathAdd(1.4, 2.6)", {}, 4),
    ("States.MathAdd(2147483647, -2147483648)", {}, -1),
    # "States.MathRandom": the start is inclusive, the end exclusive, both are rounded off.
    ("States.MathRandom(7, 8)", {}, 7),
    ("States.MathRandom(6.9, 8.1, 3)", {}, 7),
    # "States.StringSplit": the delimiters are characters, not words.
    ("States.StringSplit('a<>b>c', '<>')", {}, ["a", "b", "c"]),
    ("States.StringSplit('a.b|c', '.|')", {}, ["a", "b", "c"]),
    ("States.StringSplit('abc', ',')", {}, ["abc"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "expected"), RULES)
def test_rules_of_the_documents(text: str, value: Any, expected: Any) -> None:
    found = evaluate(text, value)
    assert json.dumps(found) == json.dumps(expected)


# GUIDE, "Input validation" of each function, and SPEC's MUSTs: the function, its argument, the input.
REFUSED = [
    # SPEC, "States.Format": as many arguments as {}; a string first; neither array nor object; reserved braces.
    ("States.Format", "'{}'", {}), ("States.Format", "'{}', 1, 2", {}), ("States.Format", "'x', 1", {}),
    ("States.Format", "1", {}), ("States.Format", "$, 1", ["{}"]), ("States.Format", "'{}', $", [1]),
    ("States.Format", "'{}', $", {"a": 1}), ("States.Format", "'{ {}', 1", {}), ("States.Format", "'{}}', 1", {}),
    ("States.StringToJson", "1", {}), ("States.StringToJson", "$", {"a": 1}), ("States.StringToJson", "'a'", {}),
    ("States.StringToJson", "''", {}), ("States.StringToJson", "'NaN'", {}), ("States.StringToJson", "'1 2'", {}),
    ("States.ArrayPartition", "'a', 1", {}), ("States.ArrayPartition", "$, 0", [1]),
    ("States.ArrayPartition", "$, -1", [1]), ("States.ArrayPartition", "$, 0.4", [1]),
    ("States.ArrayPartition", "$, '1'", [1]), ("States.ArrayPartition", "$, true", [1]),
    ("States.ArrayContains", "$, 1", {"a": 1}), ("States.ArrayContains", "'abc', 'a'", {}),
    ("States.ArrayRange", "1, 9, 0", {}), ("States.ArrayRange", "1, 9, 0.4", {}),
    ("States.ArrayRange", "'1', 9, 1", {}), ("States.ArrayRange", "1, null, 1", {}),
    ("States.ArrayRange", "0, 1000, 1", {}), ("States.ArrayRange", "0, 1e300, 1", {}),
    ("States.ArrayGetItem", "$, 1", [1]), ("States.ArrayGetItem", "$, -1", [1]),
    ("States.ArrayGetItem", "$, '0'", [1]), ("States.ArrayGetItem", "$, false", [1]),
    ("States.ArrayGetItem", "$, 0.5", [1]), ("States.ArrayGetItem", "$, 'a'", {"a": 1}),
    ("States.ArrayLength", "'abc'", {}), ("States.ArrayLength", "$", {"a": 1}),
    ("States.ArrayUnique", "null", {}), ("States.ArrayUnique", "$", {"a": 1}),
    ("States.Base64Encode", "1", {}), ("States.Base64Encode", "$", "a" * 10_001),
    ("States.Base64Decode", "$", ["YQ=="]), ("States.Base64Decode", "$", "YQ==" * 2501),
    ("States.Base64Decode", "'YQ'", {}), ("States.Base64Decode", "'/w=='", {}),
    ("States.Hash", "'a', 'SHA-3'", {}), ("States.Hash", "'a', 'sha-1'", {}), ("States.Hash", "'a', null", {}),
    ("States.Hash", "$, 'MD5'", "a" * 10_001), ("States.Hash", "$, 'MD5'", ["a" * 9_997]),
    ("States.JsonMerge", "$.a, $.b, true", {"a": {}, "b": {}}),
    ("States.JsonMerge", "$.a, $.b, 0", {"a": {}, "b": {}}),
    ("States.JsonMerge", "$.a, $.b, 'false'", {"a": {}, "b": {}}),
    ("States.JsonMerge", "$.a, $.b, false", {"a": [], "b": {}}), ("States.JsonMerge", "$, 1, false", {}),
    ("States.MathRandom", "1, 1", {}), ("States.MathRandom", "2, 1", {}), ("States.MathRandom", "'1', 2", {}),
    ("States.MathRandom", "1, true", {}), ("States.MathRandom", "1, 2, 'seed'", {}),
    ("States.MathAdd", "'1', 1", {}), ("States.MathAdd", "1, null", {}), ("States.MathAdd", "true, 1", {}),
    ("States.MathAdd", "2147483648, 1", {}), ("States.MathAdd", "1, -2147483649", {}),
    ("States.MathAdd", "2147483647.5, 1", {}),
    ("States.StringSplit", "1, ','", {}), ("States.StringSplit", "'a', 1", {}), ("States.StringSplit", "$, ','", ["a"]),
]  # fmt: skip


@pytest.mark.parametrize(("function", "arguments", "value"), REFUSED)
def test_arguments_that_are_refused(function: str, arguments: str, value: Any) -> None:
    text = f"{function}({arguments})"
    assert intrinsics.check(text) is None
    with pytest.raises(StateFailedError) as failure:
        evaluate(text, value)
    assert failure.value.error == "States.IntrinsicFailure"
    assert f" in {function}: " in failure.value.cause


# GUIDE: "up to 10,000 characters".
def test_ten_thousand_characters_are_taken() -> None:
    assert evaluate("States.Base64Decode($)", "YWFh" * 2500) == "a" * 7500
    assert len(evaluate("States.Base64Encode($)", "a" * 10_000).replace("\r\n", "")) == 13_336
    # `head -c 10000 /dev/zero | tr '\0' a | md5sum`
    assert evaluate("States.Hash($, 'MD5')", "a" * 10_000) == "0d0c9c4db6953fee9e03f528cafd7d3e"


# GUIDE, "States.ArrayPartition" and "States.ArrayContains": the payload limit of 256 KiB holds for the array.
@pytest.mark.parametrize("text", ["States.ArrayPartition($, 2)", "States.ArrayContains($, 'b')"])
def test_arrays_beyond_the_payload_limit(text: str) -> None:
    evaluate(text, ["a" * (262_144 - 4)])
    with pytest.raises(StateFailedError, match=r"States\.IntrinsicFailure"):
        evaluate(text, ["a" * (262_144 - 3)])


# A path that cannot be applied has its own error, also as an argument.
def test_paths_that_find_nothing_fail_as_they_do_elsewhere() -> None:
    with pytest.raises(StateFailedError) as failure:
        intrinsics.evaluate(
            intrinsics.parse("States.Array($.a)"),
            lambda path: compile_path(path, as_argument)({}, dict),
            intrinsics.Entropy("s"),
        )
    assert failure.value.error == "States.Runtime"
    assert failure.value.cause == "The JsonPath argument for the field '$.a' could not be found in the input '{}'"


# GUIDE, "States.UUID": version 4; RFC 9562, section 5.4.
def test_uuid() -> None:
    first, second = evaluate("States.Array(States.UUID(), States.UUID())")
    assert first != second
    assert first[14] == second[14] == "4"
    assert first[19] in "89ab"
    assert len(first) == 36


# GUIDE, "States.MathRandom": "if you use this function with the same seed value, it will return identical numbers".
def test_random_numbers_of_one_seed() -> None:
    text = "States.Array(States.MathRandom(0, 1000000, 5), States.MathRandom(0, 1000000, 5))"
    first, second = evaluate(text)
    assert first == second
    other, unseeded = evaluate("States.Array(States.MathRandom(0, 1000000, 6), States.MathRandom(0, 1000000))")
    assert len({first, other, unseeded}) == 3


# What SPEC, "Intrinsic Functions", and GUIDE do not let pass: the text, where it goes wrong, what the mistake names.
MISTAKES = [
    # SPEC, rule 2: begins with a name of these characters; all names are given.
    ("", 0, "begin with"), (" States.UUID()", 0, "begin with"), ("'a'", 0, "begin with"), ("$.a", 0, "begin with"),
    ("Test", 0, "no intrinsic function"), ("1", 0, "no intrinsic function"), ("States.Xyz()", 0, "States.Xyz"),
    ("States.format('a')", 0, "did you mean States.Format?"), ("States.ArrayLenght($.a)", 0, "States.ArrayLength?"),
    ("States.Array(Other.Array())", 13, "Other.Array"),
    # Rule 3: followed immediately by arguments in parentheses, separated by commas.
    ("States.UUID", 11, "parenthesis"), ("States.UUID ()", 11, "parenthesis"), ("States.UUID[]", 11, "parenthesis"),
    ("States.Array(1", 14, "comma or a parenthesis"), ("States.Array(1 2)", 15, "comma or a parenthesis"),
    ("States.Array(,)", 13, "an argument is expected"), ("States.Array(1,)", 15, "an argument is expected"),
    ("States.Array(1))", 15, "after the closing"), ("States.Array(1)[0]", 15, "after the closing"),
    # Rule 4: what arguments may be.
    ("States.Array(", 13, "an argument is expected"), ('States.Array("a")', 13, "an argument is expected"),
    ("States.Array([1])", 13, "an argument is expected"), ("States.Array({})", 13, "an argument is expected"),
    ("States.Array(+1)", 13, "an argument is expected"), ("States.Array(-)", 13, "no number"),
    ("States.Array(01)", 14, "comma or a parenthesis"), ("States.Array(1.)", 14, "comma or a parenthesis"),
    ("States.Array(1e999)", 13, "too large"), (f"States.Array({'9' * 400})", 13, "no number"),
    ("States.Array(True)", 13, "no intrinsic function"), ("States.Array(nulls)", 13, "no intrinsic function"),
    # Rule 6 and GUIDE, "Reserved characters in intrinsic functions".
    ("States.Array('a)", 13, "apostrophe"), (r"States.Array('a\')", 13, "apostrophe"),
    ("States.Array('it's')", 17, "comma or a parenthesis"), (r"States.Array('a\n')", 15, "backslash"),
    (r"States.Array('\\\a')", 16, "backslash"), (r"States.Format('{}\"', 1)", 17, "backslash"),
    # GUIDE, the same section: square brackets for names with other characters than letters, digits and _.
    ("States.Array($.detail-type)", 21, "['name']"), ("States.Array($.a\\.b)", 16, "['name']"),
    ("States.Array($.a.length())", 23, "['name']"), ("States.Array($.a@b)", 16, "['name']"),
    # Paths that are none, and names of variables as SPEC, "State Machine Variables", has them.
    ("States.Array($.)", 13, "JSONPath"), ("States.Array($.a[)", 16, "not closed"),
    ("States.Array($.a['b)", 16, "not closed"),
    ("States.Array($.a[?(@.b])", 16, "not closed"), ("States.Array($$$.a)", 15, "in a path"),
    ("States.Array($1a)", 13, "no name of a variable"), ("States.Array($_a)", 13, "no name of a variable"),
    (f"States.Array(${'a' * 81})", 13, "no name of a variable"),
    # Appendix B: how many arguments each function takes.
    ("States.UUID(1)", 0, "0 arguments, not 1"), ("States.Format()", 0, "1 or more arguments, not 0"),
    ("States.MathRandom(1)", 0, "2 or 3 arguments, not 1"), ("States.MathRandom(1,2,3,4)", 0, "not 4"),
    ("States.MathAdd(1)", 0, "2 arguments, not 1"), ("States.JsonMerge($.a, $.b)", 0, "3 arguments, not 2"),
    ("States.ArrayLength()", 0, "1 argument, not 0"), ("States.StringToJson('1', '2')", 0, "1 argument, not 2"),
    # SPEC, "States.JsonToString": "a single argument which MUST be a Path".
    ("States.JsonToString('a')", 0, "takes a path"), ("States.Array(1, States.JsonToString(1))", 16, "takes a path"),
    # GUIDE: "up to 10 intrinsic functions within a field".
    (f"{'States.Array(' * 11}{')' * 11}", 130, "more than 10"),
    (f"States.Array({'States.UUID(),' * 9}States.UUID())", 139, "more than 10"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "position", "words"), MISTAKES)
def test_mistakes(text: str, position: int, words: str) -> None:
    with pytest.raises(intrinsics.IntrinsicSyntaxError) as mistake:
        intrinsics.parse(text)
    assert mistake.value.position == position
    found = intrinsics.check(text)
    assert found is not None
    assert words in found
    assert mistake.value.hint in found
    assert f"(character {position + 1})" in found


# SPEC, rule 1: "An Intrinsic Function MUST be a string".
@pytest.mark.parametrize("value", [None, 1, True, [], {"States.UUID": []}])
def test_what_is_no_text(value: Any) -> None:
    assert intrinsics.check(value)


# GUIDE: ten functions are possible.
def test_ten_functions() -> None:
    assert evaluate(f"{'States.Array(' * 10}{')' * 10}") == [[[[[[[[[[]]]]]]]]]]
    assert len(evaluate(f"States.Array({'States.UUID(),' * 8}States.UUID())")) == 9


# GUIDE, "Reserved characters in intrinsic functions": its example of square brackets, and paths with commas in them.
PATHS = [
    ("$.abc.['def ghi']", {"abc": {"def ghi": 1}}, 1), ("$['a,b)']", {"a,b)": 1}, 1),
    ('$["it\'s"].x', {"it's": {"x": 1}}, 1), ("$.a[?(@.b == 'x,)')]", {"a": [{"b": "x,)"}]}, [{"b": "x,)"}]),
    ("$.a[0,1]", {"a": [1, 2, 3]}, [1, 2]), ("$..b", {"a": {"b": 1}}, [1]), ("$.a[-1:]", {"a": [1, 2]}, [2]),
    ("$.Ж_1", {"Ж_1": 1}, 1), ("$.a[*].b", {"a": [{"b": 1}]}, [1]), ("$.*", {"a": 1}, [1]),
    ("$$['Execution']", {}, {"Name": "execution-1"}), ("$total", {}, 7), ("$order['items'][0].id", {}, "a"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), PATHS)
def test_paths_as_arguments(path: str, value: Any, expected: Any) -> None:
    assert evaluate(f"States.Array(1,{path},{path} ,{path})", value) == [1, expected, expected, expected]
    assert intrinsics.parse(f"States.Array(1,{path},States.Array({path}))").paths == (path,)
