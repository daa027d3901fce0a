"""Input and output of states: paths, templates, results."""

from __future__ import annotations

from typing import Any

from tests.differential.case import ECHO, Case, alone, chain

PATHS = "input-output-inputpath-params"
RESULT = "input-output-resultpath"
CONTEXT = "input-output-contextobject"
DATA = {"a": {"b": 1, "c": [10, 20, 30]}, "t": "text", "n": None, "items": [{"v": 1}, {"v": 2}, {"w": 3}]}

# (name, page, the fields of a Pass state, input)
PASSES: list[tuple[str, str, dict[str, Any], Any]] = [
    ("nothing", "state-pass", {}, DATA),
    ("result", "state-pass", {"Result": {"x": [1, None, True]}}, DATA),
    ("result-null", "state-pass", {"Result": None}, DATA),
    ("result-with-template-names", "state-pass", {"Result": {"x.$": "$.a"}}, DATA),
    ("input-path", PATHS, {"InputPath": "$.a"}, DATA),
    ("input-path-null", PATHS, {"InputPath": None}, DATA),
    ("input-path-missing", PATHS, {"InputPath": "$.zzz"}, DATA),
    ("input-path-index", PATHS, {"InputPath": "$.a.c[1]"}, DATA),
    ("input-path-negative-index", PATHS, {"InputPath": "$.a.c[-1]"}, DATA),
    ("input-path-of-null", PATHS, {"InputPath": "$.n"}, DATA),
    ("input-path-bracket", PATHS, {"InputPath": "$['a']['b']"}, DATA),
    ("input-path-slice", PATHS, {"InputPath": "$.a.c[0:2]"}, DATA),
    ("input-path-wildcard", PATHS, {"InputPath": "$.a.c[*]"}, DATA),
    ("input-path-deep", PATHS, {"InputPath": "$..v"}, DATA),
    ("input-path-deep-none", PATHS, {"InputPath": "$..zzz"}, DATA),
    ("input-path-filter", PATHS, {"InputPath": "$.items[?(@.v > 1)]"}, DATA),
    ("input-path-union", PATHS, {"InputPath": "$.a.c[0,2]"}, DATA),
    ("input-path-context", CONTEXT, {"InputPath": "$$.Execution.Input.t"}, DATA),
    ("output-path", PATHS, {"OutputPath": "$.a.c"}, DATA),
    ("output-path-null", PATHS, {"OutputPath": None}, DATA),
    ("output-path-missing", PATHS, {"OutputPath": "$.zzz"}, DATA),
    ("parameters", PATHS, {"Parameters": {"x.$": "$.a", "y": {"z.$": "$.t", "k": [1, {"d.$": "$.a.b"}]}}}, DATA),
    ("parameters-empty", PATHS, {"Parameters": {}}, DATA),
    ("parameters-missing", PATHS, {"Parameters": {"x.$": "$.zzz"}}, DATA),
    ("parameters-missing-index", PATHS, {"Parameters": {"x.$": "$.a.c[7]"}}, DATA),
    ("parameters-wildcard-none", PATHS, {"Parameters": {"x.$": "$.zzz[*]"}}, DATA),
    ("parameters-deep", PATHS, {"Parameters": {"x.$": "$..v"}}, DATA),
    ("parameters-deep-none", PATHS, {"Parameters": {"x.$": "$..zzz"}}, DATA),
    ("parameters-filter", PATHS, {"Parameters": {"x.$": "$.items[?(@.v == 2)].v"}}, DATA),
    ("parameters-filter-none", PATHS, {"Parameters": {"x.$": "$.items[?(@.v == 9)]"}}, DATA),
    ("parameters-slice", PATHS, {"Parameters": {"x.$": "$.a.c[1:]"}}, DATA),
    ("parameters-slice-of-text", PATHS, {"Parameters": {"x.$": "$.t[0:2]"}}, DATA),
    ("parameters-slice-missing", PATHS, {"Parameters": {"x.$": "$.zzz[1:]"}}, DATA),
    ("parameters-slice-of-object", PATHS, {"Parameters": {"x.$": "$[1:]"}}, DATA),
    ("parameters-whole", PATHS, {"Parameters": {"x.$": "$"}}, DATA),
    ("parameters-of-null", PATHS, {"Parameters": {"x.$": "$.n"}}, DATA),
    ("parameters-context", CONTEXT, {"Parameters": {"x.$": "$$.State.Name", "y.$": "$$.Execution.Input.t"}}, DATA),
    ("parameters-context-missing", CONTEXT, {"Parameters": {"x.$": "$$.Zzz"}}, DATA),
    ("parameters-list", PATHS, {"Parameters": [1, {"x.$": "$.t"}]}, DATA),
    ("parameters-of-list-input", PATHS, {"Parameters": {"x.$": "$[0]"}}, [1, 2]),
    ("parameters-of-text-input", PATHS, {"Parameters": {"x.$": "$"}}, "text"),
    ("parameters-of-null-input", PATHS, {"Parameters": {"x.$": "$.a"}}, None),
    ("parameters-after-input-path", PATHS, {"InputPath": "$.a", "Parameters": {"x.$": "$.b"}}, DATA),
    ("result-path", RESULT, {"Result": 1, "ResultPath": "$.r"}, DATA),
    ("result-path-null", RESULT, {"Result": 1, "ResultPath": None}, DATA),
    ("result-path-nested-new", RESULT, {"Result": 1, "ResultPath": "$.x.y.z"}, DATA),
    ("result-path-nested-over", RESULT, {"Result": 1, "ResultPath": "$.a.b"}, DATA),
    ("result-path-bracket", RESULT, {"Result": 1, "ResultPath": "$['r']"}, DATA),
    ("result-path-of-element", RESULT, {"Result": 1, "ResultPath": "$.a.c[1]"}, DATA),
    ("result-path-through-text", RESULT, {"Result": 1, "ResultPath": "$.t.x"}, DATA),
    ("result-path-of-text-input", RESULT, {"Result": 1, "ResultPath": "$.x"}, "text"),
    ("result-path-of-list-input", RESULT, {"Result": 1, "ResultPath": "$.x"}, [1]),
    ("result-path-then-output-path", RESULT, {"Result": {"q": 1}, "ResultPath": "$.r", "OutputPath": "$.r.q"}, DATA),
    ("large-number", "concepts-amazon-states-language", {"Parameters": {"x.$": "$.n"}}, {"n": 9007199254740993}),
    ("fraction", "concepts-amazon-states-language", {"Parameters": {"x.$": "$.n"}}, {"n": 0.1}),
    ("unicode", "concepts-amazon-states-language", {"Parameters": {"x.$": "$.ключ"}}, {"ключ": "☃"}),
]

