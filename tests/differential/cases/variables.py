"""Variables in both query languages, and JSONata."""

from __future__ import annotations

from typing import Any

from tests.differential.case import ECHO, Case, alone, chain
from tests.differential.cases.maps import mapping, parallel

VARIABLES, JSONATA = "workflow-variables", "transforming-data"


def told(**parameters: str) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": parameters}


def sets(**variables: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Assign": variables}


INNER = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Parameters": {"x.$": "$x"}, "End": True}}}
SHADOW = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Assign": {"y": 2}, "Next": "J"},
                                     "J": {"Type": "Pass", "Parameters": {"y.$": "$y"}, "End": True}}}  # fmt: skip

# (name, machine, input)
ASSIGNED: list[tuple[str, dict[str, Any], Any]] = [
    ("constant", chain(A=sets(x=1), B=told(**{"r.$": "$x"})), {}),
    ("path", chain(A=sets(**{"x.$": "$.a.b"}), B=told(**{"r.$": "$x"})), {"a": {"b": [1]}}),
    ("inside", chain(A=sets(**{"x.$": "$.a"}), B=told(**{"r.$": "$x.b[0]"})), {"a": {"b": [1]}}),
    ("of-result", chain(A={"Type": "Task", "Resource": ECHO, "Assign": {"x.$": "$.n"}},
                        B=told(**{"r.$": "$x"})), {"n": 5}),
    ("in-call", chain(A=sets(x=1), B=told(**{"r.$": "States.MathAdd($x, 1)"})), {}),
    ("call", chain(A=sets(**{"x.$": "States.Format('{}!', $.n)"}), B=told(**{"r.$": "$x"})), {"n": 1}),
    ("context", chain(A=sets(**{"x.$": "$$.State.Name"}), B=told(**{"r.$": "$x"})), {}),
    ("again", chain(A=sets(x=1), B=sets(**{"x.$": "States.MathAdd($x, 1)"}), C=told(**{"r.$": "$x"})), {}),
    ("together", chain(A=sets(x=1, y=2), B=sets(**{"x.$": "$y", "y.$": "$x"}),
                       C=told(**{"x.$": "$x", "y.$": "$y"})), {}),
    ("in-input-path", chain(A=sets(x={"q": 1}), B={"Type": "Pass", "InputPath": "$x.q"}), {}),
    ("in-choice", chain(A=sets(x=1), B={"Type": "Choice", "Choices": [
        {"Variable": "$x", "NumericEquals": 1, "Next": "Y"}], "Default": "N"},
        Y={"Type": "Pass", "Result": "yes", "End": True}, N={"Type": "Pass", "Result": "no"}), {}),
    ("of-choice", chain(A={"Type": "Choice", "Choices": [
        {"Variable": "$.a", "NumericEquals": 1, "Assign": {"x": "rule"}, "Next": "B"}], "Default": "B",
        "Assign": {"x": "default"}}, B=told(**{"r.$": "$x"})), {"a": 1}),
    ("in-items-path", chain(A=sets(x=[1, 2]), B=mapping(ItemsPath="$x")), {}),
    ("in-parallel", chain(A=sets(x=1), B=parallel(INNER)), {}),
    ("in-map", chain(A=sets(x=1), B=mapping(INNER)), [1]),
    ("stays-inside", chain(B=parallel(SHADOW), C=told(**{"r.$": "$y"})), {}),
    ("undefined", alone(**told(**{"r.$": "$zzz"})), {}),
    ("bad-name", chain(A=sets(**{"1x": 1})), {}),
    ("missing-path", chain(A=sets(**{"x.$": "$.zzz"})), {}),
]  # fmt: skip


def jsonata(**fields: Any) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata", **alone(**fields)}


EXPRESSIONS: list[tuple[str, dict[str, Any], Any]] = [
    ("constant", jsonata(Type="Pass", Output={"x": 1}), {}),
    ("input", jsonata(Type="Pass", Output="{% $states.input.a %}"), {"a": 1}),
    ("sum", jsonata(Type="Pass", Output={"s": "{% $sum($states.input.a) %}"}), {"a": [1, 2]}),
    ("undefined", jsonata(Type="Pass", Output="{% $states.input.zzz %}"), {}),
    ("arguments", jsonata(Type="Task", Resource=ECHO, Arguments={"x": "{% $states.input.a %}"}), {"a": 1}),
    ("condition", {"QueryLanguage": "JSONata", "StartAt": "S", "States": {
        "S": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.a > 1 %}", "Next": "Y"}], "Default": "N"},
        "Y": {"Type": "Pass", "Output": "yes", "End": True},
        "N": {"Type": "Pass", "Output": "no", "End": True}}}, {"a": 2}),
    ("no-expression", jsonata(Type="Pass"), {"a": 1}),
    ("wrong-field", jsonata(Type="Pass", Parameters={"x": 1}), {}),
]  # fmt: skip

CONCURRENT = {"in-parallel", "in-map", "in-items-path", "stays-inside"}
LANGUAGES = [
    *(Case(f"variable/{name}", VARIABLES, machine, given, is_concurrent=name in CONCURRENT)
      for name, machine, given in ASSIGNED),
    *(Case(f"jsonata/{name}", JSONATA, machine, given) for name, machine, given in EXPRESSIONS),
]  # fmt: skip
