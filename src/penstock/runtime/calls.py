"""Between the state machine's words and the invoker's: which task a Task state means, and what its answer is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from penstock import states
from penstock.define.asl import function_name
from penstock.define.payload import PAYLOAD
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.model.workflow import INVOKE
from penstock.ports.invoke import Call, Reply
from penstock.ports.journal import Execution


class Refusal(msgspec.Struct, frozen=True):
    """A call that cannot be made."""

    error: str
    cause: str


class CallBuilder:
    """Makes calls of the tasks of some pipelines."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self._functions: dict[str, tuple[str, Task]] = {
            function_name(name, task.name): (name, task)
            for name, definition in definitions.items()
            for task in definition.tasks.values()
        }

    def task(self, command: states.InvokeTask) -> tuple[str, Task] | None:
        """Returns the pipeline and the task that a Task state means."""
        return self._functions.get(_function(command))

    def build(self, execution: Execution, command: states.InvokeTask) -> Call | Refusal:
        """Returns the call of a Task state."""
        found = self.task(command)
        if found is None:
            # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
            cause = f"Function not found: {_function(command)!r} is no task of pipeline {execution.pipeline!r} any more"
            return Refusal("Lambda.ResourceNotFoundException", cause)
        pipeline, task = found
        return Call(
            token=command.token,
            key=command.key,
            execution=execution.id,
            pipeline=pipeline,
            task=task.name,
            state=command.state_name,
            event=msgspec.json.encode(_event(command)),
            started_at=execution.created_at if execution.started_at is None else execution.started_at,
            slot=execution.slot,
            attempt=command.attempt,
            timeout_seconds=task.timeout_seconds,
        )


def _function(command: states.InvokeTask) -> str:
    """Returns the function's name, from the parameters of ``lambda:invoke`` or from a function's own ARN."""
    if command.resource == INVOKE:
        named = command.input.get("FunctionName", "") if isinstance(command.input, dict) else ""
        return str(named).rpartition(":function:")[2]
    return command.resource.rpartition(":function:")[2]


def _event(command: states.InvokeTask) -> Any:
    """Returns the task's event. Payloads of the builder's making carry it beside what names the execution."""
    if command.resource != INVOKE:
        return command.input
    payload = command.input.get("Payload")
    if isinstance(payload, dict) and payload.keys() == PAYLOAD:
        return payload["event"]
    return payload


def task_event(command: states.InvokeTask, reply: Reply, at: float) -> Any:
    """Returns the state machine's event for an answer."""
    if reply.output is None:
        return states.TaskFailed(
            token=command.token, error=reply.error or "Lambda.Unknown", cause=reply.cause or "", at=at
        )
    output = msgspec.json.decode(reply.output)
    if command.resource == INVOKE:
        output = {"ExecutedVersion": "$LATEST", "Payload": output, "StatusCode": 200}
    return states.TaskSucceeded(token=command.token, output=output, at=at)
