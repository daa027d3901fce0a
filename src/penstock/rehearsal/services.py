"""What services of AWS did in the name of a role, where no request passes a recorder.

Step Functions calls functions and other services, and EventBridge starts workflows, inside the emulator. Their traces
are the history of an execution
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html) and the input that an
execution was started with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from penstock.rehearsal.access_keys import role_name
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.exchange import Place
from penstock.rehearsal.integration_needs import needs

_PLACEHOLDER = re.compile(r"<[\w.-]+>")
_SEVERAL = {"TaskStateEntered", "ParallelStateEntered", "MapStateEntered"}


class Starter(msgspec.Struct, frozen=True):
    """A schedule or a rule that starts a workflow.

    Attributes:
        machine: ARN of the state machine.
        template: its input, with placeholders such as ``<key>``.
    """

    role: str
    machine: str
    template: str


def calls_of_execution(
    definition: str | Mapping[str, Any], history: Iterable[Mapping[str, Any]], *, machine: str
) -> list[RecordedCall]:
    """Returns what a state machine's role did in one execution: what every task state asks for that was entered.

    A parallel state that was entered has entered the first state of each of its branches. Emulators may leave those
    out of the history, AWS does not.

    Args:
        definition: the state machine's document in the Amazon States Language.
        history: the execution's events, as ``GetExecutionHistory`` returns them.
        machine: ARN of the state machine, which tells region and account.
    """
    document = json.loads(definition) if isinstance(definition, str) else definition
    states = dict(_states(document))
    place = Place(machine.split(":")[3], machine.split(":")[4])
    role, made = "", []
    for event in history:
        if event["type"] == "ExecutionStarted":
            role = role_name(event["executionStartedEventDetails"].get("roleArn", ""))
        if event["type"] in _SEVERAL:
            entered = _entered(states.get(event["stateEnteredEventDetails"]["name"], {}))
            at = _seconds(event["timestamp"])
            found = (need for state in entered for need in needs(state, place, machine))
            made += [RecordedCall(role, need.action, need.resource, need.context, at) for need in found]
    return made


def starters_of(state: Mapping[str, Any]) -> list[Starter]:
    """Returns the schedules and rules that start state machines.

    Args:
        state: what ``terraform show -json`` prints of a state.
    """
    return [starter for one in _managed(state["values"]["root_module"]) for starter in _starters(one)]


def calls_of_starts(starters: Sequence[Starter], executions: Iterable[Mapping[str, Any]]) -> list[RecordedCall]:
    """Returns the starts that schedules and rules made.

    An execution is theirs when it is of their workflow and its input fits their template, so nothing else may start
    a workflow with such an input in a rehearsal.

    Args:
        executions: as ``DescribeExecution`` returns them.
    """
    return [
        RecordedCall(one.role, "states:StartExecution", one.machine, {}, _seconds(execution["startDate"]))
        for execution in executions
        for one in starters
        if one.machine == execution["stateMachineArn"] and _fits(one.template, execution.get("input", "{}"))
    ]


def _starters(one: Mapping[str, Any]) -> Iterator[Starter]:
    values = one["values"]
    if one["type"] == "aws_scheduler_schedule":
        for target in values.get("target") or []:
            yield Starter(role_name(target["role_arn"]), target["arn"], target.get("input") or "{}")
    elif one["type"] == "aws_cloudwatch_event_target" and values.get("role_arn"):
        templates = [made["input_template"] for made in values.get("input_transformer") or []]
        template = values.get("input") or next(iter(templates), "<event>")
        yield Starter(role_name(values["role_arn"]), values["arn"], template)


def _fits(template: str, value: str) -> bool:
    """Spaces do not count: services may write a template's JSON anew."""
    parts = _PLACEHOLDER.split("".join(template.split()))
    return re.fullmatch(".*".join(map(re.escape, parts)), "".join(value.split())) is not None


def _managed(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in module.get("resources", ()) if one.get("mode") == "managed")
    for child in module.get("child_modules", ()):
        yield from _managed(child)


def _entered(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yields the states that are entered with a state, and ask for something.

    https://states-language.net/#parallel-state
    """
    if state.get("Type") in {"Task", "Map"}:
        yield state
    for branch in state.get("Branches", ()):
        yield from _entered(branch["States"][branch["StartAt"]])


def _states(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the states of a workflow, of its branches and of its maps: their names differ within a workflow."""
    for name, state in document.get("States", {}).items():
        yield name, state
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor", {}), state.get("Iterator", {})):
            yield from _states(inner)


def _seconds(time: datetime | float) -> float:
    return time.timestamp() if isinstance(time, datetime) else float(time)
