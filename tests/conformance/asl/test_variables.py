"""Workflow variables, as AWS has them.

PAGE: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html, with the section named.
"""

import json
from typing import Any

import pytest

from penstock.states import ExecutionContext, ExecutionState, parse
from penstock.states.execution import Frame
from penstock.states.failures import StateFailedError
from penstock.states.jsonata import Bindings, evaluate
from penstock.states.missing import in_field
from penstock.states.templates import compile_template
from penstock.states.turn import Surroundings
from penstock.states.variables import (
    Scope,
    assign_mistakes,
    compile_reference,
    name_mistake,
    reference_mistake,
    restored,
    variable_reference,
)

KIB = 1024


def failed(scope: Scope, values: dict[str, Any], **elsewhere: int) -> str:
    with pytest.raises(StateFailedError) as failure:
        scope.assign(values, **elsewhere)
    return failure.value.error


# PAGE, "States that support variables": the example.
def test_variables_are_set_and_read() -> None:
    values = {"productName": "product1", "count": 42, "available": True}
    scope = Scope().assign(values)
    assert scope.visible() == values
    assert scope.names() == set(values)


# PAGE, "Evaluation order in an assign field": $x=3 and $a=6 before, $x=6 and $nextX=3 after; "If $x had not been
# previously assigned, the example would fail because $x would be undefined".
def test_expressions_are_evaluated_first_and_then_assigned() -> None:
    assign = {"x": "{% $a %}", "nextX": "{% $x %}"}
    for order in (assign, dict(reversed(assign.items()))):
        before = Scope().assign({"x": 3, "a": 6})
        after = before.assign(evaluate(order, Bindings({"input": {}}, before.visible()), place="Assign"))
        assert after.visible() == {"x": 6, "a": 6, "nextX": 3}
        assert before.visible() == {"x": 3, "a": 6}
    scope = Scope().assign({"a": 6})
    with pytest.raises(StateFailedError) as failure:
        evaluate(assign, Bindings({"input": {}}, scope.visible()), place="Assign")
    assert (failure.value.error, failure.value.cause) == (
        "States.QueryEvaluationError",
        "The JSONata expression '$x' specified for the field 'Assign/nextX' returned nothing (undefined).",
    )


# PAGE, "Assign field in ASL": the task's example.
def test_the_pages_assignment_from_a_result() -> None:
    assign = {
        "product": "{% $states.input.order.product %}",
        "currentPrice": "{% $states.result.Payload.current_price %}",
    }
    states = {"input": {"order": {"product": "p"}}, "result": {"Payload": {"current_price": 9.5}}}
    assert evaluate(assign, Bindings(states)) == {"product": "p", "currentPrice": 9.5}


# PAGE, "Variable scope".
def test_inner_scopes_read_outer_ones_and_are_gone_at_their_end() -> None:
    outer = Scope().assign({"a": 1})
    first, second = outer.inner(), outer.inner()
    first = first.assign({"b": 2})
    assert first.visible() == {"a": 1, "b": 2}
    assert second.visible() == outer.visible() == {"a": 1}, "nothing of a concurrent branch, nor of one that is done"
    deeper = first.inner().assign({"c": 3})
    assert deeper.visible() == {"a": 1, "b": 2, "c": 3}
    assert second.assign({"b": 4}).visible() == {"a": 1, "b": 4}, "branches may use the same name"


# PAGE, the same: "a variable assigned in an inner scope cannot have the same name as one assigned in an outer scope".
def test_inner_scopes_assign_no_name_of_an_outer_one() -> None:
    outer = Scope().assign({"myVariable": 1})
    inner = outer.inner()
    for scope in (inner, inner.inner(), inner.assign({"other": 1}).inner()):
        assert failed(scope, {"myVariable": 2}) == "States.Runtime"
    assert list(assign_mistakes({"myVariable": 1, "b": 2}, {"myVariable"})) == [
        ("myVariable", "the variable 'myVariable' is assigned in an outer scope too")
    ]


