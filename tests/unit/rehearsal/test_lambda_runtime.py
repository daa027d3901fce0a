"""A local Lambda: what functions answer, how long their processes live, and what is written about them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.errors import UsageError
from penstock.rehearsal.lambda_runtime import LambdaSandbox

Start = Callable[..., LambdaSandbox]


def test_an_answer_is_the_json_of_what_the_handler_returns(start: Start) -> None:
    done = start("def handler(event, context): return {'doubled': event['n'] * 2}").invoke(b'{"n": 21}')
    assert (json.loads(done.payload), done.error) == ({"doubled": 42}, None)


def test_an_exception_is_told_as_the_runtime_tells_it(start: Start) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html"""
    code = """
        class Flaky(Exception): pass
        def handler(event, context): raise Flaky("not today")
    """
    sandbox = start(code)
    done = sandbox.invoke(b"{}")
    told = json.loads(done.payload)
    assert done.error == told["errorType"] == "Flaky"
    assert told["errorMessage"] == "not today"
    assert told["requestId"] == done.request_id
    assert 'File "' in told["stackTrace"][0]
    assert "app.py" in told["stackTrace"][0]
    assert "[ERROR] Flaky: not today" in done.log
    assert sandbox.invoke(b"{}").init_seconds is None, "an exception does not end the process"


def test_a_process_that_leaves_is_an_exit_error(start: Start) -> None:
    sandbox = start("import sys\ndef handler(event, context): sys.exit(event)")
    done = sandbox.invoke(b"3")
    text = f"RequestId: {done.request_id} Error: Runtime exited with error: exit status 3"
    assert json.loads(done.payload) == {"errorType": "Runtime.ExitError", "errorMessage": text}
    assert done.log.splitlines()[2:4] == [text, "Runtime.ExitError"]
    again = sandbox.invoke(b"0")
    assert again.init_seconds is not None
    assert "Runtime exited without providing a reason" in json.loads(again.payload)["errorMessage"]


def test_what_json_cannot_hold_is_a_marshal_error(start: Start) -> None:
    done = start("def handler(event, context): return {1, 2}").invoke(b"{}")
    assert done.error == "Runtime.MarshalError"


@pytest.mark.usefixtures("jail")
def test_state_is_kept_between_warm_invocations(start: Start) -> None:
    code = """
        import os
        seen = []
        def handler(event, context):
            seen.append(event)
            with open("/tmp/seen", "a") as file: file.write(str(event))
            return [seen, open("/tmp/seen").read(), os.getpid()]
    """
    sandbox = start(code)
    first, second = sandbox.invoke(b"1"), sandbox.invoke(b"2")
    assert json.loads(second.payload) == [[1, 2], "12", json.loads(first.payload)[2]]
    assert first.init_seconds is not None
    assert first.init_seconds > 0
    assert second.init_seconds is None


def test_nothing_runs_between_two_invocations(start: Start) -> None:
    code = """
        import threading, time
        beats = [0]
        def beat():
            while True:
                beats[0] += 1
                time.sleep(0.001)
        threading.Thread(target=beat, daemon=True).start()
        def handler(event, context): return beats[0]
    """
    sandbox = start(code)
    sandbox.invoke(b"{}")
    before = int(sandbox.invoke(b"{}").payload)
    time.sleep(0.5)
    assert int(sandbox.invoke(b"{}").payload) - before < 100


def test_no_process_outlives_the_sandbox(start: Start, tmp_path: Path) -> None:
    mark = f"penstock-{tmp_path.name}-{os.getpid()}"
    code = f"""
        import subprocess, sys
        def handler(event, context):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{mark}"], start_new_session=True)
    """
    sandbox = start(code)
    sandbox.invoke(b"{}")
    # A process has no command to be seen for the moment in which it becomes another program.
    while running(mark) == 0:
        time.sleep(0.01)
    sandbox.close()
    assert running(mark) == 0


