"""Tasks that wait for a token, and definitions that change meanwhile: as a person types it, in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FLOW = """
from pathlib import Path
from penstock import Pipeline

pipeline = Pipeline("flow")


@pipeline.task
def ask(event, context):
    Path("asked.txt").open("a").write(event["token"] + "\\n")


pipeline.workflow("flow", Path("flow.asl.json"))
"""
TIMEOUT_SECONDS = 60


def document(version: str) -> str:
    """Returns a workflow that asks, waits for the answer, and says which version it is."""
    parameters = {"FunctionName": "flow-ask", "Payload": {"token.$": "$$.Task.Token"}}
    resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    ask = {"Type": "Task", "Resource": resource, "Parameters": parameters, "Next": "Say"}
    say = {"Type": "Pass", "Parameters": {"version": version, "answer.$": "$"}, "End": True}
    return json.dumps({"StartAt": "Ask", "States": {"Ask": ask, "Say": say}})


class Shell:
    """Types commands in a folder that has the pipeline's file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "NO_COLOR": "1", "PENSTOCK_HOME": str(folder / "home")}
        (folder / "flow.py").write_text(FLOW)
        self.change("one")

    def change(self, version: str) -> None:
        (self.folder / "flow.asl.json").write_text(document(version))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "penstock", "-f", "flow.py", *arguments]

    def __call__(self, *arguments: str, code: int = 0, given: str = "") -> str:
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False, timeout=TIMEOUT_SECONDS, input=given,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr or done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """Runs the pipeline beside the test."""
        process = subprocess.Popen(
            self.command("run", "flow", "--json"), cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            try:
                yield process
            finally:
                process.kill()

    def waiting(self, count: int = 1) -> list[dict[str, Any]]:
        """Returns the tasks that wait, when there are so many."""
        found: list[dict[str, Any]] = until(lambda: [t for t in [self.json("token", "list")] if len(t) == count])[0]
        return found

    def over(self, execution: str) -> dict[str, Any]:
        """Returns an execution that is over."""
        found: dict[str, Any] = self.json("executions", execution)
        assert found["status"] == "SUCCEEDED", found
        return found


def until(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError("it did not come in time")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_an_execution_finishes_under_the_definition_that_it_began_with(shell: Shell) -> None:
    with shell.running() as first:
        (old,) = until(lambda: (shell.folder / "home").exists() and shell.waiting())
        first.send_signal(signal.SIGTERM)
        assert first.wait(TIMEOUT_SECONDS) == 130
    shell.change("two")
    shell("token", "succeed", old["token"], "--output", '{"from": "before"}')
    with shell.running() as second:
        # The old one goes on in the new process; the new one asks its own question.
        asked = until(lambda: len((shell.folder / "asked.txt").read_text().split()) == 2 and shell.waiting())
        new = asked[0]
        assert new["execution"] != old["execution"]
        shell("token", "succeed", new["token"], "--output", '"now"')
        printed, errors = second.communicate(timeout=TIMEOUT_SECONDS)
        assert second.returncode == 0, errors
    assert json.loads(printed)["id"] == new["execution"]
    ended_old, ended_new = shell.over(old["execution"]), shell.over(new["execution"])
    assert ended_old["output"] == {"version": "one", "answer": {"from": "before"}}
    assert ended_new["output"] == {"version": "two", "answer": "now"}
    assert ended_old["version"] != ended_new["version"]


def test_a_token_is_answered_once_and_by_every_way_of_giving_it(shell: Shell) -> None:
    with shell.running() as process:
        (task,) = until(lambda: (shell.folder / "home").exists() and shell.waiting())
        token = task["token"]
        assert (task["state"], task["workflow"], task["heartbeat_due_at"]) == ("Ask", "flow", None)
        assert token in shell("token", "list")
        assert "is alive" in shell("token", "heartbeat", token)
        assert "InvalidOutput" in shell("token", "succeed", token, "--output", "{no", code=2)
        assert "InvalidToken" in shell("token", "succeed", "nonsense", code=2)
        assert "TaskDoesNotExist" in shell("token", "heartbeat", f"x{token}", code=4)
        told = shell("token", "succeed", token, "--output", "-", "--json", given='["from", "the pipe"]')
        assert json.loads(told) == {
            "token": token, "execution": task["execution"], "state": "Ask", "told": "succeeded",
        }  # fmt: skip
        assert "TaskTimedOut" in shell("token", "fail", token, code=4)
        assert process.wait(TIMEOUT_SECONDS) == 0
    assert shell.over(task["execution"])["output"]["answer"] == ["from", "the pipe"]
    assert shell.json("token", "list") == []


def test_a_failure_fails_the_run(shell: Shell) -> None:
    with shell.running() as process:
        (task,) = until(lambda: (shell.folder / "home").exists() and shell.waiting())
        shell("token", "fail", task["token"], "--error", "Denied", "--cause", "not today")
        printed, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        assert process.returncode == 1
    ended = json.loads(printed)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Denied", "not today")


def test_the_shell_completes_tokens(shell: Shell) -> None:
    with shell.running():
        (task,) = until(lambda: (shell.folder / "home").exists() and shell.waiting())
        asked = {
            **shell.environment, "_PENSTOCK_COMPLETE": "complete_bash", "COMP_CWORD": "3",
            "COMP_WORDS": "penstock token succeed flow",
        }  # fmt: skip
        script = str(Path(sys.executable).with_name("penstock"))
        done = subprocess.run(
            [script], cwd=shell.folder, env=asked, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    assert task["token"] in done.stdout, done.stdout + done.stderr
