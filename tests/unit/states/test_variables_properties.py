"""Whatever is assigned in whatever order: scopes never change, see what they may, and count what they hold."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.states.failures import StateFailedError
from penstock.states.variables import (
    Scope,
    assign_mistakes,
    name_mistake,
    reference_mistake,
    restored,
    variable_reference,
)

VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | st.lists(st.integers(0, 9), max_size=3)
ASSIGNS = st.dictionaries(st.sampled_from("abcdef"), VALUES, max_size=4)
STEPS = st.lists(st.tuples(st.sampled_from(["assign", "inner", "leave", "distributed"]), ASSIGNS), max_size=12)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_scopes_against_a_model(steps: list[tuple[str, dict[str, Any]]]) -> None:
    model: list[dict[str, Any]] = [{}]
    walls, scopes = [0], [Scope()]
    for kind, values in steps:
        seen = [(scope, scope.visible()) for scope in scopes]
        if kind == "assign":
            outer = {name for level in model[walls[-1] : -1] for name in level}
            if outer & set(values):
                with pytest.raises(StateFailedError, match=r"States\.Runtime"):
                    scopes[-1].assign(values)
            else:
                scopes[-1] = scopes[-1].assign(values)
                model[-1] = {**model[-1], **values}
        elif kind == "leave":
            if len(scopes) > 1:
                scopes.pop()
                model.pop()
                if walls[-1] == len(model):
                    walls.pop()
        else:
            if kind == "distributed":
                walls.append(len(model))
            scopes.append(scopes[-1].inner() if kind == "inner" else scopes[-1].distributed())
            model.append({})
        visible = {name: value for level in model[walls[-1] :] for name, value in level.items()}
        assert scopes[-1].visible() == visible
        assert scopes[-1].names() == set(visible)
        assert scopes[-1].total_bytes() == sum(
            len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) for value in visible.values()
        )
        assert all(scope.visible() == before for scope, before in seen), "a scope never changes"


@settings(max_examples=100, deadline=None)
@given(ASSIGNS, ASSIGNS)
def test_scopes_come_back_from_their_values(first: dict[str, Any], second: dict[str, Any]) -> None:
    outer = Scope().assign(first)
    inner = outer.inner().assign({name: value for name, value in second.items() if name not in first})
    assert restored(json.loads(json.dumps(inner.values)), restored(json.loads(json.dumps(outer.values)))) == inner


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=85) | st.text("aé_1·变$.[]-", max_size=6))
def test_any_text_is_a_name_or_a_mistake(text: str) -> None:
    mistake = name_mistake(text)
    assert (list(assign_mistakes({text: 1})) == []) is (mistake is None)
    reference = variable_reference(f"${text}.a")
    if mistake is None:
        assert reference == (text, "$.a")
        assert reference_mistake(f"${text}.a") is None
        # Python's identifiers are those of the same annex, with an underscore in front.
        assert text.isidentifier()
    elif reference is not None:
        assert f"${reference[0]}{reference[1][1:]}" == f"${text}.a"
    reference_mistake(f"${text}")


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    )
)
def test_any_value_is_an_assign_field_or_mistakes(value: Any) -> None:
    found = list(assign_mistakes(value, {"a"}, jsonpath=True))
    assert found or isinstance(value, dict)
