"""The calls of services that a workflow's document holds: those of tasks, and of Maps that read or write objects.

https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html and
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from penstock.deploy.json_text import Path
from penstock.model.integrations import ServiceCall, parse_resource, static
from penstock.model.workflow import State, Workflow, arguments, placed_states

Role = Literal["task", "reader", "writer"]
DISTRIBUTED = "DISTRIBUTED"
_OF_A_MAP: tuple[tuple[str, Role], ...] = (("ItemReader", "reader"), ("ResultWriter", "writer"))


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as a document has it.

    Attributes:
        path: leads to the arguments.
        role: whether a Task state calls, or a Map that reads its items or writes its results.
        arguments: None where the document computes them as a whole.
        transformation: what a Map that reads does with what it lists; ``""`` for others.
    """

    state: str
    path: Path
    role: Role
    call: ServiceCall
    arguments: Mapping[str, Any] | None
    transformation: str = ""


def calls(workflow: Workflow) -> list[Called]:
    """Returns every service integration of a workflow, in the order of its document."""
    return [
        called
        for path, name, state in placed_states(json.loads(workflow.definition))
        for called in _of_state(path, name, state)
    ]


def functions(workflow: Workflow) -> list[str]:
    """Returns what a workflow calls functions by, each once, in the order of its document: names, or ARNs."""
    found = (_function(state) for _, _, state in placed_states(json.loads(workflow.definition)))
    return [name for name in dict.fromkeys(found) if name]


def is_distributed(state: State) -> bool:
    """Tells whether a state is a Map that runs its items in executions of their own."""
    processor = state.get("ItemProcessor") or {}
    return state.get("Type") == "Map" and processor.get("ProcessorConfig", {}).get("Mode") == DISTRIBUTED


def has_distributed_map(workflow: Workflow) -> bool:
    """Tells whether a workflow has a Map that runs its items in executions of their own."""
    return any(is_distributed(state) for _, _, state in placed_states(json.loads(workflow.definition)))


def _of_state(path: Path, name: str, state: State) -> Iterator[Called]:
    if state.get("Type") == "Task":
        yield from _called(path, name, "task", state)
    for field, role in _OF_A_MAP if state.get("Type") == "Map" else ():
        # A writer that only says how results are formatted calls nothing.
        if "Resource" in state.get(field, {}):
            yield from _called((*path, field), name, role, state[field])


def _function(state: State) -> str:
    if state.get("Type") != "Task":
        return ""
    resource = str(state.get("Resource", ""))
    call = parse_resource(resource)
    if call is None:
        return resource
    return static(arguments(state), "FunctionName") or "" if call.service == "lambda" else ""


def _called(path: Path, name: str, role: Role, body: State) -> Iterator[Called]:
    call = parse_resource(str(body.get("Resource", "")))
    if call is None:
        return
    field = "Arguments" if "Arguments" in body else "Parameters"
    given = body.get(field, {})
    yield Called(
        state=name,
        path=(*path, field),
        role=role,
        call=call,
        arguments=given if isinstance(given, Mapping) else None,
        transformation=str(body.get("ReaderConfig", {}).get("Transformation", "")) if role == "reader" else "",
    )
