"""Executions of the deployed workflows, in Step Functions.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.errors import AlreadyExistsError, NotFoundError
from penstock.ports.journal import Status

PAGE = 1000


class DeployedExecution(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a deployed workflow.

    Attributes:
        arn: what the service knows it by.
        name: what whoever started it called it.
        workflow: the workflow's name in the definition.
        input, output: JSON documents; absent in a list, and where the service withholds them.
        redrives: how many times it was sent through again.
    """

    arn: str
    name: str
    workflow: str
    status: Status
    started_at: float
    stopped_at: float | None = None
    input: bytes | None = None
    output: bytes | None = None
    error: str | None = None
    cause: str | None = None
    redrives: int = 0


class HistoryEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of an execution's history.

    Attributes:
        type: the service's name of it, such as ``TaskStateEntered``.
        previous: the event that it follows from; 0 for the first.
        details: what the service tells of it, such as ``name``, ``input``, ``output``, ``error`` and ``cause``.
    """

    id: int
    previous: int
    at: float
    type: str
    details: dict[str, Any] = {}


class StepFunctionsExecutions:
    """Starts, lists, shows and stops executions of standard workflows.

    Args:
        arns: the ARN of each state machine, by the workflow's name in the definition.
    """

    def __init__(self, arns: Mapping[str, str], *, region: str | None = None) -> None:
        self._arns = dict(arns)
        self._names = {arn: name for name, arn in arns.items()}
        self._client = client("stepfunctions", region=region)

    def start(self, workflow: str, name: str, document: bytes) -> str:
        """Starts an execution and returns its ARN; once more for a running one of that name and input is a no-op.

        Args:
            name: unique for 90 days, at most 80 characters.
            document: the input, JSON of at most 256 KB.

        Raises:
            AlreadyExistsError: there was one of that name, with another input or already over.
            NotFoundError: there is no such workflow.
            ValidationError: the name or the input is none.
        """
        arn = self._arn(workflow)
        with calling(f"start {name} of {workflow}"):
            try:
                started = self._client.start_execution(stateMachineArn=arn, name=name, input=document.decode())
            except self._client.exceptions.ExecutionAlreadyExists as error:
                raise AlreadyExistsError(
                    f"workflow {workflow} had an execution {name} already", hint="use another name"
                ) from error
        return str(started["executionArn"])

    def describe(self, arn: str) -> DeployedExecution:
        """Returns an execution with its input and output. Raises NotFoundError."""
        with calling(f"describe {arn}"):
            return self._execution(self._client.describe_execution(executionArn=arn))

    def list(self, workflow: str, status: Status | None = None) -> Iterator[DeployedExecution]:
        """Yields a workflow's executions of the last 90 days, newest first. Raises NotFoundError."""
        which = {"stateMachineArn": self._arn(workflow)}
        if status is not None:
            which["statusFilter"] = status.value
        with calling(f"list the executions of {workflow}"):
            for page in self._client.get_paginator("list_executions").paginate(**which):
                yield from map(self._execution, page["executions"])

    def history(self, arn: str) -> Iterator[HistoryEvent]:
        """Yields an execution's events in order. Raises NotFoundError."""
        with calling(f"read the history of {arn}"):
            pages = self._client.get_paginator("get_execution_history").paginate(executionArn=arn, maxResults=PAGE)
            for page in pages:
                yield from map(_event, page["events"])

    def stop(self, arn: str, *, error: str = "", cause: str = "") -> None:
        """Ends an execution as ABORTED; what its tasks are doing is not undone. Raises NotFoundError."""
        with calling(f"stop {arn}"):
            self._client.stop_execution(executionArn=arn, error=error, cause=cause)

    def _arn(self, workflow: str) -> str:
        if workflow not in self._arns:
            known = ", ".join(sorted(self._arns)) or "none"
            raise NotFoundError(f"no workflow {workflow!r} is deployed", hint=f"deployed are: {known}")
        return self._arns[workflow]

    def _execution(self, found: Mapping[str, Any]) -> DeployedExecution:
        machine, stopped = str(found["stateMachineArn"]), found.get("stopDate")
        return DeployedExecution(
            arn=found["executionArn"],
            name=found["name"],
            workflow=self._names.get(machine, machine.rpartition(":")[2]),
            status=_status(found["status"]),
            started_at=found["startDate"].timestamp(),
            stopped_at=stopped.timestamp() if stopped else None,
            input=_document(found.get("input")),
            output=_document(found.get("output")),
            error=found.get("error"),
            cause=found.get("cause"),
            redrives=int(found.get("redriveCount", 0)),
        )


def _status(text: str) -> Status:
    return Status.PENDING if text == "PENDING_REDRIVE" else Status(text)


def _document(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _event(found: Mapping[str, Any]) -> HistoryEvent:
    details: dict[str, Any] = next((value for key, value in found.items() if key.endswith("EventDetails")), {})
    return HistoryEvent(
        id=found["id"],
        previous=found.get("previousEventId", 0),
        at=found["timestamp"].timestamp(),
        type=found["type"],
        details=details,
    )
