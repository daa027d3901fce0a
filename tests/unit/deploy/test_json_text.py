"""Exchanging strings in JSON, and leaving every other byte as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.deploy.json_text import exchanged, shown, values

TEXT = """{"a": {"b": ["x", {"c":"y\\"z"}, 3, "w"], "d": {}, "": "e"},
\t"f" : "g" , "h": [[], ["q", null, true, -1.5e3]]}"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def strings(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], str]:
    """Returns the strings of a value by their paths, as the standard library's parser finds them."""
    if isinstance(value, str):
        return {path: value}
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {place: text for name, inner in pairs for place, text in strings(inner, (*path, name)).items()}


def found(text: str) -> dict[tuple[str | int, ...], str]:
    return {path: json.loads(f'"{text[begin:end]}"') for path, begin, end in values(text) if text[begin - 1] == '"'}


def test_strings_are_found_by_their_paths() -> None:
    assert found(TEXT) == {
        ("a", "b", 0): "x",
        ("a", "b", 1, "c"): 'y"z',
        ("a", "b", 3): "w",
        ("a", ""): "e",
        ("f",): "g",
        ("h", 1, 0): "q",
    }


@settings(max_examples=100, deadline=None)
@given(JSON, st.sampled_from([None, 2]), st.booleans())
def test_as_a_parser_finds_them(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert found(text) == strings(value)
    assert exchanged(text, {}) == text


def test_only_what_is_exchanged_changes() -> None:
    made = exchanged(TEXT, {("a", "b", 1, "c"): "${name}", ("f",): "", ("nowhere",): "never"})
    assert made == TEXT.replace('y\\"z', "${name}").replace('"g"', '""')


def test_a_member_is_written_first_in_an_object() -> None:
    assert exchanged(TEXT, {("a", "b", 1): '"new": 1, ', ("a", "d"): '"only": 2'}) == TEXT.replace(
        '{"c"', '{"new": 1, "c"'
    ).replace("{}", '{"only": 2}')


def test_what_stays_can_be_written_otherwise() -> None:
    assert exchanged('{"a": "x", "b": "x"}', {("a",): "x"}, str.upper) == '{"A": "x", "B": "X"}'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), "$"),
        (("States", "Put it", "Parameters", "TableName"), "$.States['Put it'].Parameters.TableName"),
        (("States", "P", "Branches", 1, "Entries", 0), "$.States.P.Branches[1].Entries[0]"),
        (("Item", "x.$"), "$.Item['x.$']"),
    ],
)
def test_paths_are_shown_as_json_paths(path: tuple[str | int, ...], text: str) -> None:
    assert shown(path) == text
