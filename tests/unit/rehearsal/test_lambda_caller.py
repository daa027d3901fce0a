"""Tasks called as Lambda functions: the guarantees of an invoker, and what a function is sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from penstock.errors import UsageError
from penstock.model.task import Task
from penstock.ports.invoke import Call, Invoker, Reply
from penstock.rehearsal.lambda_caller import LambdaInvoker, open_task, payload
from penstock.rehearsal.lambda_runtime import LambdaSandbox
from penstock.runtime.aws.events import Origin, read_event
from penstock.testing.contracts.invoke import InvokerContract, answers, call

pytest.importorskip("awslambdaric", reason="the runtime interface client is not installed")
CODE = """
import os, time

def echo(payload, context):
    return payload["event"]

def fail(payload, context):
    raise ValueError("no")

def sleep(payload, context):
    time.sleep(payload["event"])

def show(payload, context):
    print("x" * payload["event"])

def leave(payload, context):
    os._exit(3)

def process(payload, context):
    time.sleep(0.3)
    return [os.getpid(), os.environ["AWS_LAMBDA_FUNCTION_NAME"]]
"""


class Opener:
    """Opens sandboxes over CODE and counts them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opened: list[LambdaSandbox] = []
        self._turn = threading.Lock()

    def __call__(self, pipeline: str, task: str) -> LambdaSandbox:
        handler, name = f"tasks.{task}", f"{pipeline}-{task}"
        sandbox = LambdaSandbox(self.root, handler=handler, memory_mb=128, timeout_seconds=2, environment={}, name=name)
        with self._turn:
            self.opened.append(sandbox)
        return sandbox


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    (tmp_path / "tasks.py").write_text(CODE)
    return Opener(tmp_path)


@pytest.fixture
def invoker(opener: Opener) -> Iterator[LambdaInvoker]:
    made = LambdaInvoker(opener, workers=4)
    yield made
    made.close()


class TestLambdaInvoker(InvokerContract):
    def test_a_call_is_answered(self, invoker: Invoker) -> None:
        # Lambda's runtime writes JSON in its own way.
        output = answers(invoker, [call("echo", b'{"a":1}')])["t"].reply.output
        assert json.loads(output or b"") == {"a": 1}

    def test_an_error_is_an_answer(self, invoker: Invoker) -> None:
        # The cause is Lambda's document: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
        reply = answers(invoker, [call("fail")])["t"].reply
        assert (reply.output, reply.error) == (None, "ValueError")
        cause = json.loads(reply.cause or "")
        assert (cause["errorType"], cause["errorMessage"]) == ("ValueError", "no")

    def test_calls_one_after_the_other_share_a_sandbox(self, invoker: LambdaInvoker, opener: Opener) -> None:
        first = answers(invoker, [call("process", token="a")])["a"]
        second = answers(invoker, [call("process", token="b")])["b"]
        assert first.reply.output == second.reply.output
        assert len(opener.opened) == 1
        assert json.loads(first.reply.output or b"")[1] == "p-process"

    def test_calls_at_once_have_sandboxes_of_their_own(self, invoker: LambdaInvoker, opener: Opener) -> None:
        answers(invoker, [call("process", token=str(number)) for number in range(3)])
        assert len(opener.opened) == 3

    def test_a_timeout_is_lambdas(self, invoker: LambdaInvoker) -> None:
        reply = answers(invoker, [call("sleep", b"60")])["t"].reply
        assert reply.error == "Sandbox.Timedout"
        assert "Task timed out after 2.00 seconds" in str(reply.cause)
        assert 2.0 <= reply.duration_seconds < 4.0

    def test_a_process_that_dies_takes_nothing_with_it(self, invoker: LambdaInvoker) -> None:
        found = answers(invoker, [call("leave", token="dies"), *(call("echo", token=f"{n}") for n in range(9))])
        assert found.pop("dies").reply.error == "Runtime.ExitError"
        assert [answer.reply.error for answer in found.values()] == [None] * 9

    def test_a_running_call_can_be_cancelled(self, invoker: LambdaInvoker) -> None:
        invoker.submit(call("sleep", b"1.9", token="long"))
        invoker.wait(0.5)
        invoker.cancel("long")
        assert set(answers(invoker, [call("sleep", b"0", token="next")])) == {"next"}
        assert invoker.wait(2.5) == []

    def test_what_a_function_wrote_is_reported(self, invoker: LambdaInvoker) -> None:
        report = answers(invoker, [call("show", b"3")])["t"].report
        assert "\nxxx\n" in report.log
        assert "REPORT RequestId:" in report.log
        assert report.memory_mb > 5

    def test_of_a_long_log_both_ends_are_kept(self, invoker: LambdaInvoker) -> None:
        report = answers(invoker, [call("show", b"1000000")])["t"].report
        assert report.log_bytes > 1_000_000
        assert len(report.log) < 70_000
        assert report.log.startswith("INIT_START")
        assert "REPORT" in report.log

    def test_closing_stops_what_runs(self, opener: Opener) -> None:
        opened = LambdaInvoker(opener, workers=2)
        for number in range(6):
            opened.submit(call("sleep", b"1.9", token=str(number)))
        opened.wait(0.3)
        began = time.monotonic()
        opened.close()
        assert time.monotonic() - began < 1.5

    def test_a_sandbox_that_cannot_be_made_is_an_answer(self) -> None:
        def broken(pipeline: str, task: str) -> LambdaSandbox:
            raise UsageError("no folder", hint="synthesize first")

        opened = LambdaInvoker(broken)
        reply = answers(opened, [call("echo")])["t"].reply
        opened.close()
        assert reply.error == "UsageError"
        assert json.loads(reply.cause or "")["errorMessage"] == "no folder"


