"""What stops a function, and what is not taken at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from penstock.errors import UsageError, ValidationError
from penstock.rehearsal.lambda_runtime import LambdaSandbox

Start = Callable[..., LambdaSandbox]


def test_a_timeout_kills_and_the_next_invocation_starts_anew(start: Start) -> None:
    code = """
        import time
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            if event == "hang": time.sleep(60)
            return left
    """
    sandbox = start(code, timeout_seconds=1)
    done = sandbox.invoke(b'"hang"')
    assert json.loads(done.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {done.request_id} Error: Task timed out after 1.00 seconds",
    }
    assert done.error == "Sandbox.Timedout"
    assert 1.0 <= done.duration_seconds < 2.0
    assert re.search(rf"^\S+Z {done.request_id} Task timed out after 1.00 seconds$", done.log, re.MULTILINE)
    assert done.report.endswith("Status: timeout\t")
    after = sandbox.invoke(b'"ask"')
    assert after.init_seconds is not None
    assert 500 < int(after.payload) <= 1000


def test_too_much_memory_kills(start: Start) -> None:
    sandbox = start("def handler(event, context):\n    held = bytearray(event << 20)\n    return 'ok'")
    assert sandbox.invoke(b"0").payload == b'"ok"'
    done = sandbox.invoke(b"200")
    text = f"RequestId: {done.request_id} Error: Runtime exited with error: signal: killed"
    assert json.loads(done.payload) == {"errorType": "Runtime.ExitError", "errorMessage": text}
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB\t" in done.report
    assert done.report.endswith("Status: error\tError Type: Runtime.OutOfMemory\t")
    assert sandbox.invoke(b"0").init_seconds is not None


def test_a_peak_of_a_moment_kills_too(start: Start) -> None:
    code = """
        def resident():
            with open("/proc/self/status") as file:
                return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))
        def handler(event, context):
            held = bytearray((128 << 20) - resident() + event)
    """
    sandbox = start(code)
    for _ in range(3):
        assert sandbox.invoke(b"-4000000").error is None
        assert "Runtime.OutOfMemory" in sandbox.invoke(b"2000000").report


def test_reserved_memory_is_not_used_memory(start: Start) -> None:
    code = "import mmap\ndef handler(event, context):\n    kept = mmap.mmap(-1, 1 << 30)\n    return len(kept)"
    done = start(code).invoke(b"{}")
    assert int(done.payload) == 1 << 30
    assert done.peak_memory_mb < 64


def test_memory_of_child_processes_counts(start: Start) -> None:
    code = """
        import subprocess, sys
        def handler(event, context):
            work = "kept = bytearray(120 << 20); import time; time.sleep(1)"
            return subprocess.run([sys.executable, "-S", "-c", work]).returncode
    """
    assert "Runtime.OutOfMemory" in start(code, memory_mb=128).invoke(b"{}").report
    assert start(code, memory_mb=256).invoke(b"{}").payload == b"0"


def test_the_largest_answer(start: Start) -> None:
    sandbox = start("def handler(event, context): return 'x' * (event - 2)", memory_mb=512)
    largest = sandbox.invoke(b"6291556")
    assert (len(largest.payload), largest.error) == (6_291_556, None)
    done = sandbox.invoke(b"6291557")
    text = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    assert json.loads(done.payload) == {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text}
    assert done.error == "Function.ResponseSizeTooLarge"
    assert sandbox.invoke(b"100").error is None


def test_the_largest_event(start: Start) -> None:
    sandbox = start("def handler(event, context): return len(event)", memory_mb=512)
    event = b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"'
    assert int(sandbox.invoke(event).payload) == len(event) - 2
    with pytest.raises(ValidationError, match="RequestTooLargeException"):
        sandbox.invoke(event + b" ")
    with pytest.raises(ValidationError, match="1048576"):
        sandbox.invoke(b" " * (1024 * 1024 + 1), asynchronous=True)


@pytest.mark.parametrize(
    "settings",
    [
        {"memory_mb": 127},
        {"memory_mb": 10_241},
        {"timeout_seconds": 0},
        {"timeout_seconds": 901},
        {"timeout_seconds": 1.5},
        {"ephemeral_mb": 511},
        {"environment": {"NAME": "x" * 4093}},
        {"environment": {"AWS_REGION": "eu-west-1"}},
        {"environment": {"1ST": "x"}},
        {"environment": {"A": "x"}},
    ],
)
def test_settings_that_lambda_refuses(start: Start, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        start("", **settings)


def test_four_kilobytes_of_variables(start: Start) -> None:
    code = "import os\ndef handler(event, context): return len(os.environ['NAME'])"
    assert start(code, environment={"NAME": "x" * 4092}).invoke(b"{}").payload == b"4092"


def test_a_function_that_prints_without_end_is_stopped_in_time(start: Start) -> None:
    done = start("def handler(event, context):\n    while True: print('x' * 10000)", timeout_seconds=1).invoke(b"{}")
    assert done.error == "Sandbox.Timedout"
    assert done.duration_seconds < 2.0
    assert len(done.log) <= 16 * 1024 * 1024 + 100
    assert done.log.startswith("INIT_START")
    assert done.log.rstrip("\n").endswith(done.report.rstrip("\n"))
