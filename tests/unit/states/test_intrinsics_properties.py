"""Intrinsic functions for any value and any text: laws that hold, and nothing but their own errors."""

import base64
import hashlib
import itertools
import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.states import intrinsics
from penstock.states.failures import StateFailedError
from penstock.states.intrinsics.functions import FUNCTIONS

SHORT = settings(max_examples=60, deadline=None)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, width=32) | TEXTS
FINITE = SCALARS.filter(lambda value: value not in {float("inf"), float("-inf")})
VALUES = st.recursive(
    FINITE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
ARRAYS = st.lists(VALUES, max_size=12)


def evaluate(text: str, *values: Any, seed: str = "seed") -> Any:
    """Evaluates a call in which ``$a``, ``$b`` … name the values, and tells that none of them was changed."""
    before = json.dumps(values)
    try:
        return intrinsics.evaluate(
            intrinsics.parse(text), lambda path: values["abcdefgh".index(path[1])], intrinsics.Entropy(seed)
        )
    finally:
        assert json.dumps(values) == before


def quoted(text: str) -> str:
    for reserved in "\\'{}":
        text = text.replace(reserved, f"\\{reserved}")
    return f"'{text}'"


# -- laws -------------------------------------------------------------------------------------------------------


@SHORT
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_any_text_can_be_written_with_escapes(texts: list[str]) -> None:
    assert evaluate(f"States.Array({', '.join(quoted(text) for text in texts)})") == texts
    assert [evaluate(f"States.Format({quoted(text)})") for text in texts] == texts


@SHORT
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), TEXTS)
def test_a_template_is_filled_from_left_to_right(pairs: list[tuple[str, str]], last: str) -> None:
    template = "".join(quoted(text)[1:-1] + "{}" for text, _ in pairs) + quoted(last)[1:-1]
    values = "".join(f", {quoted(value)}" for _, value in pairs)
    expected = "".join(text + value for text, value in pairs) + last
    assert evaluate(f"States.Format('{template}'{values})") == expected
    assert evaluate(f"States.Format($a{values})", template) == expected


@SHORT
@given(VALUES)
def test_json_comes_back_from_its_text(value: Any) -> None:
    text = evaluate("States.JsonToString($a)", value)
    assert json.loads(text) == value
    assert evaluate("States.StringToJson($a)", text) == value


@SHORT
@given(ARRAYS, st.integers(1, 5))
def test_partitions_make_up_the_array(items: list[Any], size: int) -> None:
    parts = evaluate("States.ArrayPartition($a, $b)", items, size)
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(0 < len(part) <= size for part in parts)


@SHORT
@given(ARRAYS)
def test_unique_items_are_those_of_the_array(items: list[Any]) -> None:
    unique = evaluate("States.ArrayUnique($a)", items)
    assert evaluate("States.ArrayUnique($a)", unique) == unique
    assert evaluate("States.ArrayUnique($a)", items + items) == unique
    assert all(evaluate("States.ArrayContains($a, $b)", unique, item) for item in items)
    assert all(item in items for item in unique)


@SHORT
@given(ARRAYS, VALUES)
def test_an_array_contains_what_is_put_in(items: list[Any], value: Any) -> None:
    assert evaluate("States.ArrayContains($a, $b)", [*items, value], value) is True
    assert evaluate("States.ArrayContains($a, $b)", items, [*items, value]) is False


@SHORT
@given(ARRAYS)
def test_items_are_found_by_their_index(items: list[Any]) -> None:
    length = evaluate("States.ArrayLength($a)", items)
    assert [evaluate("States.ArrayGetItem($a, $b)", items, index) for index in range(length)] == items
    with pytest.raises(StateFailedError):
        evaluate("States.ArrayGetItem($a, $b)", items, length)


@SHORT
@given(st.integers(-500, 500), st.integers(-500, 500), st.integers(-9, 9).filter(bool))
def test_ranges_step_from_the_first_towards_the_last(first: int, last: int, step: int) -> None:
    if abs(last - first) // abs(step) >= 1000:
        return
    found = evaluate("States.ArrayRange($a, $b, $c)", first, last, step)
    assert bool(found) == ((last - first) * step >= 0)
    if found:
        assert found[0] == first
        assert {after - before for before, after in itertools.pairwise(found)} <= {step}
        assert 0 <= (last - found[-1]) * (1 if step > 0 else -1) < abs(step)