# PAGE, the same: "Distributed Map states cannot currently reference variables in outer scopes".
def test_distributed_iterations_see_nothing() -> None:
    outer = Scope().assign({"a": 1})
    assert outer.distributed().visible() == {}
    assert outer.inner().distributed().assign({"b": 2}).visible() == {"b": 2}


# PAGE, the same: "the Assign field in a Catch can assign values to variables in the outer scope".
def test_a_catch_assigns_in_the_scope_of_its_state() -> None:
    outer = Scope().assign({"a": 1})
    outer.inner().assign({"b": 2})
    caught = evaluate(
        {"a": "{% $states.errorOutput.Error %}"}, Bindings({"errorOutput": {"Error": "E"}}, outer.visible())
    )
    assert outer.assign(caught).visible() == {"a": "E"}


# PAGE, "Variable name syntax": ID_Start, then ID_Continue, of Unicode Standard Annex 31; at most 80; "Reserved
# variable".
NAMES = [
    ("x", True), ("productName", True), ("x1", True), ("a_b", True), ("café", True), ("变量", True), ("Ⅷ", True),
    ("\u2118", True), ("a\u00b7b", True), ("a\u0301", True), ("x" * 80, True), ("𐀀", True), ("state", True),
    ("_x", False), ("1x", False), ("", False), ("a-b", False), ("a b", False), ("$x", False), ("a$", False),
    ("x" * 81, False), ("states", False), ("\u0301a", False), ("·a", False), ("a\u2e2f", False), ("😀", False),
    # "you cannot "Assign":{"x.y":42} or "Assign":{"x[2]":42}"
    ("x.y", False), ("x[2]", False), (None, False), (1, False), (" x", False), ("x\n", False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "is_fine"), NAMES)
def test_names(name: Any, is_fine: bool) -> None:
    assert (name_mistake(name) is None) is is_fine
    if isinstance(name, str):
        assert (list(assign_mistakes({name: 1})) == []) is is_fine
        if not is_fine:
            assert failed(Scope(), {name: 1}) == "States.Runtime"


def test_assign_fields_of_json_path_states() -> None:
    assert list(assign_mistakes({"a.$": "$.b", "c": 1}, jsonpath=True)) == []
    assert [field for field, _ in assign_mistakes({"a.$": "$.b", "a": 1, "states.$": "$"}, jsonpath=True)] == [
        "a",
        "states.$",
    ]
    assert [field for field, _ in assign_mistakes({"a.$": 1})] == ["a.$"]
    assert [field for field, _ in assign_mistakes([])] == [""]


# PAGE, "Limits": 256 KiB a variable; "you could assign X and Y to 128KiB, but you could not assign both X and Y to
# 256KiB in the same Assign field"; 10 MiB an execution. A text of n characters is n + 2 bytes of JSON.
def test_limits() -> None:
    whole, half = "x" * (256 * KIB - 2), "x" * (128 * KIB - 2)
    assert Scope().assign({"x": whole}).own_bytes() == 256 * KIB
    assert failed(Scope(), {"x": whole + "x"}) == "States.DataLimitExceeded"
    assert Scope().assign({"x": half, "y": half}).own_bytes() == 256 * KIB
    assert failed(Scope(), {"x": half, "y": half + "x"}) == "States.DataLimitExceeded"
    assert failed(Scope(), {"x": whole, "y": whole}) == "States.DataLimitExceeded"
    full = Scope()
    for number in range(40):
        full = full.assign({f"v{number}": whole})
    assert full.total_bytes() == 10 * KIB * KIB
    assert failed(full, {"w": 1}) == "States.DataLimitExceeded"
    assert failed(full.inner(), {"w": 1}) == "States.DataLimitExceeded"
    assert full.assign({"v0": 1}).assign({"w": 1}).visible()["w"] == 1, "what a variable had before counts no more"
    assert full.distributed().assign({"w": 1}).total_bytes() == 1
    assert failed(Scope(), {"w": 1}, elsewhere_bytes=10 * KIB * KIB) == "States.DataLimitExceeded"
    assert failed(Scope(), {"x": "é" * 131_072}) == "States.DataLimitExceeded", "bytes of UTF-8 count"


