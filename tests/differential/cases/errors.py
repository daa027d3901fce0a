"""Errors, retries, timeouts, Fail and Wait."""

from __future__ import annotations

from typing import Any

from tests.differential.case import Case, Fails, Silence, alone, chain

PAGE = "concepts-error-handling"
CONDITION = "DynamoDB.ConditionalCheckFailedException"
PUT = "arn:aws:states:::dynamodb:putItem"
# The item is there already.
REFUSED: dict[str, Any] = {
    "Type": "Task", "Resource": PUT,
    "Parameters": {
        "TableName": "items", "Item": {"pk": {"S": "one"}}, "ConditionExpression": "attribute_not_exists(pk)",
    },
}  # fmt: skip
# It is refused until the state was tried twice.
AT_THE_THIRD = {
    **REFUSED,
    "Parameters": {
        "TableName": "items", "Item": {"pk": {"S": "one"}, "count": {"N": "1"}},
        "ConditionExpression": "#c < :n", "ExpressionAttributeNames": {"#c": "count"},
        "ExpressionAttributeValues": {":n": {"N.$": "States.Format('{}', $$.State.RetryCount)"}},
    },
    "ResultPath": None,
}  # fmt: skip
FAILS = {"S": [Fails(CONDITION)]}
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012"
WAITING: dict[str, Any] = {
    "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": f"{QUEUE}/work", "MessageBody": {"token.$": "$$.Task.Token"}},
}  # fmt: skip


def caught(body: dict[str, Any], *names: str, **catcher: Any) -> dict[str, Any]:
    """Returns a machine whose state S is caught, if at all, by a catcher of these error names."""
    catch = [{"ErrorEquals": list(names), "Next": "C", **catcher}]
    return {
        "StartAt": "S",
        "States": {"S": {**body, "Catch": catch, "End": True}, "C": {"Type": "Pass", "Parameters": {
            "caught": True}, "End": True}},
    }  # fmt: skip


def retried(body: dict[str, Any], *retriers: dict[str, Any], catch: bool = False) -> dict[str, Any]:
    machine = caught(body, "States.ALL") if catch else alone(**body)
    machine["States"]["S"]["Retry"] = list(retriers)
    return machine


SILENT: dict[str, list[Any]] = {"S": [Silence()]}


ONCE = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}
TWICE = {"ErrorEquals": [CONDITION], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}

