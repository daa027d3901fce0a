"""Whatever document lint finds nothing in can be parsed and run, with any input and answers, without an exception."""

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.errors import InvalidWorkflowError, NotFoundError
from penstock.states import (
    ExecutionContext,
    Finish,
    InvokeTask,
    Machine,
    Redriven,
    StartMapRun,
    StartTimer,
    Step,
    Stopped,
    TaskFailed,
    TaskHeartbeat,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
    history_event,
    item_input,
    lint,
    parse,
    pending,
    processor,
    start,
    step,
)
from penstock.states.failures import StateFailedError
from penstock.states.lint import AWS_ONLY

CONTEXT = ExecutionContext("arn:e", "e", 0.0, "arn:m", "m", "role")
STEPS = 25

SCALARS = st.sampled_from([
    None, True, False, 0, 1, -1, 3, 1.5, 10**20, "", "a", "$.a", "2026-02-20T07:57:00Z", "E", "{% 1 %}", "x" * 30,
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
])  # fmt: skip
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "items", "n", "t", "Error", "Cause", "x.$"]), inner, max_size=4)
    ),
    max_leaves=8,
)
COUNTS = st.sampled_from([0, 1, 2, 2, 2, 2.5, -1, "1", None, 10**9])
SOUND = st.fixed_dictionaries({
    "a": st.just("text") | ANY, "n": COUNTS, "items": st.lists(ANY, max_size=3) | st.just({"a": 1}),
    "t": st.just("2026-02-20T07:57:00Z") | SCALARS,
})  # fmt: skip
INPUTS = SOUND | SOUND | SOUND | ANY

# -- documents that are nearly sound: every field from a pool in which most values may stand there ------------------

