"""Workflows that no emulator can run as AWS does: a rehearsal leaves them out, and its report says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from penstock.deploy.service_calls import calls, is_distributed
from penstock.errors import UsageError
from penstock.model.integrations import Pattern, static
from penstock.model.pipeline import Definition
from penstock.model.workflow import State, Workflow, states_of

NO_ATHENA = "the emulator has no integration of Athena"
NO_ANSWER = "it waits for a token, which nobody answers in a rehearsal"
NO_RESULTS = "the emulator does not write the results of a Map"
NO_BATCHES = "the emulator does not put the items of a Map into batches"
NO_CONVERSION = "the emulator reads no items of a Map in JSONata"


def check_rehearsable(definition: Definition) -> None:
    """Checks that an emulator has what a pipeline is deployed with.

    Raises:
        UsageError: it has neither instances nor a MySQL whose users log in by IAM.
    """
    chosen, hint = definition.deployment, f"`penstock run {definition.name}` runs it here; an account shows the rest"
    if chosen.compute != "lambda":
        raise UsageError(f"pipeline {definition.name!r} runs on an instance, and no emulator boots one", hint=hint)
    if definition.warehouses and chosen.database != "postgresql":
        message = f"pipeline {definition.name!r} keeps its warehouse in MySQL, whose users log in by a plugin of RDS's"
        raise UsageError(message, hint=f"{hint}; a rehearsal has PostgreSQL")


def unrehearsed(definition: Definition) -> dict[str, str]:
    """Returns the workflows that are left out, each with the reason; those that start one of them are too."""
    found = {name: reason for name, one in definition.workflows.items() if (reason := next(_reasons(one), ""))}
    while more := dict(_starting(definition, found)):
        found |= more
    return dict(sorted(found.items()))


def _reasons(workflow: Workflow) -> Iterator[str]:
    for one in calls(workflow):
        if one.call.service == "athena":
            yield NO_ATHENA
        if one.call.pattern == Pattern.WAIT_FOR_CALLBACK:
            yield NO_ANSWER
    document = json.loads(workflow.definition)
    for _, state in states_of(document):
        if is_distributed(state):
            yield from _of_map(state, str(state.get("QueryLanguage", document.get("QueryLanguage", "JSONPath"))))


def _of_map(state: State, language: str) -> Iterator[str]:
    if "ResultWriter" in state:
        yield NO_RESULTS
    if "ItemBatcher" in state:
        yield NO_BATCHES
    if language == "JSONata":
        yield NO_CONVERSION


def _starting(definition: Definition, found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, workflow in definition.workflows.items():
        if name in found:
            continue
        for one in calls(workflow):
            started = static(one.arguments or {}, "StateMachineArn") or ""
            if started in found:
                yield name, f"it starts {started}: {found[started]}"
                break
