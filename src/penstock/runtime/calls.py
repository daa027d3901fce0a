"""Between the state machine's words and the invoker's: which task a Task state means, and what its answer is."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock import states
from penstock.define.asl import function_name
from penstock.define.payload import PAYLOAD
from penstock.model.integrations import ServiceCall, parse_resource
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.ports.invoke import Call, Refusal, Reply
from penstock.ports.journal import Execution


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
        if not _is_function(command.resource):
            # The integrations name their refusals as this module does, so that they are imported when it is whole.
            from penstock.runtime.integrations.calls import service_call

            return service_call(execution, command)
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
            started_at=execution.began_at,
            slot=execution.slot,
            attempt=command.attempt,
            timeout_seconds=task.timeout_seconds,
        )


@functools.lru_cache(maxsize=1024)
def called(resource: str) -> ServiceCall | None:
    """Returns the service integration that a resource names; None for a function's own ARN."""
    return parse_resource(resource)


@functools.lru_cache(maxsize=1024)
def starts_execution(resource: str) -> bool:
    """Tells whether a resource starts another workflow, in any of its patterns."""
    service = called(resource)
    return service is not None and not service.sdk and (service.service, service.action) == ("states", "startExecution")


@functools.lru_cache(maxsize=1024)
def _invokes(resource: str) -> bool:
    """Tells whether a resource is ``lambda:invoke``, in any of its patterns."""
    service = called(resource)
    return service is not None and not service.sdk and (service.service, service.action) == ("lambda", "invoke")


def _is_function(resource: str) -> bool:
    return _invokes(resource) or called(resource) is None


def _function(command: states.InvokeTask) -> str:
    """Returns the function's name, from the parameters of ``lambda:invoke`` or from a function's own ARN."""
    if _invokes(command.resource):
        named = command.input.get("FunctionName", "") if isinstance(command.input, dict) else ""
        return str(named).rpartition(":function:")[2]
    return command.resource.rpartition(":function:")[2]


def _event(command: states.InvokeTask) -> Any:
    """Returns the task's event. Payloads of the builder's making carry it beside what names the execution."""
    if not _invokes(command.resource):
        return command.input
    payload = command.input.get("Payload")
    if isinstance(payload, dict) and payload.keys() == PAYLOAD:
        return payload["event"]
    return payload


def submission(command: states.InvokeTask, reply: Reply, at: float) -> states.TaskSubmitted | None:
    """Returns the event of a job's start, for an answer that tells its end (``.sync``); None where there was none.

    On a machine a job is over when its call is, so that both are known at once.
    """
    service = called(command.resource)
    if service is None or not service.runs_to_the_end:
        return None
    try:
        described = msgspec.json.decode(reply.output or (reply.cause or "").encode())
        run = described.get("QueryExecution", described)
        name = "Id" if service.service == "glue" else "QueryExecutionId"
        output = {"JobRunId" if name == "Id" else name: run[name]}
    except (msgspec.DecodeError, LookupError, AttributeError, TypeError):
        # The request itself was refused.
        return None
    return states.TaskSubmitted(token=command.token, output=output, at=at)


def task_event(command: states.InvokeTask, reply: Reply, at: float) -> Any:
    """Returns the state machine's event for an answer: the task's end, or of its request where a token ends it."""
    if reply.output is None:
        return states.TaskFailed(
            token=command.token, error=reply.error or "Lambda.Unknown", cause=reply.cause or "", at=at
        )
    output = msgspec.json.decode(reply.output)
    if _invokes(command.resource):
        output = {"ExecutedVersion": "$LATEST", "Payload": output, "StatusCode": 200}
    service = called(command.resource)
    if service is not None and service.waits:
        return states.TaskSubmitted(token=command.token, output=output, at=at)
    return states.TaskSucceeded(token=command.token, output=output, at=at)