def test_a_function_reads_a_call_as_it_was_sent() -> None:
    sent = msgspec.structs.replace(
        call("collect", b'{"a":1}'), key="e/Collect/1", state="Collect", started_at=1_790_000_000.5, attempt=2
    )
    sent = msgspec.structs.replace(sent, slot=1_789_999_200.0)
    origin = Origin("p", "collect", "request", 0.0, 30.0)
    read = read_event(json.loads(payload(sent)), origin)
    other = read_event(json.loads(payload(msgspec.structs.replace(sent, key="e/Collect/2"))), origin)
    again = read_event(json.loads(payload(msgspec.structs.replace(sent, attempt=3))), origin)
    assert not isinstance(read, tuple)
    fields = ("execution", "pipeline", "task", "state", "event", "started_at", "slot", "attempt")
    assert [getattr(read, name) for name in fields] == [getattr(sent, name) for name in fields]
    assert read.key == again.key != other.key  # type: ignore[union-attr]


def test_a_task_has_its_own_limits(tmp_path: Path) -> None:
    code = "import os\ndef handler(event, context):\n    return [context.memory_limit_in_mb, dict(os.environ)]"
    module = tmp_path / "penstock" / "runtime" / "aws" / "entry.py"
    module.parent.mkdir(parents=True)
    module.write_text(code)
    task = Task(name="collect", handler=lambda event, context: None, memory_mb=192, timeout_seconds=1.5)
    with open_task(task, tmp_path, {"PENSTOCK_LAKE_BUCKET": "lake"}) as sandbox:
        memory, variables = json.loads(sandbox.invoke(b"{}").payload)
    assert memory == "192"
    assert (variables["PENSTOCK_TASK"], variables["PENSTOCK_LAKE_BUCKET"]) == ("collect", "lake")


def test_what_a_workflow_asks_of_a_service_goes_to_no_function(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(made: Call) -> Reply:
        asked.append(made.resource)
        return Reply(output=b"{}")

    opener = Opener(tmp_path)
    invoker = LambdaInvoker(opener, services=ask)
    try:
        found = answers(invoker, [msgspec.structs.replace(call(""), resource="arn:aws:states:::sns:publish")])
    finally:
        invoker.close()
    assert {token: answer.reply.output for token, answer in found.items()} == {"t": b"{}"}
    assert (asked, opener.opened) == (["arn:aws:states:::sns:publish"], [])
