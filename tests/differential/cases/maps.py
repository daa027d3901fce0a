"""Parallel and Map, inline and distributed."""

from __future__ import annotations

from typing import Any

from tests.differential.case import ECHO, Case, Fails, alone, chain
from tests.differential.cases.errors import CONDITION, REFUSED

PARALLEL, INLINE, DISTRIBUTED = "state-parallel", "state-map-inline", "state-map-distributed"
ECHOING = chain(E={"Type": "Task", "Resource": ECHO})
ITEMS = {"items": [1, 2, 3], "k": "kept"}
FAIL_TWO = {
    "StartAt": "D",
    "States": {
        "D": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "F"}], "Default": "P"},
        "F": {"Type": "Fail", "Error": "Two", "Cause": "it is two"}, "P": {"Type": "Pass", "End": True},
    },
}  # fmt: skip


def branch(**fields: Any) -> dict[str, Any]:
    name = fields.pop("name")
    return {"StartAt": name, "States": {name: fields if fields["Type"] == "Fail" else {**fields, "End": True}}}


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Parallel", "Branches": list(branches), **fields}


def mapping(processor: dict[str, Any] = ECHOING, *, mode: str = "INLINE", **fields: Any) -> dict[str, Any]:
    config = {"Mode": mode} if mode == "INLINE" else {"Mode": mode, "ExecutionType": "STANDARD"}
    return {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **processor}, **fields}


def spread(processor: dict[str, Any] = ECHOING, **fields: Any) -> dict[str, Any]:
    return mapping(processor, mode="DISTRIBUTED", **fields)


ONE = branch(name="A", Type="Pass", Result=1)
TWO = branch(name="B", Type="Pass", Result=2)
BROKEN = branch(name="X", Type="Fail", Error="Broken", Cause="it broke")
CATCH = [{"ErrorEquals": ["Broken"], "Next": "C"}]
CAUGHT = {"Type": "Pass", "Parameters": {"error.$": "$.Error", "cause.$": "$.Cause"}}

