"""The invoker's call for a Task state that calls a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from penstock.model.integrations import parse_resource
from penstock.ports.invoke import Call, Refusal

if TYPE_CHECKING:
    from penstock import states
    from penstock.ports.journal import Execution

CALL_TIMEOUT_SECONDS = 60.0
# https://docs.aws.amazon.com/athena/latest/ug/service-limits.html: the timeout of a DML query
QUERY_TIMEOUT_SECONDS = 30 * 60.0
# https://docs.aws.amazon.com/glue/latest/webapi/API_StartJobRun.html: Timeout, in minutes, and its default
JOB_TIMEOUT_MINUTES = 480


def service_call(execution: Execution, command: states.InvokeTask) -> Call | Refusal:
    """Returns the call of a Task state whose resource ``parse_resource`` takes apart."""
    try:
        event = msgspec.json.encode(command.input)
    except UnicodeEncodeError:
        return Refusal("States.Runtime", "The parameters hold half of a surrogate pair, which no request can carry")
    return Call(
        token=command.token,
        key=command.key,
        execution=execution.id,
        pipeline=execution.pipeline,
        task="",
        state=command.state_name,
        event=event,
        started_at=execution.began_at,
        slot=execution.slot,
        attempt=command.attempt,
        timeout_seconds=_timeout_seconds(command.resource, command.input),
        resource=command.resource,
        workflow=execution.workflow,
    )


def _timeout_seconds(resource: str, arguments: Any) -> float:
    """Returns when the call is killed. The state's own limits are kept by the state machine."""
    service = parse_resource(resource)
    match service and service.service:
        case "athena":
            return QUERY_TIMEOUT_SECONDS
        case "glue":
            minutes = arguments.get("Timeout") if isinstance(arguments, dict) else None
            if isinstance(minutes, int) and not isinstance(minutes, bool) and minutes > 0:
                return 60.0 * minutes
            return 60.0 * JOB_TIMEOUT_MINUTES
        case _:
            return CALL_TIMEOUT_SECONDS
