"""Task states: what is called, and until when an answer may come.

https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.states.choice import is_number
from penstock.states.commands import InvokeTask
from penstock.states.execution import Frame
from penstock.states.failures import RUNTIME, StateFailedError, check_size
from penstock.states.history import called
from penstock.states.jsonata import QUERY_EVALUATION_ERROR
from penstock.states.machine import State
from penstock.states.missing import shown
from penstock.states.retry import LONGEST_SECONDS

if TYPE_CHECKING:
    from penstock.states.enter import Runner
    from penstock.states.paths import Resolve


def invoke(run: Runner, frame: Frame, state: State) -> None:
    """Asks for a task's call, and starts the clocks that limit it.

    Raises:
        StateFailedError: the task's input is too large, or a limit is no number of seconds.
    """
    key = run.key(frame)
    token = f"{key}#{frame.attempt}"
    around = run.context(frame, "timers")
    timeout = seconds(state.timeout, frame, state, around, "TimeoutSeconds", least=1)
    heartbeat = seconds(state.heartbeat, frame, state, around, "HeartbeatSeconds", least=1)
    command = InvokeTask(
        token=token,
        key=key,
        state_name=state.name,
        resource=state.resource,
        input=frame.effective,
        attempt=frame.attempt,
        timeout_seconds=timeout,
        heartbeat_seconds=heartbeat,
    )
    check_size(frame.effective, f"The state/task '{state.name}' provided parameters")
    _tell_scheduled(run, frame, command)
    run.wait_for(frame, "task", token, command)
    if timeout is not None:
        run.start_timer(frame, "timeout", run.at + timeout)
    if heartbeat is not None:
        run.start_heartbeat(frame, heartbeat)


def check_result(state: State, result: Any) -> None:
    """Fails a task whose result is larger than the quota; its cause names what was called.

    Raises:
        StateFailedError: States.DataLimitExceeded.
    """
    name = called(state.resource).details.get("resourceType") or state.resource
    check_size(result, f"The state/task '{name}' returned a result")


def seconds(
    resolve: Resolve | None, frame: Frame, state: State, around: Any, name: str, *, least: int = 0
) -> int | None:
    """Returns how many seconds a field of a state says; None where there is no such field.

    Raises:
        StateFailedError: it is no whole number of seconds, or not one from ``least`` on.
    """
    if resolve is None:
        return None
    value = resolve(frame.value, around)
    if not is_number(value) or value != value // 1 or not least <= value <= LONGEST_SECONDS:
        cause = f"The {name} field must be a whole number from {least} to {LONGEST_SECONDS}, not {shown(value):.100}"
        raise StateFailedError(QUERY_EVALUATION_ERROR if state.is_jsonata else RUNTIME, cause)
    return int(value)


def _tell_scheduled(run: Runner, frame: Frame, command: InvokeTask) -> None:
    details: dict[str, Any] = {}
    if run.is_telling:
        limits = {"timeoutInSeconds": command.timeout_seconds, "heartbeatInSeconds": command.heartbeat_seconds}
        details = {name: int(limit) for name, limit in limits.items() if limit is not None}
        if called(command.resource).words == "Task":
            region = run.state.context.region
            details |= {"parameters": command.input} | ({"region": region} if region else {})
        else:
            details |= {"resource": command.resource, "input": command.input}
    run.tell_task(frame, "Scheduled", token=command.token, **details)
    run.tell_task(frame, "Started", token=command.token)