# (name, page, the state, input)
STATES: list[tuple[str, str, dict[str, Any], Any]] = [
    ("parallel/one", PARALLEL, parallel(ONE), {}),
    ("parallel/two", PARALLEL, parallel(ONE, TWO), {}),
    ("parallel/input", PARALLEL, parallel(branch(name="A", Type="Pass"), branch(
        name="B", Type="Pass", InputPath="$.x")), {"x": 1}),
    ("parallel/result-path", PARALLEL, parallel(ONE, TWO, ResultPath="$.r"), {"x": 1}),
    ("parallel/result-selector", PARALLEL, parallel(ONE, TWO, ResultSelector={"a.$": "$[0]", "b.$": "$[1]"}), {}),
    ("parallel/parameters", PARALLEL, parallel(branch(name="A", Type="Pass"), Parameters={"y.$": "$.x"}), {"x": 1}),
    ("parallel/output-path", PARALLEL, parallel(ONE, TWO, OutputPath="$[1]"), {}),
    ("parallel/tasks", PARALLEL, parallel(branch(name="A", Type="Task", Resource=ECHO)), {"x": 1}),
    ("parallel/fails", PARALLEL, parallel(BROKEN), {}),
    ("parallel/nested", PARALLEL, parallel(branch(name="I", **parallel(ONE)), TWO), {}),
    ("parallel/runtime-error", PARALLEL, parallel(branch(name="A", Type="Pass", Parameters={"x.$": "$.zzz"})), {}),
    ("map/items-path", INLINE, mapping(ItemsPath="$.items"), ITEMS),
    ("map/whole-input", INLINE, mapping(), [1, "two", [3]]),
    ("map/empty", INLINE, mapping(), []),
    ("map/one", INLINE, mapping(), [{"x": 1}]),
    ("map/in-turn", INLINE, mapping(MaxConcurrency=1), [1, 2]),
    ("map/item-selector", INLINE, mapping(ItemsPath="$.items", ItemSelector={
        "v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "k.$": "$.k"}), ITEMS),
    ("map/parameters", INLINE, {"Type": "Map", "Iterator": ECHOING, "ItemsPath": "$.items",
                                "Parameters": {"v.$": "$$.Map.Item.Value"}}, ITEMS),
    ("map/iterator", INLINE, {"Type": "Map", "Iterator": ECHOING, "ItemsPath": "$.items"}, ITEMS),
    ("map/result-path", INLINE, mapping(ItemsPath="$.items", ResultPath="$.r"), ITEMS),
    ("map/result-selector", INLINE, mapping(ItemsPath="$.items", ResultSelector={"first.$": "$[0]"}), ITEMS),
    ("map/items-missing", INLINE, mapping(ItemsPath="$.zzz"), ITEMS),
    ("map/items-not-a-list", INLINE, mapping(ItemsPath="$.k"), ITEMS),
    ("map/items-an-object", INLINE, mapping(ItemsPath="$"), ITEMS),
    ("map/item-fails", INLINE, mapping(FAIL_TWO, MaxConcurrency=1), [1, 2, 3]),
    ("map/item-selector-missing", INLINE, mapping(ItemSelector={"x.$": "$.zzz"}), [1]),
    ("map/concurrency-path", INLINE, mapping(ItemsPath="$.items", MaxConcurrencyPath="$.m"), {**ITEMS, "m": 2}),
    ("map/concurrency-path-negative", INLINE, mapping(ItemsPath="$.items", MaxConcurrencyPath="$.m"),
     {**ITEMS, "m": -1}),
    ("map/concurrency-path-text", INLINE, mapping(ItemsPath="$.items", MaxConcurrencyPath="$.m"),
     {**ITEMS, "m": "two"}),
    ("map/nested", INLINE, mapping(branch(name="N", **mapping())), [[1], [2, 3]]),
    ("distributed/items", DISTRIBUTED, spread(), [1, 2, 3]),
    ("distributed/empty", DISTRIBUTED, spread(), []),
    ("distributed/selector", DISTRIBUTED,
     spread(ItemsPath="$.items", ItemSelector={"v.$": "$$.Map.Item.Value", "k.$": "$.k"}), ITEMS),
    ("distributed/result-path", DISTRIBUTED, spread(ItemsPath="$.items", ResultPath="$.r"), ITEMS),
    ("distributed/item-fails", DISTRIBUTED, spread(FAIL_TWO, MaxConcurrency=1), [1, 2, 3]),
    ("distributed/tolerated-count", DISTRIBUTED, spread(FAIL_TWO, ToleratedFailureCount=1), [1, 2, 3]),
    ("distributed/tolerated-percentage", DISTRIBUTED, spread(FAIL_TWO, ToleratedFailurePercentage=50), [1, 2, 3]),
    ("distributed/tolerated-too-few", DISTRIBUTED, spread(FAIL_TWO, ToleratedFailureCount=1), [2, 2, 3]),
    ("distributed/label", DISTRIBUTED, spread(Label="mine"), [1]),
]  # fmt: skip

RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
MAPS = [
    *(Case(name, page, alone(**state), given, is_concurrent=True) for name, page, state, given in STATES),
    Case("parallel/caught", PARALLEL, chain(S={**parallel(BROKEN), "Catch": CATCH, "End": True}, C=CAUGHT),
         is_concurrent=True),
    Case("parallel/caught-inside", PARALLEL, alone(**parallel(
        {"StartAt": "X", "States": {
            "X": {**REFUSED, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}], "End": True},
            "C": {"Type": "Pass", "Result": "caught", "End": True}}}, ONE)),
        answers={"X": [Fails(CONDITION)]}, is_concurrent=True),
    Case("parallel/retried", PARALLEL, alone(**parallel(BROKEN), Retry=RETRY), is_concurrent=True),
    Case("parallel/task-fails", PARALLEL, alone(**parallel(branch(name="X", **REFUSED))),
         answers={"X": [Fails(CONDITION)]}, is_concurrent=True),
    Case("map/caught", INLINE, chain(
        S={**mapping(FAIL_TWO, MaxConcurrency=1), "Catch": [{"ErrorEquals": ["Two"], "Next": "C"}], "End": True},
        C=CAUGHT), [1, 2, 3], is_concurrent=True),
    Case("map/retried", INLINE, alone(**mapping(FAIL_TWO, MaxConcurrency=1), Retry=RETRY), [2], is_concurrent=True),
    Case("distributed/caught", DISTRIBUTED, chain(
        S={**spread(FAIL_TWO), "Catch": [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "C"}],
           "End": True}, C={"Type": "Pass", "Parameters": {"error.$": "$.Error"}}), [1, 2], is_concurrent=True),
]  # fmt: skip
