"""Executions that executions start: ``states:startExecution`` in all of its patterns.

Everything is written in the transaction that journals the answer, so that no child is started twice or lost.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock import states
from penstock.model.access import Grant, Kind, WorkflowAction
from penstock.model.integrations import Pattern
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Refusal
from penstock.ports.journal import Execution, Journal, Status
from penstock.runtime.calls import called
from penstock.runtime.names import child_id, name_of

SOURCE = "execution:"
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html#StepFunctions-StartExecution-request-name
_BAD_NAME = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
NAME_LIMIT = 80


class ChildStarter:
    """Starts, stops and tells of the executions that other executions of a process start.

    Args:
        owner: the process that will drive the children.
    """

    def __init__(self, *, journal: Journal, definitions: Mapping[str, Definition], owner: str) -> None:
        self._journal = journal
        self._definitions = definitions
        self._owner = owner
        self._created: list[Execution] = []

    def created(self) -> list[Execution]:
        """Returns the executions that were created since the last call, for the process to drive."""
        created, self._created = self._created, []
        return created

    def start(self, parent: Execution, command: states.InvokeTask, at: float) -> Any:
        """Starts the execution that a Task state asks for; returns the state machine's event for the answer.

        To be called in the transaction that journals the event.
        """
        answer = self._started(parent, command, at)
        if isinstance(answer, Refusal):
            return states.TaskFailed(token=command.token, error=answer.error, cause=answer.cause, at=at)
        service = called(command.resource)
        output = {"ExecutionArn": answer.id, "StartDate": _milliseconds(answer.began_at)}
        if service is None or service.pattern == Pattern.REQUEST_RESPONSE:
            return states.TaskSucceeded(token=command.token, output=output, at=at)
        if service.runs_to_the_end:
            self._journal.await_end(answer.id, command.token)
        return states.TaskSubmitted(token=command.token, output=output, at=at)

    def stop(self, parent: Execution, command: states.InvokeTask, at: float) -> None:
        """Stops the execution that a Task state waited for: its own state was aborted.

        https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync
        """
        service = called(command.resource)
        if service is None or not service.runs_to_the_end:
            return
        request = _request(command)
        if not isinstance(request, Refusal):
            child = child_id(parent.pipeline, request.workflow, request.name, command.token)
            event = states.Stopped(cause=f"{parent.id}, which waited for it, was stopped", at=at)
            self._journal.post(child, msgspec.json.encode(event))

    def ended(self, execution: Execution) -> None:
        """Tells those who wait for an execution that it is over."""
        if not execution.source.startswith(SOURCE):
            return
        for token in self._journal.take_waiters(execution.id):
            event = msgspec.json.encode(_end(execution, token))
            self._journal.post(token.partition("/")[0], event)

    def _started(self, parent: Execution, command: states.InvokeTask, at: float) -> Execution | Refusal:
        request = _request(command)
        if isinstance(request, Refusal):
            return request
        definition = self._definitions[parent.pipeline]
        if not _may_start(definition, parent.workflow, request.workflow):
            cause = (
                f"workflow {parent.workflow!r} is not authorized to perform: states:StartExecution on workflow "
                f"{request.workflow!r}; add {request.workflow}.start to its may=[…]"
            )
            return Refusal("StepFunctions.AccessDeniedException", cause)
        if request.workflow not in definition.workflows:
            cause = f"State Machine Does Not Exist: '{request.workflow}'"
            return Refusal("StepFunctions.StateMachineDoesNotExistException", cause)
        child = Execution(
            id=child_id(parent.pipeline, request.workflow, request.name, command.token),
            pipeline=parent.pipeline,
            workflow=request.workflow,
            version=definition.workflows[request.workflow].version,
            input=request.input,
            source=f"{SOURCE}{parent.id}",
            root=parent.root,
            created_at=at,
            owner=self._owner,
        )
        if self._journal.create(child):
            self._created.append(child)
            return child
        return self._existing(child)

    def _existing(self, wanted: Execution) -> Execution | Refusal:
        """A name that runs with the same input is the same execution; any other is taken.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        found = self._journal.get(wanted.id)
        if not found.status.is_final and msgspec.json.decode(found.input) == msgspec.json.decode(wanted.input):
            return found
        return Refusal("StepFunctions.ExecutionAlreadyExistsException", f"Execution Already Exists: '{wanted.id}'")


def arrived(command: states.InvokeTask, event: Any) -> Any:
    """Returns the event of a child's end as the pattern of the Task state wants it.

    ``.sync`` gives input and output as JSON text, ``.sync:2`` as JSON.
    """
    service = called(command.resource)
    if service is None or service.pattern != Pattern.RUN_A_JOB_2 or not isinstance(event, states.TaskSucceeded):
        return event
    described = {
        name: msgspec.json.decode(value) if name in {"Input", "Output"} else value
        for name, value in event.output.items()
    }
    return msgspec.structs.replace(event, output=described)


class _Request(msgspec.Struct, frozen=True):
    workflow: str
    name: str
    input: bytes


def _request(command: states.InvokeTask) -> _Request | Refusal:
    given = command.input if isinstance(command.input, dict) else {}
    workflow, name, value = given.get("StateMachineArn"), given.get("Name"), given.get("Input", {})
    if not isinstance(workflow, str):
        return Refusal("StepFunctions.InvalidArnException", f"Invalid Arn: {workflow!r:.100}")
    if name is not None and (not isinstance(name, str) or not 0 < len(name) <= NAME_LIMIT or _BAD_NAME.search(name)):
        return Refusal("StepFunctions.InvalidNameException", f"Invalid Name: {name!r:.100}")
    encoded = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    try:
        msgspec.json.decode(encoded)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        cause = f"Invalid State Machine Execution Input: '{error}'"
        return Refusal("StepFunctions.InvalidExecutionInputException", cause)
    return _Request(workflow.rpartition(":")[2], name or "", encoded)


def _may_start(definition: Definition, workflow: str, child: str) -> bool:
    asking = definition.workflows.get(workflow)
    return asking is not None and Grant(Kind.WORKFLOW, child, WorkflowAction.START) in asking.may


def _end(execution: Execution, token: str) -> Any:
    """Returns the event of an execution's end, described as ``DescribeExecution`` does."""
    described: dict[str, Any] = {
        "ExecutionArn": execution.id,
        "Input": execution.input.decode(),
        "InputDetails": {"Included": True},
        "Name": name_of(execution.id),
        "StartDate": _milliseconds(execution.began_at),
        "StateMachineArn": execution.workflow,
        "Status": execution.status.value,
        "StopDate": _milliseconds(execution.stopped_at or 0.0),
    }
    at = execution.stopped_at or 0.0
    if execution.status is Status.SUCCEEDED:
        described |= {"Output": (execution.output or b"null").decode(), "OutputDetails": {"Included": True}}
        return states.TaskSucceeded(token=token, output=dict(sorted(described.items())), at=at)
    described |= {"Error": execution.error} if execution.error else {}
    described |= {"Cause": execution.cause} if execution.cause else {}
    cause = msgspec.json.encode(described, order="sorted").decode()
    return states.TaskFailed(token=token, error="States.TaskFailed", cause=cause, at=at)


def _milliseconds(at: float) -> int:
    return round(at * 1000)
