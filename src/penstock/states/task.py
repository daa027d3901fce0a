"""Task states: what is called, and until when an answer may come.

https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.states import failures
from penstock.states.choice import is_number
from penstock.states.commands import InvokeTask
from penstock.states.execution import Frame
from penstock.states.failures import StateFailedError, check_size
from penstock.states.history import called
from penstock.states.machine import State

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
    timeout = span(state.timeout, frame, state, around, "TimeoutSeconds")
    heartbeat = span(state.heartbeat, frame, state, around, "HeartbeatSeconds")
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


def given(frame: Frame, state: State) -> Any:
    """Returns what a field other than the state's arguments begins with: JSONata always sees the state's input."""
    return frame.value if state.is_jsonata else frame.effective


def span(resolve: Resolve | None, frame: Frame, state: State, around: Any, name: str) -> float | None:
    """Returns how many seconds a field of a state says; None where there is no such field.

    Raises:
        StateFailedError: it is no number of seconds.
    """
    if resolve is None:
        return None
    value = resolve(given(frame, state), around)
    if not is_number(value) or value < 0:
        raise StateFailedError(failures.RUNTIME, f"{name} must be a number of seconds, not {value!r:.100}")
    return float(value)


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
