"""An execution as Step Functions describes it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.ports.journal import Execution, Status
from penstock.runtime.machine.map_runs import SOURCE as MAP_SOURCE
from penstock.runtime.names import name_of
from penstock.states.failures import HISTORY_LIMIT

# https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html#redrive-eligibility-criteria
REDRIVABLE_SECONDS = 14 * 86_400


def describe_execution(execution: Execution, *, events: int, now: float) -> dict[str, Any]:
    """Returns an execution's fields by their names in AWS. Times are in seconds since the epoch.

    Args:
        events: how many events its history has.
        now: decides whether it can still be put through again.
    """
    described: dict[str, Any] = {
        "executionArn": execution.id,
        "stateMachineArn": f"{execution.pipeline}.{execution.workflow}",
        "stateMachineVersionArn": f"{execution.pipeline}.{execution.workflow}:{execution.version}",
        "name": name_of(execution.id),
        "status": _status(execution),
        "startDate": execution.began_at,
        "stopDate": execution.stopped_at,
        "input": _text(execution.input),
        "inputDetails": {"included": True},
        "output": None if execution.output is None else _text(execution.output),
        "outputDetails": None if execution.output is None else {"included": True},
        "redriveCount": execution.redrives,
        **_redrive(execution, events, now),
    }
    # An execution that ran out of its own time says nothing but that.
    if execution.status != Status.TIMED_OUT:
        described |= {"error": execution.error, "cause": execution.cause}
    return {name: value for name, value in described.items() if value is not None}


def _text(document: bytes) -> str:
    return msgspec.json.format(document, indent=-1).decode()


def _status(execution: Execution) -> str:
    """Returns the status that AWS knows: an execution that nobody drives yet is running there."""
    if execution.status != Status.PENDING:
        return str(execution.status)
    return "PENDING_REDRIVE" if execution.redrives else str(Status.RUNNING)


def _redrive(execution: Execution, events: int, now: float) -> dict[str, str]:
    status, reason = _status(execution), ""
    if execution.source.startswith(MAP_SOURCE) and execution.status.is_final and execution.status != Status.SUCCEEDED:
        return {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    if not execution.status.is_final or execution.status == Status.SUCCEEDED:
        reason = f"Execution is {status} and cannot be redriven."
    elif events >= HISTORY_LIMIT - 1:
        reason = "Execution history event limit exceeded."
    elif now - (execution.stopped_at or now) > REDRIVABLE_SECONDS:
        reason = "Execution redrivable period exceeded."
    if not reason:
        return {"redriveStatus": "REDRIVABLE"}
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