def test_no_function_outlives_the_process_that_called_it(tmp_path: Path) -> None:
    module = f"sleeper_{os.getpid()}_{time.monotonic_ns()}"
    (tmp_path / f"{module}.py").write_text("import time\ndef handler(*_): time.sleep(600)")
    caller = f"""
from pathlib import Path
from penstock.rehearsal.lambda_runtime import LambdaSandbox
settings = dict(memory_mb=128, timeout_seconds=900, environment={{}})
sandbox = LambdaSandbox(Path({str(tmp_path)!r}), handler="{module}.handler", **settings)
sandbox.invoke(b"{{}}")
"""
    with subprocess.Popen([sys.executable, "-c", caller]) as process:
        wait_until(lambda: running(f"{module}.handler") == 1)
        process.kill()
    wait_until(lambda: running(f"{module}.handler") == 0)


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def running(mark: str) -> int:
    """Returns how many processes have a word in their command."""
    count = 0
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += mark.encode() in file.read_bytes().split(b"\0")
        except OSError:
            continue
    return count


def test_a_closed_sandbox_says_so(start: Start) -> None:
    sandbox = start("def handler(event, context): pass")
    sandbox.close()
    with pytest.raises(UsageError, match="closed"):
        sandbox.invoke(b"{}")


def test_an_import_error_is_told_after_two_attempts(start: Start) -> None:
    done = start("print('here')\nimport nowhere\ndef handler(event, context): pass").invoke(b"{}")
    told = json.loads(done.payload)
    assert done.error == "Runtime.ImportModuleError"
    assert told["errorMessage"] == "Unable to import module 'app': No module named 'nowhere'"
    assert done.log.count("here\n") == 2
    assert re.search(
        r"INIT_REPORT Init Duration: \S+ ms\tPhase: init\tStatus: error\tError Type: Runtime.Import", done.log
    )


def test_packages_of_the_machine_are_not_there_unless_lambda_has_them(start: Start) -> None:
    code = """
        import importlib.util
        def handler(event, context):
            return [importlib.util.find_spec(name) is not None for name in event]
    """
    done = start(code).invoke(b'["boto3", "json", "msgspec", "penstock"]')
    assert json.loads(done.payload) == [True, True, False, False]


def test_a_slow_initialization_is_tried_again_within_the_timeout(start: Start) -> None:
    code = "import time\ntime.sleep(0.6)\ndef handler(event, context): return 'up'"
    done = start(code, init_limit_seconds=0.3).invoke(b"{}")
    assert (done.payload, done.init_seconds) == (b'"up"', None)
    assert done.duration_seconds >= 0.6
    assert "Phase: init\tStatus: timeout" in done.log


def test_the_log_of_a_cold_and_a_warm_invocation(start: Start) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"""
    code = """
        import logging, sys
        print("loading")
        def handler(event, context):
            print("out"); print("err", file=sys.stderr)
            logging.warning("logged")
    """
    sandbox = start(code)
    cold, warm = sandbox.invoke(b"{}"), sandbox.invoke(b"{}")
    lines = cold.log.splitlines()
    version = lines[0].partition("Runtime Version: python:")[2]
    assert re.fullmatch(r"3\.\d+", version)
    assert lines[1:5] == ["loading", f"START RequestId: {cold.request_id} Version: $LATEST", "out", "err"]
    assert re.fullmatch(rf"\[WARNING\]\t\S+Z\t{cold.request_id}\tlogged", lines[5])
    assert lines[6:] == [f"END RequestId: {cold.request_id}", cold.report]
    assert warm.log.splitlines()[:2] == [f"START RequestId: {warm.request_id} Version: $LATEST", "out"]
    assert "Init Duration" not in warm.report


def test_a_report_adds_up(start: Start) -> None:
    done = start("def handler(event, context): pass", memory_mb=192).invoke(b"{}")
    pattern = (
        r"REPORT RequestId: (\S+)\tDuration: (\d+\.\d\d) ms\tBilled Duration: (\d+) ms\tMemory Size: 192 MB"
        r"\tMax Memory Used: (\d+) MB\tInit Duration: (\d+\.\d\d) ms\t"
    )
    found = re.fullmatch(pattern, done.report)
    assert found is not None
    request_id, duration, billed, used, init = found.groups()
    assert request_id == done.request_id
    assert 0 <= int(billed) - (float(duration) + float(init)) < 1.02
    assert 0 <= int(used) - done.peak_memory_mb < 1


def test_a_log_of_many_lines_is_whole(start: Start) -> None:
    done = start("def handler(event, context):\n    for n in range(40000): print(n)").invoke(b"{}")
    assert [line for line in done.log.splitlines() if line.isdigit()] == [str(n) for n in range(40_000)]