CAUGHT = [
    Case(f"error/caught-by-{names[0]}", PAGE, caught(REFUSED, *names), answers=FAILS)
    for names in [(CONDITION,), ("States.TaskFailed",), ("States.ALL",), ("States.Timeout",), ("Other", CONDITION)]
]
RUNTIME = [
    Case(f"error/runtime-caught-by-{name}", PAGE, caught({**REFUSED, "Parameters": {"x.$": "$.zzz"}}, name))
    for name in ("States.ALL", "States.TaskFailed", "States.Runtime", "States.ParameterPathFailure")
]
TIMEOUTS = [
    Case(
        f"error/timeout-caught-by-{name}", "state-task", caught({**WAITING, "TimeoutSeconds": 1}, name), answers=SILENT,
    )
    for name in ("States.Timeout", "States.TaskFailed", "States.ALL", "States.HeartbeatTimeout")
] + [
    Case(
        f"error/heartbeat-caught-by-{name}", "state-task",
        caught({**WAITING, "HeartbeatSeconds": 1, "TimeoutSeconds": 9}, name), answers=SILENT,
    )
    for name in ("States.HeartbeatTimeout", "States.Timeout", "States.TaskFailed")
]  # fmt: skip
FAILING: list[tuple[str, dict[str, Any], Any]] = [
    ("error-and-cause", {"Error": "E", "Cause": "why"}, {}),
    ("error", {"Error": "E"}, {}),
    ("nothing", {}, {}),
    ("paths", {"ErrorPath": "$.e", "CausePath": "$.c"}, {"e": "E", "c": "why"}),
    ("path-missing", {"ErrorPath": "$.zzz"}, {}),
    ("path-of-number", {"ErrorPath": "$.e"}, {"e": 5}),
    ("cause-path-of-object", {"Error": "E", "CausePath": "$.c"}, {"c": {"x": 1}}),
]
WAITS: list[tuple[str, dict[str, Any], Any]] = [
    ("seconds", {"Seconds": 1}, {}),
    ("seconds-path", {"SecondsPath": "$.s"}, {"s": 0}),
    ("seconds-path-missing", {"SecondsPath": "$.zzz"}, {}),
    ("seconds-path-of-text", {"SecondsPath": "$.s"}, {"s": "1"}),
    ("seconds-path-negative", {"SecondsPath": "$.s"}, {"s": -1}),
    ("seconds-path-fraction", {"SecondsPath": "$.s"}, {"s": 0.5}),
    ("timestamp-past", {"Timestamp": "2016-03-14T01:59:00Z"}, {}),
    ("timestamp-path", {"TimestampPath": "$.t"}, {"t": "2016-03-14T01:59:00Z"}),
    ("timestamp-path-missing", {"TimestampPath": "$.zzz"}, {}),
    ("timestamp-path-malformed", {"TimestampPath": "$.t"}, {"t": "soon"}),
    ("timestamp-path-no-zone", {"TimestampPath": "$.t"}, {"t": "2016-03-14T01:59:00"}),
    ("timestamp-path-offset", {"TimestampPath": "$.t"}, {"t": "2016-03-14T01:59:00+01:00"}),
    ("timestamp-path-fraction", {"TimestampPath": "$.t"}, {"t": "2016-03-14T01:59:00.123Z"}),
]
AFTER_CATCH = chain(
    S={**REFUSED, "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "C"}], "End": True},
    C={"Type": "Pass", "Parameters": {"error.$": "$.error.Error", "kept.$": "$.kept"}},
)

ERRORS = [
    Case("error/not-caught", PAGE, alone(**REFUSED), answers=FAILS),
    *CAUGHT,
    *RUNTIME,
    *TIMEOUTS,
    *(Case(f"fail/{name}", "state-fail", alone(Type="Fail", **fields), given) for name, fields, given in FAILING),
    *(Case(f"wait/{name}", "state-wait", alone(Type="Wait", **fields), given) for name, fields, given in WAITS),
    Case("error/timeout-not-caught", "state-task", alone(**WAITING, TimeoutSeconds=1), answers=SILENT),
    Case("error/heartbeat-not-caught", "state-task", alone(**WAITING, HeartbeatSeconds=1, TimeoutSeconds=9),
         answers=SILENT),
    Case("error/timeout-path", "state-task", alone(**WAITING, TimeoutSecondsPath="$.t"), {"t": 1}, SILENT),
    Case("error/timeout-path-missing", "state-task", alone(**WAITING, TimeoutSecondsPath="$.t"), {}, SILENT),
    Case("error/catch-result-path", PAGE, AFTER_CATCH, {"kept": 1}, FAILS),
    Case("error/catch-result-path-null", PAGE, chain(
        S={**REFUSED, "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "C"}], "End": True},
        C={"Type": "Pass"}), {"kept": 1}, FAILS),
    Case("error/second-catcher", PAGE, chain(
        S={**REFUSED, "Catch": [{"ErrorEquals": ["X"], "Next": "X"}, {"ErrorEquals": ["States.ALL"], "Next": "C"}],
           "End": True},
        C={"Type": "Pass", "Result": "C", "End": True}, X={"Type": "Pass", "Result": "X"}), {}, FAILS),
    Case("retry/used-up", PAGE, retried(REFUSED, ONCE), answers=FAILS),
    Case("retry/used-up-and-caught", PAGE, retried(REFUSED, ONCE, catch=True), answers=FAILS),
    Case("retry/never", PAGE, retried(REFUSED, {"ErrorEquals": [CONDITION], "MaxAttempts": 0}), answers=FAILS),
    Case("retry/other-error", PAGE, retried(REFUSED, {"ErrorEquals": ["Other"], "MaxAttempts": 3}), answers=FAILS),
    Case("retry/third-succeeds", PAGE, retried(AT_THE_THIRD, TWICE),
         answers={"S": [Fails(CONDITION), Fails(CONDITION), {}]}),
    Case("retry/two-retriers", PAGE, retried(REFUSED, {"ErrorEquals": ["X"], "MaxAttempts": 5}, ONCE), answers=FAILS),
    Case("retry/runtime-error-is-not", PAGE, retried({**REFUSED, "Parameters": {"x.$": "$.zzz"}},
                                                    {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1})),
    Case("error/machine-timeout", PAGE, {"TimeoutSeconds": 1, **alone(Type="Wait", Seconds=5)}),
    Case("error/machine-timeout-of-task", PAGE, {"TimeoutSeconds": 1, **alone(**WAITING)}, answers=SILENT),
]  # fmt: skip
