"""What can be read out of a workflow's document."""

from __future__ import annotations

import json
from collections.abc import Iterator

from penstock.model.pipeline import Definition
from penstock.model.workflow import INVOKE, Workflow, arguments, states_of


def invoked_tasks(definition: Definition, workflow: Workflow) -> list[str]:
    """Returns the names of the tasks that a workflow calls, each once, in order."""
    prefix = f"{definition.name}-"
    found = (name.rpartition(":function:")[2].removeprefix(prefix) for name in _functions(workflow))
    return [name for name in dict.fromkeys(found) if name in definition.tasks]


def called_by_arn(workflow: Workflow) -> list[str]:
    """Returns the ARNs by which a workflow calls functions, each once, in order; the builder calls them by name."""
    return [name for name in dict.fromkeys(_functions(workflow)) if name.startswith("arn:")]


def _functions(workflow: Workflow) -> Iterator[str]:
    for _, state in states_of(json.loads(workflow.definition)):
        if state.get("Type") == "Task":
            resource = str(state.get("Resource", ""))
            yield str(arguments(state).get("FunctionName", "")) if resource == INVOKE else resource