@SHORT
@given(TEXTS, st.sampled_from(["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"]))
def test_encodings_and_hashes_are_those_of_utf_8(text: str, algorithm: str) -> None:
    encoded = evaluate("States.Base64Encode($a)", text)
    assert base64.decodebytes(encoded.encode()) == text.encode()
    assert max(map(len, encoded.split("\r\n"))) <= 76
    assert evaluate("States.Base64Decode($a)", encoded) == text
    expected = hashlib.new(algorithm.replace("-", "") if algorithm != "MD5" else "md5", text.encode()).hexdigest()
    assert evaluate("States.Hash($a, $b)", text, algorithm) == expected


@SHORT
@given(st.dictionaries(TEXTS, VALUES, max_size=5), st.dictionaries(TEXTS, VALUES, max_size=5))
def test_the_second_object_wins(first: dict[str, Any], second: dict[str, Any]) -> None:
    merged = evaluate("States.JsonMerge($a, $b, false)", first, second)
    assert merged.keys() == first.keys() | second.keys()
    assert all(merged[name] == second.get(name, first.get(name)) for name in merged)


@SHORT
@given(st.lists(st.text("xyz", min_size=1), max_size=6), st.text(",.+|^-]\\", min_size=1, max_size=3))
def test_parts_that_are_joined_are_split_again(parts: list[str], delimiters: str) -> None:
    assert evaluate("States.StringSplit($a, $b)", delimiters.join(parts), delimiters) == parts
    assert evaluate("States.StringSplit($a, '')", "".join(parts)) == (["".join(parts)] if parts else [])


@SHORT
@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_integers_are_added(first: int, second: int) -> None:
    assert evaluate("States.MathAdd($a, $b)", first, second) == first + second


@pytest.mark.parametrize(("value", "rounded"), [(0.5, 1), (1.5, 2), (2.5, 3), (-0.5, 0), (-1.5, -1), (-1.6, -2)])
def test_halves_are_rounded_upwards(value: float, rounded: int) -> None:
    assert evaluate("States.MathAdd($a, 0)", value) == rounded


def test_the_nearest_integer_is_exact() -> None:
    assert evaluate("States.MathAdd($a, 0)", 0.49999999999999994) == 0
    assert evaluate("States.ArrayRange($a, $a, 1)", 2.0**53 + 2) == [2**53 + 2]


# -- draws ------------------------------------------------------------------------------------------------------


@SHORT
@given(st.text(), st.integers(-(10**9), 10**9), st.integers(1, 100))
def test_equal_seeds_draw_equal_values(seed: str, start: int, width: int) -> None:
    text = "States.Array(States.MathRandom($a, $b), States.UUID(), States.MathRandom($a, $b), States.UUID())"
    drawn = evaluate(text, start, start + width, seed=seed)
    assert evaluate(text, start, start + width, seed=seed) == drawn
    assert all(start <= number < start + width for number in (drawn[0], drawn[2]))
    assert drawn[1] != drawn[3]
    assert uuid.UUID(drawn[1]).version == 4


def test_every_number_of_the_interval_is_drawn() -> None:
    drawn = [evaluate("States.MathRandom(0, 3)", seed=str(number)) for number in range(100)]
    assert set(drawn) == {0, 1, 2}


def test_a_seed_of_the_call_does_not_depend_on_the_entropy() -> None:
    text = "States.MathRandom(0, 1000000000, 42)"
    assert evaluate(text, seed="one") == evaluate(text, seed="two")


def test_draws_go_on_over_several_calls() -> None:
    entropy = intrinsics.Entropy("seed")
    call = intrinsics.parse("States.UUID()")
    first, second = (intrinsics.evaluate(call, str, entropy) for _ in range(2))
    assert first != second
    assert intrinsics.evaluate(call, str, intrinsics.Entropy("seed")) == first


# -- whatever comes ---------------------------------------------------------------------------------------------

