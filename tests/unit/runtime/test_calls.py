"""What an answer means to the state machine, by the pattern of its resource.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.machines import Scene, one

from penstock.ports.invoke import Reply
from penstock.runtime.calls import submission, task_event
from penstock.states import InvokeTask, TaskFailed, TaskSubmitted, TaskSucceeded

LAMBDA = "arn:aws:states:::lambda:invoke"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:p-work"
ENVELOPE = {"ExecutedVersion": "$LATEST", "Payload": 5, "StatusCode": 200}


def command(resource: str) -> InvokeTask:
    return InvokeTask(token="e/1#0", key="e/1", state_name="S", resource=resource, input={}, attempt=0)


@pytest.mark.parametrize(
    ("resource", "kind", "output"),
    [
        (LAMBDA, TaskSucceeded, ENVELOPE),
        (f"{LAMBDA}.waitForTaskToken", TaskSubmitted, ENVELOPE),
        (FUNCTION, TaskSucceeded, 5),
        ("arn:aws:states:::sqs:sendMessage", TaskSucceeded, 5),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", TaskSubmitted, 5),
        ("arn:aws:states:::aws-sdk:sqs:sendMessage.waitForTaskToken", TaskSubmitted, 5),
        ("arn:aws:states:::glue:startJobRun.sync", TaskSucceeded, 5),
    ],
)
def test_an_answer_ends_the_task_or_its_request(resource: str, kind: type, output: Any) -> None:
    event = task_event(command(resource), Reply(output=b"5"), 7.0)
    assert (type(event), event.output, event.token, event.at) == (kind, output, "e/1#0", 7.0)


@pytest.mark.parametrize("resource", [LAMBDA, f"{LAMBDA}.waitForTaskToken", "arn:aws:states:::sns:publish"])
def test_an_error_ends_the_task(resource: str) -> None:
    event = task_event(command(resource), Reply(error="E", cause="why"), 7.0)
    assert (type(event), event.error, event.cause) == (TaskFailed, "E", "why")


GLUE = "arn:aws:states:::glue:startJobRun.sync"
ATHENA = "arn:aws:states:::athena:startQueryExecution.sync"


@pytest.mark.parametrize(
    ("resource", "reply", "output"),
    [
        (GLUE, Reply(output=b'{"Id": "jr_1", "JobName": "work"}'), {"JobRunId": "jr_1"}),
        (GLUE, Reply(error="States.TaskFailed", cause='{"Id": "jr_1"}'), {"JobRunId": "jr_1"}),
        (GLUE, Reply(error="Glue.EntityNotFoundException", cause="Failed to start job run"), None),
        (GLUE, Reply(output=b"[]"), None),
        (ATHENA, Reply(output=b'{"QueryExecution": {"QueryExecutionId": "q"}}'), {"QueryExecutionId": "q"}),
        (ATHENA, Reply(error="States.TaskFailed", cause='{"QueryExecutionId": "q"}'), {"QueryExecutionId": "q"}),
        (ATHENA, Reply(error="Athena.InvalidRequestException", cause='"text"'), None),
        (GLUE.removesuffix(".sync"), Reply(output=b'{"JobRunId": "jr_1"}'), None),
        (LAMBDA, Reply(output=b"{}"), None),
    ],
)
def test_a_job_that_is_waited_for_was_submitted(resource: str, reply: Reply, output: Any) -> None:
    event = submission(command(resource), reply, 7.0)
    assert (None if event is None else event.output) == output


def test_both_are_journaled(tmp_path: Path) -> None:
    job = {"Type": "Task", "Resource": GLUE, "Parameters": {"JobName": "work", "Arguments": {"--day": "1"}}}
    scene = Scene(tmp_path, {"w": one(job)})
    execution = scene.start("w")
    assert scene.get(execution).status == "SUCCEEDED", scene.get(execution).cause
    first, second = scene.journaled(execution)
    assert [first["type"], second["type"]] == ["TaskSubmitted", "TaskSucceeded"]
    assert first["output"] == {"JobRunId": json.loads(scene.get(execution).output or b"")["Id"]}
    assert scene.events == [{"--day": "1"}]
    scene.machine.close()