SIMPLE = st.sampled_from(["$", "$", "$", "$.a", "$.items", "$.items[0]", "$.n", "$.t", "$v", "$.a.b[0]", "$.missing"])
PATHS = SIMPLE | st.sampled_from(["$$", "$$.Execution.Input", "$$.Map.Item.Value", "$$.Execution.Input.items", "$v.a"])
WIDE_PATHS = PATHS | st.sampled_from(["$..a", "$.items[*]", "$.items[*].a", "$.items[?(@.a)]", "$.a[0:2]"])
KEEPING = st.sampled_from([None, "$", "$", "$", "$.items", "$..a", "$$.Execution.Input", "$v"])
PLACES = st.sampled_from([None, None, "$", "$.r", "$.r", "$.a.b", "$.items[0]", "$['a b']"])
CALLS = st.sampled_from([
    "States.Format('{} {}', $.a, 1)", "States.Array($.a, null)", "States.ArrayPartition($.items, $.n)",
    "States.ArrayContains($.items, $.a)", "States.ArrayRange(0, $.n, 1)", "States.ArrayGetItem($.items, $.n)",
    "States.ArrayLength($.items)", "States.ArrayUnique($.items)", "States.Base64Encode($.a)",
    "States.Base64Decode($.a)",
    "States.Hash($.a, 'MD5')", "States.JsonMerge($, $.a, false)", "States.StringToJson($.a)", "States.JsonToString($)",
    "States.MathRandom(0, $.n)", "States.MathAdd($.n, 1)", "States.StringSplit($.a, ',')", "States.UUID()",
])  # fmt: skip
TEMPLATES = st.recursive(
    SCALARS | st.fixed_dictionaries({}, optional={"a.$": WIDE_PATHS | CALLS, "b.$": CALLS, "c": SCALARS}),
    lambda inner: st.fixed_dictionaries({}, optional={"d": inner, "e": st.lists(inner, max_size=2), "a.$": WIDE_PATHS}),
    max_leaves=4,
)
OBJECTS = st.fixed_dictionaries({}, optional={"a.$": WIDE_PATHS | CALLS, "b": TEMPLATES, "Bucket": SCALARS})
EXPRESSIONS = st.sampled_from([
    "{% $states.input %}", "{% $states.input.a %}", "{% $states.input.items %}", "{% $states.input.n %}", "{% 1/0 %}",
    "{% $v %}", "{% $states.context.Execution %}", "{% $count($states.input.items) > 1 %}", "{% $uuid() %}",
    "{% $range(1, $states.input.n, 1) %}", "{% $parse($states.input.a) %}", "{% function($x){$x} %}", "{% [1..3] %}",
    "{% $states.input.t %}", "{% $partition($states.input.items, $states.input.n) %}", "{% $random() %}",
    "{% $string($states.input) %}", "{% $hash($states.input.a, 'MD5') %}", "{% null %}", "{% true %}",
    "{% ($f := function($n){$n > 0 ? $f($n - 1) : $n}; $f(50)) %}", "{% $states.input.items[a = 1] %}",
])  # fmt: skip
VALUES = st.recursive(
    SCALARS | EXPRESSIONS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
AFTER = VALUES | st.sampled_from(["{% $states.result %}", "{% $states.result.a %}"])
FAILED = VALUES | st.sampled_from(["{% $states.errorOutput.Error %}"])
SECONDS = st.sampled_from([0, 1, 60, 99_999_999])
ERRORS = st.sampled_from([
    ["E"], ["States.TaskFailed"], ["States.Timeout", "E"], ["States.Runtime"], ["States.DataLimitExceeded"],
    ["States.BranchFailed"], ["States.HeartbeatTimeout"], ["States.QueryEvaluationError"],
])  # fmt: skip
FAILURES = st.sampled_from(["E", "", "States.Timeout", "States.ALL", "States.Runtime"])
RESOURCES = st.sampled_from([
    "arn:aws:states:::lambda:invoke", "arn:aws:lambda:us-east-1:123456789012:function:F",
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "arn:aws:states:::glue:startJobRun.sync",
    "arn:aws:states:::states:startExecution.sync:2", "arn:aws:states:us-east-1:123456789012:activity:A", "urn:task",
])  # fmt: skip


class Drawn:
    """Draws one document. Names are counted, so that they are unique, and few states are drawn."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.count = 0

    def machine(self, depth: int, *, root: bool = False) -> dict[str, Any]:
        names = []
        for _ in range(self.draw(st.integers(1, 3 if depth else 4))):
            self.count += 1
            names.append(f"S{self.count}")
        top = {"QueryLanguage": self.draw(st.sampled_from(["JSONPath", "JSONata"]))} if root else {}
        self.language = top.get("QueryLanguage", getattr(self, "language", "JSONPath"))
        if root:
            top.update(self.some({"TimeoutSeconds": st.sampled_from([1, 1000])}))
        states = {}
        for number, name in enumerate(names):
            following = names[number + 1] if number + 1 < len(names) else None
            states[name] = self.state(following, names, depth)
        return {**top, "StartAt": names[0], "States": states}

    def some(self, fields: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
        chosen = self.draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=2))
        return {name: self.draw(fields[name]) for name in chosen}

    def one(self, *choices: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
        chosen = self.draw(st.sampled_from(choices))
        return {name: self.draw(strategy) for name, strategy in chosen.items()}

    def state(self, following: str | None, names: list[str], depth: int) -> dict[str, Any]:
        kinds = ["Pass", "Task", "Wait"]
        kinds += ["Parallel", "Map", "Map"] if depth < 2 else []
        kinds += ["Choice"] if following else ["Succeed", "Fail"]
        kind = self.draw(st.sampled_from(kinds))
        # An inner machine assigns no name of an outer one.
        self.names = "vwu"[depth]
        is_jsonata = self.language == "JSONata" or self.draw(st.integers(0, 3)) == 0
        state: dict[str, Any] = {"Type": kind}
        if is_jsonata and self.language != "JSONata":
            state["QueryLanguage"] = "JSONata"
        if kind not in {"Choice", "Succeed", "Fail"}:
            state |= {"Next": following} if following else {"End": True}
        target = self.draw(st.sampled_from(names))
        state |= self.in_jsonata(kind, target) if is_jsonata else self.in_jsonpath(kind, target)
        if kind == "Choice":
            state["Default"] = following
        if kind in {"Task", "Map", "Parallel"}:
            state |= self.handlers(target, is_jsonata)
        if kind == "Parallel":
            state["Branches"] = [self.machine(depth + 1) for _ in range(self.draw(st.integers(1, 2)))]
        if kind == "Map":
            state["ItemProcessor"] = self.machine(depth + 1)
            if self.draw(st.booleans()):
                state["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
                state |= self.spread(is_jsonata)
        return state

    def in_jsonpath(self, kind: str, target: str) -> dict[str, Any]:
        paths = {"InputPath": KEEPING, "OutputPath": KEEPING}
        result = {"ResultPath": PLACES, "Parameters": TEMPLATES}
        assign = {"Assign": st.just({self.names: 1}) | st.fixed_dictionaries({f"{self.names}.$": WIDE_PATHS | CALLS})}
        match kind:
            case "Pass":
                return self.some(paths | result | assign | {"Result": TEMPLATES})
            case "Task":
                times = self.one({}, {"TimeoutSeconds": st.just(9), "HeartbeatSeconds": st.just(3)},
                                 {"TimeoutSecondsPath": st.just("$.n"), "HeartbeatSecondsPath": SIMPLE})  # fmt: skip
                return {
                    "Resource": self.draw(RESOURCES),
                    **times,
                    **self.some(paths | result | assign | {"ResultSelector": OBJECTS}),
                }
            case "Wait":
                return self.some(paths | assign) | self.one(
                    {"Seconds": SECONDS}, {"SecondsPath": SIMPLE}, {"TimestampPath": SIMPLE},
                    {"Timestamp": st.just("2026-02-20T07:57:00Z")})  # fmt: skip
            case "Choice":
                return self.some(paths | assign) | {
                    "Choices": [
                        {**self.rule(0), "Next": target, **self.some(assign)}
                        for _ in range(self.draw(st.integers(1, 2)))
                    ]
                }
            case "Fail":
                return self.one({}, {"Error": st.just("E")}, {"ErrorPath": PATHS}, {"CausePath": CALLS | PATHS},
                                {"Error": st.just("E"), "Cause": st.just("c")})  # fmt: skip
            case "Parallel":
                return self.some(paths | result | assign | {"ResultSelector": OBJECTS})
            case "Map":
                return self.some(paths | assign | {
                    "ResultPath": PLACES, "ItemsPath": PATHS, "ItemSelector": TEMPLATES, "ResultSelector": OBJECTS,
                }) | self.one({}, {"MaxConcurrency": st.integers(0, 2)}, {"MaxConcurrencyPath": SIMPLE})  # fmt: skip
        return self.some(paths)

    def rule(self, depth: int) -> dict[str, Any]:
        chosen = self.draw(st.integers(0, 5 if depth < 2 else 3))
        if chosen == 4:
            return {"Not": self.rule(depth + 1)}
        if chosen == 5:
            return {self.draw(st.sampled_from(["And", "Or"])): [self.rule(depth + 1) for _ in range(2)]}
        tests = [
            {"IsPresent": st.booleans()}, {"IsNull": st.booleans()}, {"IsTimestamp": st.booleans()},
            {"StringMatches": st.sampled_from(["*", "a*", "\\*"])}, {"NumericLessThan": st.integers(0, 2)},
            {"StringEqualsPath": PATHS}, {"TimestampLessThanPath": PATHS}, {"BooleanEqualsPath": PATHS},
            {"NumericGreaterThanEqualsPath": PATHS}, {"TimestampEquals": st.just("2026-02-20T07:57:00Z")},
        ]  # fmt: skip
        return {"Variable": self.draw(PATHS), **self.one(*tests)}

    def in_jsonata(self, kind: str, target: str) -> dict[str, Any]:
        has_result = kind in {"Task", "Map", "Parallel"}
        given = AFTER if has_result else VALUES
        assign = {"Assign": st.dictionaries(st.just(self.names), given, max_size=2)}
        giving = assign | {"Output": given}
        number = SECONDS | EXPRESSIONS
        match kind:
            case "Task":
                return {
                    "Resource": self.draw(RESOURCES),
                    **self.some(
                        giving
                        | {
                            "Arguments": st.dictionaries(st.sampled_from("ab"), VALUES, max_size=2) | EXPRESSIONS,
                            "TimeoutSeconds": EXPRESSIONS | st.just(9),
                            "HeartbeatSeconds": EXPRESSIONS,
                        }
                    ),
                }
            case "Wait":
                return self.some(giving) | self.one({"Seconds": number}, {"Timestamp": EXPRESSIONS})
            case "Choice":
                condition = st.booleans() | EXPRESSIONS
                rule = {"Condition": self.draw(condition), "Next": target, **self.some(giving)}
                return {"Choices": [rule], **self.some(giving)}
            case "Fail":
                return self.some({"Error": EXPRESSIONS | st.just("E"), "Cause": EXPRESSIONS | st.just("c")})
            case "Parallel":
                return self.some(giving | {"Arguments": EXPRESSIONS})
            case "Map":
                return self.some(giving | {
                    "Items": EXPRESSIONS | st.lists(VALUES, max_size=3), "ItemSelector": VALUES,
                    "MaxConcurrency": EXPRESSIONS | st.integers(0, 2)})  # fmt: skip
            case "Succeed":
                return self.some({"Output": given})
        return self.some(giving)

    def handlers(self, target: str, is_jsonata: bool) -> dict[str, Any]:
        retry = st.fixed_dictionaries({"ErrorEquals": ERRORS}, optional={
            "IntervalSeconds": st.integers(1, 2), "MaxAttempts": st.integers(0, 2), "JitterStrategy": st.just("FULL"),
            "BackoffRate": st.sampled_from([1, 2.5, 10**400]), "MaxDelaySeconds": st.just(9)})  # fmt: skip
        optional = {"Output": FAILED, "Assign": st.dictionaries(st.just(self.names), FAILED)}
        if not is_jsonata:
            optional = {"ResultPath": PLACES, "Assign": st.just({f"{self.names}.$": "$.Cause"})}
        catch = st.fixed_dictionaries(
            {"ErrorEquals": ERRORS | st.just(["States.ALL"]), "Next": st.just(target)}, optional=optional
        )
        return self.some({"Retry": st.lists(retry, max_size=2), "Catch": st.lists(catch, max_size=1)})

    def spread(self, is_jsonata: bool) -> dict[str, Any]:
        number = EXPRESSIONS if is_jsonata else st.just(2)
        payload = {"Arguments": st.dictionaries(st.sampled_from(["Bucket", "Key"]), VALUES) | EXPRESSIONS}
        if not is_jsonata:
            payload = {"Parameters": OBJECTS}
        reader = {
            "Resource": st.just("arn:aws:states:::s3:getObject"),
            **payload,
            "ReaderConfig": st.fixed_dictionaries(
                {"InputType": st.just("JSON")},
                optional={"MaxItems": number} if is_jsonata else {"MaxItemsPath": SIMPLE},
            ),
        }
        batcher = {"MaxItemsPerBatch": number, "BatchInput": VALUES if is_jsonata else TEMPLATES}
        writer = {"Resource": st.just("arn:aws:states:::s3:putObject"), **payload}
        limits = {"ToleratedFailureCount": number, "ToleratedFailurePercentage": number}
        if not is_jsonata:
            limits = {"ToleratedFailureCountPath": SIMPLE, "ToleratedFailurePercentagePath": SIMPLE}
        return self.some({
            "ItemReader": st.fixed_dictionaries(reader), "ItemBatcher": st.fixed_dictionaries(batcher),
            "ResultWriter": st.fixed_dictionaries(writer), **limits})  # fmt: skip


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    return Drawn(draw).machine(0, root=True)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def mutated(document: Any, data: st.DataObject) -> Any:
    """Returns the document with one place taken out, made anything, or made a copy of another place."""
    document = json.loads(json.dumps(document))
    found = places(document)[1:]
    place = data.draw(st.sampled_from(found), label="place")
    around = document
    for key in place[:-1]:
        around = around[key]
    change = data.draw(st.sampled_from(["drop", "any", "copy", "rename"]), label="change")
    if change == "drop":
        del around[place[-1]]
    elif change == "any":
        around[place[-1]] = data.draw(ANY)
    elif change == "rename" and isinstance(around, dict):
        around[data.draw(st.sampled_from(sorted({key for path in found for key in path if isinstance(key, str)})))] = (
            around.pop(place[-1])
        )
    else:
        other = document
        for key in data.draw(st.sampled_from(found)):
            other = other[key]
        around[place[-1]] = json.loads(json.dumps(other))
    return document


# -- running it -----------------------------------------------------------------------------------------------------


def answers(current: Step, data: st.DataObject, at: float) -> list[Any]:
    """Returns events that could come next, sensible ones and others."""
    asked = pending(current.state)
    events: list[Any] = []
    for command in asked:
        if isinstance(command, InvokeTask | StartMapRun):
            token = command.token
            events += [
                TaskSucceeded(token=token, output=data.draw(ANY), at=at),
                TaskFailed(token=token, error=data.draw(FAILURES), at=at),
                TaskSubmitted(token=token, output=data.draw(ANY), at=at), TaskHeartbeat(token=token, at=at),
            ]  # fmt: skip
        elif isinstance(command, StartTimer):
            events += [TimerFired(token=command.token, at=max(at, min(command.due_at, 1e11)))] * 2
    return [
        *events,
        Redriven(at=at),
        Stopped(error="E", cause="c", at=at),
        TaskSucceeded(token="none", output=1, at=at),
    ]


def children(machine: Machine, current: Step, data: st.DataObject, at: float) -> None:
    for command in current.commands:
        if isinstance(command, StartMapRun):
            try:
                value = item_input(current.state, command.token, 0, data.draw(ANY), at)
            except (StateFailedError, NotFoundError):
                value = {}
            start(processor(machine, command.state_name), value, CONTEXT, at=at, seed="c", history=True)


def check(document: Any, data: st.DataObject) -> bool:
    text = json.dumps(document)
    lint(text, warnings=True)
    found = [one for one in lint(text) if one.code not in AWS_ONLY]
    if found:
        with pytest.raises(InvalidWorkflowError):
            parse(text)
        return False
    machine = parse(text)
    at = 1_771_574_220.0
    current = start(machine, data.draw(INPUTS, label="input"), CONTEXT, at=at, seed="e", history=True)
    for number in range(STEPS):
        for entry in current.history:
            json.dumps(history_event(entry))
        children(machine, current, data, at)
        if any(isinstance(command, Finish) for command in current.commands) and number > 2:
            break
        at += 1.0
        event = data.draw(st.sampled_from(answers(current, data, at)), label="event")
        at = event.at if math.isfinite(event.at) else at
        current = step(machine, current.state, event, history=True)
    return True


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(documents(), st.data())
def test_documents_that_are_nearly_sound(document: Any, data: st.DataObject) -> None:
    check(document, data)


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(documents(), st.data())
def test_documents_with_a_change_made_to_them(document: Any, data: st.DataObject) -> None:
    check(mutated(document, data), data)
