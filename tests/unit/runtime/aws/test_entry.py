"""Lambda's entry point, as Lambda calls it: event in; result, error or failed messages out; lines in the log."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.lambda_context import REQUEST, LambdaContext

from penstock import Pipeline, TaskError
from penstock.define.derived import heartbeat
from penstock.errors import LoadError
from penstock.ports.invoke import Reply
from penstock.runtime.aws.entry import Function, failure, load
from penstock.runtime.aws.manifest import Manifest

Lines = Callable[[], list[dict[str, Any]]]
BEAT = heartbeat("shop", task="take")


def function(handler: Callable[[Any, Any], Any]) -> Function:
    """Returns a function whose task counts its errors, its time and its successes."""
    shop = Pipeline("shop")
    errors, duration = shop.metric("Errors", "Count"), shop.metric("Duration", "Milliseconds")
    shop.task(name="take", errors=errors, duration=duration)(handler)
    return Function(shop.declared(), "take", Manifest(pipeline="x:y", heartbeats={"take": (BEAT,)}))


def queue(*bodies: Any) -> dict[str, Any]:
    records = [
        {"messageId": f"m-{number}", "body": json.dumps(body), "attributes": {}, "eventSource": "aws:sqs"}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def objects(*names: str) -> dict[str, Any]:
    folder = "raw/orders/year=2026/month=02/day=20/"
    records = [
        {"eventSource": "aws:s3", "s3": {"bucket": {"name": "lake"}, "object": {"key": folder + name, "size": 1}}}
        for name in names
    ]
    return {"Records": records}


def fails_on_odd(event: Any, context: Any) -> Any:
    if event["n"] % 2:
        raise TaskError("odd", hint="send even numbers", error="Odd")
    return event["n"]


class TestOneCall:
    def test_gives_what_the_task_returns(self) -> None:
        called = function(lambda event, context: {"seen": event, "left": context.remaining_seconds() > 2})
        assert called({"a": [1, None]}, LambdaContext()) == {"seen": {"a": [1, None]}, "left": True}

    def test_an_error_has_the_name_that_retry_and_catch_know(self) -> None:
        # Lambda reports a Python exception by its class's name.
        # https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
        with pytest.raises(Exception, match="odd\nsend even numbers") as caught:
            function(fails_on_odd)({"n": 1}, LambdaContext())
        assert type(caught.value).__name__ == "Odd"

    def test_an_exception_keeps_its_own_name(self) -> None:
        with pytest.raises(Exception, match="n") as caught:
            function(fails_on_odd)({}, LambdaContext())
        assert type(caught.value).__name__ == "KeyError"

    def test_a_task_that_leaves_is_an_error_too(self) -> None:
        with pytest.raises(Exception, match="status 3") as caught:
            function(lambda event, context: sys.exit(3))({}, LambdaContext())
        assert type(caught.value).__name__ == "Runtime.ExitError"

    def test_is_one_line_of_log_and_its_metrics(self, lines: Lines) -> None:
        called = function(fails_on_odd)
        called({"n": 2}, LambdaContext())
        *metrics, told = lines()
        assert told["message"] == "take succeeded"
        assert (told["request_id"], told["cold_start"], told["attempt"]) == (REQUEST, True, 0)
        assert _values(metrics) == {"Errors": 0.0, "Successes": 1.0, "Duration": told["duration_ms"]}
        beats = [line for line in metrics if "Successes" in line]
        assert [(one["Task"], one["Pipeline"]) for one in beats] == [("take", "shop")]

    def test_a_failure_is_counted_and_gives_no_sign_of_life(self, lines: Lines) -> None:
        with pytest.raises(Exception, match="odd"):
            function(fails_on_odd)({"n": 1}, LambdaContext())
        *metrics, told = lines()
        assert (told["level"], told["error"]) == ("ERROR", "Odd")
        assert json.loads(told["cause"])["hint"] == "send even numbers"
        assert _values(metrics).keys() == {"Errors", "Duration"}
        assert _values(metrics)["Errors"] == 1.0

    def test_only_the_first_call_is_cold(self, lines: Lines) -> None:
        called = function(lambda event, context: None)
        for _ in range(3):
            called({}, LambdaContext())
        assert [one["cold_start"] for one in lines() if "cold_start" in one] == [True, False, False]

    def test_a_workflow_names_execution_and_state(self, lines: Lines) -> None:
        seen: list[Any] = []

        def handler(event: Any, context: Any) -> None:
            seen.append((event, context.execution_id, context.state, context.scheduled_time))

        function(handler)(
            {
                "event": 7, "execution": "run-1", "started_at": "2026-02-20T08:00:00Z",
                "input": {"slot": "2026-02-20T07:57:00Z"}, "state": "Take", "entered_at": "x", "attempt": 0,
            },
            LambdaContext(),
        )  # fmt: skip
        assert seen == [(7, "run-1", "Take", 1_771_574_220.0)]
        assert (lines()[-1]["execution"]) == "run-1"

    def test_a_trace_is_named_in_the_log(self, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3;Parent=4;Sampled=0")
        function(lambda event, context: None)({}, LambdaContext())
        assert lines()[-1]["trace_id"] == "1-2-3"


class TestBatches:
    def test_messages_that_failed_are_named_and_no_others(self) -> None:
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        answer = function(fails_on_odd)(queue({"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}), LambdaContext())
        assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-3"}]}

    def test_a_batch_without_failures_names_none(self) -> None:
        assert function(fails_on_odd)(queue({"n": 0}), LambdaContext()) == {"batchItemFailures": []}

    def test_each_message_is_a_line_of_log(self, lines: Lines) -> None:
        function(fails_on_odd)(queue({"n": 0}, {"n": 1}), LambdaContext())
        told = [(one["execution"], one["level"]) for one in lines() if "level" in one]
        assert told == [("m-0", "INFO"), ("m-1", "ERROR")]

    def test_later_messages_have_what_is_left_of_the_time(self) -> None:
        left: list[float] = []
        called = function(lambda event, context: left.append(round(context.remaining_seconds())))
        called(queue(1, 2, 3), LambdaContext(90_000, 90_000, 60_000, 30_000))
        assert left == [90, 60, 30]

    def test_objects_are_all_tried_and_a_failure_fails_the_invocation(self) -> None:
        # S3 invokes asynchronously: what a function answers is not read, and only an error is tried again.
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
        seen: list[str] = []

        def handler(event: Any, context: Any) -> None:
            seen.append(event["key"][-1])
            if event["key"].endswith("a"):
                raise TaskError("bad object", hint="none", error="BadObject")

        with pytest.raises(Exception, match="bad object") as caught:
            function(handler)(objects("a", "b"), LambdaContext())
        assert type(caught.value).__name__ == "BadObject"
        assert seen == ["a", "b"]

    def test_objects_that_were_done_fail_nothing(self) -> None:
        assert function(lambda event, context: None)(objects("b"), LambdaContext()) == {"batchItemFailures": []}


class TestFailures:
    @pytest.mark.parametrize(
        ("cause", "text"),
        [
            ('{"errorMessage": "a", "hint": "b"}', "a\nb"),
            ('{"errorMessage": "a"}', "a"),
            ("no json", "no json"),
            ("[1]", "[1]"),
            ("", ""),
            (None, ""),
        ],
    )
    def test_say_what_a_person_reads(self, cause: str | None, text: str) -> None:
        error = failure(Reply(error="States.Timeout", cause=cause))
        assert (type(error).__name__, str(error)) == ("States.Timeout", text)


class TestLoading:
    def test_the_function_of_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "penstock.json").write_text('{"pipeline": "penstock.pipelines.metrics:pipeline"}')
        with pytest.raises(Exception, match="names no object") as caught:
            load(tmp_path, "log-processor")({}, LambdaContext())
        assert type(caught.value).__name__ == "InvalidInput"

    def test_a_task_that_the_pipeline_has_not(self, tmp_path: Path) -> None:
        (tmp_path / "penstock.json").write_text('{"pipeline": "penstock.pipelines.metrics:pipeline"}')
        with pytest.raises(LoadError, match="no task 'nothing'"):
            load(tmp_path, "nothing")

    def test_importing_it_loads_no_library_of_aws(self) -> None:
        code = "import sys, penstock.runtime.aws.entry; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not {"boto3", "botocore", "obstore", "duckdb"} & set(done.stdout.split())


def _values(lines: list[dict[str, Any]]) -> dict[str, float]:
    """Returns the metrics of embedded lines, by name."""
    named = [(line, m["Name"]) for line in lines for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    return {name: pytest.approx(line[name], abs=0.001) for line, name in named}
