"""What can be read out of a workflow's document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock.define.payload import arguments
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

INVOKE = "arn:aws:states:::lambda:invoke"


def invoked_tasks(definition: Definition, workflow: Workflow) -> list[str]:
    """Returns the names of the tasks that a workflow calls, each once, in order."""
    prefix = f"{definition.name}-"
    found = (
        name.rpartition(":function:")[2].removeprefix(prefix) for name in _functions(json.loads(workflow.definition))
    )
    return [name for name in dict.fromkeys(found) if name in definition.tasks]


def called_by_arn(workflow: Workflow) -> list[str]:
    """Returns the ARNs by which a workflow calls functions, each once, in order; the builder calls them by name."""
    return [name for name in dict.fromkeys(_functions(json.loads(workflow.definition))) if name.startswith("arn:")]


def _functions(machine: dict[str, Any]) -> Iterator[str]:
    for state in machine.get("States", {}).values():
        if state.get("Type") == "Task":
            resource = str(state.get("Resource", ""))
            yield str(arguments(state).get("FunctionName", "")) if resource == INVOKE else resource
        for inner in [*state.get("Branches", ()), *filter(None, [state.get("Iterator"), state.get("ItemProcessor")])]:
            yield from _functions(inner)