SELECTED = chain(
    S={"Type": "Task", "Resource": ECHO, "ResultSelector": {"x.$": "$.a.b", "s.$": "$$.State.Name"},
       "ResultPath": "$.r", "OutputPath": "$.r"},
)  # fmt: skip

FLOW = [
    *(Case(f"flow/{name}", page, alone(Type="Pass", **fields), given) for name, page, fields, given in PASSES),
    Case("flow/result-selector", PATHS, SELECTED, DATA),
    Case(
        "flow/result-selector-missing", PATHS,
        alone(Type="Task", Resource=ECHO, ResultSelector={"x.$": "$.zzz"}), DATA,
    ),
    Case("flow/succeed-paths", "state-succeed", alone(Type="Succeed", InputPath="$.a", OutputPath="$.b"), DATA),
    Case("flow/succeed", "state-succeed", alone(Type="Succeed"), DATA),
    Case("flow/wait-paths", "state-wait", alone(Type="Wait", Seconds=0, InputPath="$.a", OutputPath="$.b"), DATA),
    Case(
        "flow/two-states", "state-pass",
        chain(A={"Type": "Pass", "Result": {"x": 1}, "ResultPath": "$.r"}, B={"Type": "Pass", "InputPath": "$.r"}),
        DATA,
    ),
]  # fmt: skip
