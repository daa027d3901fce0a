"""Tasks that wait for a token, and what may answer them.

Errors: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.machines import BEGAN, TOKEN, Document, Scene, call, one, wait

from penstock import states
from penstock.errors import NotFoundError, PenstockError, UsageError
from penstock.ports.journal import Status
from penstock.runtime import tokens

Make = Callable[[Document], Scene]
WAITS = one(TOKEN)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Make]:
    made: list[Scene] = []

    def make(document: Document) -> Scene:
        made.append(Scene(tmp_path, {"w": document}))
        return made[0]

    yield make
    for each in made:
        each.machine.close()


def token_of(s: Scene) -> str:
    """Returns the token that the task was given last."""
    return str(s.events[-1]["token"])


def succeed(s: Scene, token: str, output: Any = None) -> None:
    tokens.succeed(s.journal, token, json.dumps(output).encode(), s.clock.now())


def refusal(answer: Callable[[], Any]) -> str:
    with pytest.raises(PenstockError) as raised:
        answer()
    assert raised.value.hint
    return str(raised.value.data.get("aws_error", ""))


def test_the_answer_is_the_task_s_output(scene: Make) -> None:
    s = scene(WAITS)
    execution = s.start("w")
    assert (s.get(execution).status, s.get(execution).wake_at, s.machine.active) == ("RUNNING", math.inf, 0)
    s.advance(10)
    succeed(s, token_of(s), {"approved": True})
    s.settle()
    found = s.get(execution)
    assert (found.status, json.loads(found.output or b"")) == (Status.SUCCEEDED, {"approved": True})
    events = s.journaled(execution)
    assert [(e["type"], e["at"] - BEGAN) for e in events] == [("TaskSubmitted", 0), ("TaskSucceeded", 10)]
    assert events[0]["output"]["Payload"] == {"token": token_of(s)}


def test_an_error_is_retried_and_caught(scene: Make) -> None:
    retry = [{"ErrorEquals": ["Denied"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    catch = [{"ErrorEquals": ["Denied"], "Next": "Caught"}]
    states_ = {"S": {**TOKEN, "Retry": retry, "Catch": catch, "End": True}, "Caught": {"Type": "Pass", "End": True}}
    s = scene({"StartAt": "S", "States": states_})
    execution = s.start("w")
    first = token_of(s)
    tokens.fail(s.journal, first, s.clock.now(), error="Denied", cause="not today")
    s.settle()
    s.advance(1)
    assert token_of(s) != first
    tokens.fail(s.journal, token_of(s), s.clock.now(), error="Denied", cause="never")
    s.settle()
    found = s.get(execution)
    assert json.loads(found.output or b"") == {"Error": "Denied", "Cause": "never"}


def test_the_request_may_fail(scene: Make) -> None:
    s = scene(WAITS)
    s.work = lambda event: 1 / 0
    found = s.run("w")
    assert (found.status, found.error) == (Status.FAILED, "ZeroDivisionError")


def test_the_answer_may_come_before_the_request_is_done(scene: Make) -> None:
    s = scene(WAITS)
    s.work = lambda event: succeed(s, event["token"], "quick")
    found = s.run("w")
    assert (found.status, found.output) == (Status.SUCCEEDED, b'"quick"')
    assert [event["type"] for event in s.journaled(found.id)].count("TaskSucceeded") == 1


def test_heartbeats_keep_it_alive(scene: Make) -> None:
    s = scene(one(call(".waitForTaskToken", HeartbeatSeconds=60)))
    execution = s.start("w")
    for _ in range(3):
        s.advance(59)
        tokens.heartbeat(s.journal, token_of(s), s.clock.now())
        s.settle()
    assert s.get(execution).wake_at == s.clock.now() + 60
    s.advance(59)
    assert s.get(execution).status is Status.RUNNING
    s.advance(1)
    assert s.get(execution).status is Status.FAILED


def test_the_request_is_not_made_again_after_a_restart(scene: Make) -> None:
    s = scene(WAITS)
    execution = s.start("w")
    s.restart()
    s.advance(86_400)
    assert len(s.events) == 1
    succeed(s, token_of(s), "late")
    assert s.finish(execution).output == b'"late"'


def test_an_answer_given_while_nobody_runs_is_kept(scene: Make) -> None:
    s = scene(one(call(".waitForTaskToken", TimeoutSeconds=600)))
    execution = s.start("w")
    s.machine.close()
    poster = s.another()
    tokens.succeed(poster.home.journal, token_of(s), b'"in time"', s.clock.now())
    poster.close()
    # The time that nobody was there does not count against who answered in time.
    s.clock.advance(86_400)
    s.machine = s.another()
    s.settle()
    assert s.get(execution).output == b'"in time"'


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", "InvalidToken"), ("nonsense", "InvalidToken"), ("/1#0", "InvalidToken"),
        ("p-w-20260101T000000Z-abcdef/1#0", "TaskDoesNotExist"), ("\U0010ffff/1", "TaskDoesNotExist"),
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused(scene: Make, token: str, error: str) -> None:
    s = scene(WAITS)
    s.start("w")
    assert refusal(lambda: succeed(s, token)) == error


def test_a_task_of_the_execution_that_is_not_there_is_refused(scene: Make) -> None:
    s = scene(WAITS)
    execution = s.start("w")
    assert refusal(lambda: succeed(s, f"{execution}/77#0")) == "TaskDoesNotExist"


def test_of_two_answers_one_is_taken(scene: Make) -> None:
    s = scene(WAITS)
    execution = s.start("w")
    succeed(s, token_of(s), 1)
    assert refusal(lambda: succeed(s, token_of(s), 2)) == "TaskTimedOut"
    s.settle()
    assert refusal(lambda: succeed(s, token_of(s), 3)) == "TaskTimedOut"
    assert s.get(execution).output == b"1"


@pytest.mark.parametrize("fields", [{"TimeoutSeconds": 60}, {"HeartbeatSeconds": 60}])
def test_too_late_is_too_late_even_if_nobody_noticed(scene: Make, fields: dict[str, int]) -> None:
    s = scene(one(call(".waitForTaskToken", **fields)))
    execution = s.start("w")
    s.clock.advance(60)
    assert refusal(lambda: succeed(s, token_of(s))) == "TaskTimedOut"
    s.settle()
    assert s.get(execution).status is Status.FAILED


def test_a_task_without_a_token_cannot_be_answered(scene: Make) -> None:
    states_ = {"S": {**call(), "Next": "W"}, "W": {**wait(600), "End": True}}
    s = scene({"StartAt": "S", "States": states_})
    execution = s.start("w")
    assert refusal(lambda: succeed(s, f"{execution}/1#0")) == "InvalidToken"


def test_what_the_service_would_not_take_is_refused(scene: Make) -> None:
    s = scene(WAITS)
    s.start("w")
    token, now = token_of(s), s.clock.now()
    assert refusal(lambda: tokens.succeed(s.journal, token, b"{no", now)) == "InvalidOutput"
    assert refusal(lambda: tokens.succeed(s.journal, token, b"[" * 100_000, now)) == "InvalidOutput"
    assert refusal(lambda: tokens.succeed(s.journal, token, b'"%s"' % (b"x" * 262_143), now)) == "InvalidOutput"
    with pytest.raises(UsageError, match="257 characters"):
        tokens.fail(s.journal, token, now, error="e" * 257)
    with pytest.raises(UsageError, match="32769 characters"):
        tokens.fail(s.journal, token, now, cause="c" * 32_769)
    tokens.fail(s.journal, token, now, error="e" * 256, cause="c" * 32_768)


def test_waiting_tasks_are_listed(scene: Make) -> None:
    waiting = call(".waitForTaskToken", TimeoutSeconds=600, HeartbeatSeconds=60)
    s = scene(one({"Type": "Parallel", "Branches": [one(waiting, "A"), one(TOKEN, "B"), one(wait(900), "C")]}))
    execution = s.start("w")
    found = {task.state: task for task in tokens.waiting_tasks(s.journal)}
    assert set(found) == {"A", "B"}
    a, b = found["A"], found["B"]
    assert (a.execution, a.workflow, a.since, a.heartbeat_due_at, a.due_at) == (
        execution, "w", BEGAN, BEGAN + 60, BEGAN + 600,
    )  # fmt: skip
    assert (b.heartbeat_due_at, b.due_at) == (None, None)
    succeed(s, b.token)
    s.settle()
    assert [task.state for task in tokens.waiting_tasks(s.journal)] == ["A"]


def test_an_event_that_nothing_waits_for_is_not_journaled(scene: Make) -> None:
    s = scene(WAITS)
    execution = s.start("w")
    stray = states.TaskSucceeded(token=f"{execution}/9#9", output=None, at=BEGAN)
    assert s.journal.post(execution, msgspec.json.encode(stray))
    assert s.journal.post(execution, b"this is no event")
    s.settle()
    assert [event["type"] for event in s.journaled(execution)] == ["TaskSubmitted"]
    assert s.journal.mailbox(execution) == []
    assert s.get(execution).wake_at == math.inf


def test_an_execution_that_is_over_takes_no_answer(scene: Make) -> None:
    s = scene(WAITS)
    execution = s.start("w")
    s.machine.stop_execution(execution)
    s.settle()
    with pytest.raises(NotFoundError, match="TaskTimedOut"):
        succeed(s, token_of(s))
