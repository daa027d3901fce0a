"""Errors, service integrations, Parallel and Map."""

from __future__ import annotations

from tests.differential.differences.difference import GUIDE, TAKEN, WHOLE, Difference, each

ERRORS = (
    Difference(
        each(WHOLE, "error", "runtime-caught-by-States.ALL", "runtime-caught-by-States.TaskFailed")
        | each("error events", "error", "runtime-caught-by-States.Runtime",
               "runtime-caught-by-States.ParameterPathFailure")
        | each("error events", "retry", "runtime-error-is-not"),
        "States.Runtime is neither caught nor retried", "the task is said to have failed, and is caught or retried",
        "penstock", "a States.Runtime error is not retriable, and will always cause the execution to fail",
        f"{GUIDE}/concepts-error-handling.html",
    ),
    Difference(
        each(WHOLE, "error", "heartbeat-caught-by-States.HeartbeatTimeout"), "caught", "not caught", "penstock",
        "HeartbeatTimeout is available inside Catch and Retry", f"{GUIDE}/concepts-error-handling.html",
    ),
    Difference(
        each("error", "fail", "cause-path-of-object"), "States.Runtime", "the object as the cause", "penstock",
        "ErrorPath and CausePath name strings", f"{GUIDE}/state-fail.html",
    ),
    Difference(
        each(WHOLE, "wait", "timestamp-path-offset"), "zones are taken", "Z alone is taken", "penstock",
        "timestamps are RFC 3339", f"{GUIDE}/state-wait.html",
    ),
    Difference(
        each("events", "error", "timeout-path-missing"), "one ExecutionFailed", "two", "penstock",
        "an execution fails once", f"{GUIDE}/concepts-error-handling.html",
    ),
    Difference(
        each("error events", "error", "machine-timeout", "machine-timeout-of-task"),
        "ExecutionTimedOut, which follows from event 0, with States.Timeout",
        "follows from the last event, or is missing; the description has no error", "penstock",
        "the error is the event's; descriptions have none on AWS either", f"{GUIDE}/concepts-error-handling.html",
    ),
)  # fmt: skip

TASKS = (
    Difference(
        each(TAKEN, "task", "sdk-get-object"), "the body is text", "DescribeExecution fails", "penstock",
        "the result of an SDK integration is the response as JSON", f"{GUIDE}/supported-services-awssdk.html",
    ),
    Difference(
        each("error", "task", "sdk-no-object"), "S3.NoSuchKeyException", "s3.NoSuchKeyException", "penstock",
        "the service's name is in Pascal case", f"{GUIDE}/supported-services-awssdk.html",
    ),
)  # fmt: skip

MAPS = (
    Difference(
        each("error events", "map", "items-not-a-list"), "States.Runtime",
        "States.QueryEvaluationError and EvaluationFailed in a JSONPath state", "penstock",
        "EvaluationFailed is of states in JSONata", "https://docs.aws.amazon.com/step-functions/latest/apireference/"
        "API_EvaluationFailedEventDetails.html",
    ),
    Difference(
        each(WHOLE, "map", "items-an-object") | each(WHOLE, "reader", "json-object"),
        "an object's entries are items", "fails", "penstock",
        "the items are a JSON array or a JSON object", f"{GUIDE}/state-map-inline.html",
    ),
    Difference(
        each("events", "map", "item-selector-missing")
        | each("events", "reader", "json-max-items-path-missing", "key-of-path-missing"),
        "ExecutionFailed at once", "the iteration, the Map Run and the Map are said to have failed",
        "penstock", "States.Runtime cannot be caught by the Map, and ends the execution",
        f"{GUIDE}/concepts-error-handling.html",
    ),
    Difference(
        each(WHOLE, "distributed", "item-fails", "tolerated-too-few") | each("output events", "distributed", "caught"),
        "States.ExceedToleratedFailureThreshold", "failed items are passed over, whatever is tolerated", "penstock",
        "the default is 0: any failure fails the Map", f"{GUIDE}/state-map-distributed.html",
    ),
    Difference(
        each("output", "distributed", "tolerated-count"), "failed items give no output", "they give null", "open",
        "the page says only that the Map goes on", f"{GUIDE}/state-map-distributed.html",
    ),
    Difference(
        each(TAKEN, "distributed", "tolerated-percentage"), "a percentage is a number", "a fraction is written",
        "penstock",
        "a number between zero and 100", f"{GUIDE}/state-map-distributed.html",
    ),
)  # fmt: skip

READERS = (
    Difference(
        each("error", "reader", "json-broken", "no-object", "no-bucket"), "States.ItemReaderFailed", "States.Runtime",
        "penstock", "a Map state failed because it couldn't read all items", f"{GUIDE}/concepts-error-handling.html",
    ),
    Difference(
        each(TAKEN, "reader", "json-pointer", "json-lines", "listing-max-items"),
        "ItemsPointer, JSON Lines, and MaxItems of a listing", "not in its grammar", "penstock",
        "the page lists them", f"{GUIDE}/input-output-itemreader.html",
    ),
    Difference(
        each(WHOLE, "reader", "listing-of-none"), "a listing of nothing has no items", "fails", "penstock",
        "a Map without items succeeds, with an empty array", f"{GUIDE}/input-output-itemreader.html",
    ),
)  # fmt: skip