PIECES = st.sampled_from([
    *FUNCTIONS, *(f"{name}(" for name in FUNCTIONS), "(", ")", ",", " ", "'", "'a'", "\\", "\\'", "{}", "{", "}", "$",
    "$.a", "$$.b", "$c[0]", "$..", "[", "]", "[?(@.a=='", '"', "1", "-", "1e9", "true", "null", "\n", "\0", "Ж",
    "\ud800",
])  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40) | st.lists(PIECES, max_size=14).map("".join))
def test_any_text_is_a_call_or_a_mistake(text: str) -> None:
    if intrinsics.check(text) is None:
        assert intrinsics.parse(text).name in FUNCTIONS
        return
    with pytest.raises(intrinsics.IntrinsicSyntaxError) as mistake:
        intrinsics.parse(text)
    assert 0 <= mistake.value.position <= len(text)


ARGUMENTS = VALUES | st.sampled_from([10**300, -1e308, "\ud800", "{", "\\", "{}", [[]] * 3, {"\udfff": 1}, -(2**63)])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(ARGUMENTS, max_size=4))
def test_any_arguments_give_a_value_or_a_failure(name: str, values: list[Any]) -> None:
    text = f"{name}({', '.join(f'${letter}' for letter in 'abcd'[: len(values)])})"
    if intrinsics.check(text) is not None:
        assert not FUNCTIONS[name].takes(len(values))
        return
    failures = []
    try:
        json.dumps(evaluate(text, *values))
    except StateFailedError as failure:
        failures.append(failure)
    assert all(failure.error == "States.IntrinsicFailure" for failure in failures)
    assert all(failure.cause.startswith("Invalid ") and len(failure.cause) < 300 for failure in failures)


@pytest.mark.parametrize("name", ["ArrayUnique", "JsonToString", "ArrayContains", "Hash", "ArrayPartition", "Format"])
def test_deep_values_fail(name: str) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    arguments = {"ArrayContains": "$a, $a", "Hash": "$a, 'MD5'", "ArrayPartition": "$a, 1"}.get(name, "$a")
    call = intrinsics.parse(f"States.{name}({arguments})")
    with pytest.raises(StateFailedError, match=r"States\.IntrinsicFailure"):
        intrinsics.evaluate(call, lambda path: deep, intrinsics.Entropy("s"))


@pytest.mark.parametrize("depth", [400, 600, 100_000])
def test_deep_json_is_read_to_a_depth_that_can_be_written(depth: int) -> None:
    text = "[" * depth + "]" * depth
    if depth == 400:
        assert json.dumps(evaluate("States.StringToJson($a)", text)) == text
        return
    with pytest.raises(StateFailedError, match=r"Invalid arguments in States\.StringToJson"):
        evaluate("States.StringToJson($a)", text)


# A short call can name one large value many times; neither its text nor its parts are ever made.
LARGE = [
    ("States.JsonToString(States.Array({}))", "States.DataLimitExceeded"),
    ("States.Hash(States.Array({}), 'MD5')", "States.DataLimitExceeded"),
    ("States.ArrayUnique(States.Array({}))", "States.IntrinsicFailure"),
    ("States.ArrayPartition(States.Array({}), 1)", "States.IntrinsicFailure"),
    ("States.Format('" + "{{}}" * 50_000 + "', {})", "States.DataLimitExceeded"),
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("text", "error"), LARGE)
def test_large_values_that_are_named_often_fail_soon(text: str, error: str) -> None:
    call = text.format(", ".join(["$a"] * 50_000))
    with pytest.raises(StateFailedError) as failure:
        evaluate(call, "a" * 200_000)
    assert failure.value.error == error


@pytest.mark.timeout(20)
def test_a_value_that_is_too_large_is_in_no_array() -> None:
    call = f"States.ArrayContains($b, States.Array({', '.join(['$a'] * 20_000)}))"
    assert evaluate(call, list(range(20_000)), [[[]]]) is False


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "'" * 500_001, "'\\" * 250_000, "States.Array('" + "\\'" * 250_000, "States.Array($[" + "'\\" * 250_000,
        "States.Array($" + "[" * 500_000, "States.Array($" + "[('" * 100_000, "States.Array(" * 50_000,
        "States.Array(" + "1," * 200_000, "States.Array($" + ".a" * 250_000 + ")", "9" * 500_000, "A" * 500_000,
        "States.Array(" + "9" * 500_000 + ")", "States.Array(" + " " * 500_000, "States.Array($" + "a" * 500_000,
    ],
)  # fmt: skip
def test_long_texts_are_refused_soon(text: str) -> None:
    assert intrinsics.check(text)