# PAGE, "Using variables in JSONPath states": $x, $order.numItems, $order..product; other paths are no variables.
REFERENCES = [
    ("$x", ("x", "$")), ("$order.numItems", ("order", "$.numItems")), ("$order..product", ("order", "$..product")),
    ("$list[0]", ("list", "$[0]")), ("$list[*].a", ("list", "$[*].a")), ("$café.x", ("café", "$.x")),
    ("$", None), ("$.a", None), ("$['a']", None), ("$$", None), ("$$.Execution.Id", None), ("x", None), ("", None),
    ("$1", None), ("$_a", None), (None, None), (1, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), REFERENCES)
def test_references(text: Any, expected: Any) -> None:
    assert variable_reference(text) == expected
    assert (reference_mistake(text) is None) is (expected is not None)


def test_references_that_are_refused() -> None:
    for text in ("$states.input", "$x[", "$x.a.", "$x!", "$x$y", "$" + "x" * 81):
        assert reference_mistake(text) is not None


def test_what_references_find() -> None:
    variables = {"x": 1, "order": {"items": [{"p": 1}, {"p": 2}], "numItems": 2}, "nothing": None}
    for text, expected in (("$x", 1), ("$order.numItems", 2), ("$order.items[1].p", 2), ("$order..p", [1, 2]),
                           ("$nothing", None)):  # fmt: skip
        assert compile_reference(text, in_field("x.$"))(variables) == expected
    for text in ("$y", "$order.missing", "$x.a"):
        with pytest.raises(StateFailedError) as failure:
            compile_reference(text, in_field("x.$"))(variables)
        assert failure.value.error == "States.Runtime"
        assert failure.value.cause.startswith(f"The JSONPath '{text}' specified for the field 'x.$' could not be found")


# PAGE, "Assigning variables in JSONPath": both examples; the intrinsic function is the caller's to compile.
def test_the_pages_assignments_in_json_path() -> None:
    result = {
        "order": {"items": ["i"], "total": 3, "lines": [{"product": "p"}, {"product": "q"}]},
        "result": {"code": 200},
    }
    machine = parse('{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}')
    execution = ExecutionState(machine, ExecutionContext("e", "e", 1_771_574_220.0, "m", "m"), "seed", {})
    around = Surroundings(execution, Frame("", machine, scope=Scope({"customer": {"name": "María"}})), "assign", 0.0)
    filled = compile_template({"products.$": "$.order..product", "orderTotal.$": "$.order.total"})
    assert filled(result, around) == {"products": ["p", "q"], "orderTotal": 3}
    assign = {
        "details": {"status": "SUCCESS", "lineItems.$": "$.order.items"},
        "resultCode.$": "$.result.code",
        "message.$": "States.Format('Hello {}', $customer.name)",
        "startTime.$": "$$.Execution.StartTime",
        "name.$": "$customer.name",
        "not-evaluated": ["$customer.name", {"a.$": "$customer"}],
    }
    before = json.dumps(result)
    assert compile_template(assign)(result, around) == {
        "details": {"status": "SUCCESS", "lineItems": ["i"]},
        "resultCode": 200,
        "message": "Hello María",
        "startTime": "2026-02-20T07:57:00.000Z",
        "name": "María",
        "not-evaluated": ["$customer.name", {"a": {"name": "María"}}],
    }
    assert json.dumps(result) == before


def test_a_scope_comes_back_from_a_snapshot() -> None:
    scope = Scope().assign({"a": "é"}).inner().assign({"b": [1]})
    assert scope.outer is not None
    again = restored(scope.values, restored(scope.outer.values))
    assert again == scope
    assert again.total_bytes() == scope.total_bytes() == 4 + 3
