"""The service integrations of a document: whether AWS would take them, and whether the workflow was granted them.

AWS refuses a state machine whose parameters a service integration does not know or lacks (``SCHEMA_VALIDATION_FAILED``
of ValidateStateMachineDefinition), or whose pattern the service does not have.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-parameters.html
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.errors import Finding
from penstock.model.access import Grant, Kind
from penstock.model.integrations import (
    LAKE_BUCKET,
    OPERATIONS,
    Need,
    Operation,
    Pattern,
    ServiceCall,
    is_given,
    needs,
    parse_resource,
    static,
)
from penstock.model.pipeline import Definition
from penstock.model.workflow import Path, State, Workflow, placed_states

KNOWN = ", ".join(dict.fromkeys(f"{one.service or f'aws-sdk:{one.sdk_service}'}:{one.action}" for one in OPERATIONS))


class PlacedCall(msgspec.Struct, frozen=True):
    """A service integration in a document.

    Attributes:
        where: the JSON path of its arguments, such as ``$.States.Save.Parameters``.
        arguments: what it is called with; None where an expression makes them.
        reads_items: it is a distributed Map's ItemReader.
    """

    where: str
    state: str
    call: ServiceCall
    arguments: Mapping[str, Any] | None
    reads_items: bool = False


def service_calls(document: bytes | str) -> Iterator[PlacedCall]:
    """Yields the service integrations of an Amazon States Language document that has no mistake, however deep."""
    for path, name, state in placed_states(json.loads(document)):
        yield from _calls_of(name, state, _shown(path))


def check_calls(document: bytes | str) -> list[Finding]:
    """Returns the service integrations that AWS would refuse, each with its JSON path and its mend."""
    return [finding for placed in service_calls(document) for finding in _refused(placed)]


def check_workflow(definition: Definition, workflow: Workflow) -> Iterator[Finding]:
    """Yields what a workflow calls and cannot: not known here, not declared, or not granted."""
    yield from _unusable_grants(workflow)
    for placed in service_calls(workflow.definition):
        if placed.call.operation is None and not placed.reads_items:
            where = f"{placed.where.rpartition('.')[0]}.Resource"
            yield _finding(workflow, where, "unknown-service", f"Penstock cannot call {_spoken(placed.call)}",
                           f"call it from a task; a workflow can call {KNOWN}")  # fmt: skip
            continue
        for finding in _refused(placed):
            yield _finding(workflow, finding.where, finding.code, finding.message, finding.hint)
        for need in _needs(placed):
            yield from _unmet(definition, workflow, placed, need)
        yield from _not_the_lake(workflow, placed)
        yield from _unknown_job(definition, workflow, placed)


def known_resources(definition: Definition) -> dict[Kind, set[str]]:
    """Returns the names that a grant of each kind can have."""
    return {
        Kind.LAKE: set(definition.lake_tables),
        Kind.HOT_TABLE: set(definition.hot_tables),
        Kind.METRIC: set(definition.metrics),
        Kind.NAMESPACE: {definition.namespace},
        Kind.TOPIC: set(definition.topics),
        Kind.QUEUE: set(definition.queues),
        Kind.INBOX: set(definition.inboxes),
        Kind.WAREHOUSE: set(definition.warehouses),
        Kind.EVENT_BUS: set(definition.event_buses),
        Kind.WORKFLOW: set(definition.workflows),
    }


# -- the document -----------------------------------------------------------------------------------------------------


def _shown(path: Path) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _calls_of(name: str, state: State, place: str) -> Iterator[PlacedCall]:
    if state.get("Type") == "Task":
        call = parse_resource(str(state.get("Resource", "")))
        if call is not None:
            yield _placed(name, state, place, call)
    reader = state.get("ItemReader")
    if isinstance(reader, Mapping):
        call = parse_resource(str(reader.get("Resource", "")))
        if call is not None:
            # A reader writes `s3:getObject` where a Task writes `aws-sdk:s3:getObject`.
            spoken = msgspec.structs.replace(call, sdk=True)
            yield msgspec.structs.replace(_placed(name, reader, f"{place}.ItemReader", spoken), reads_items=True)


def _placed(name: str, holder: Mapping[str, Any], place: str, call: ServiceCall) -> PlacedCall:
    field = "Arguments" if "Arguments" in holder else "Parameters"
    given = holder.get(field, {})
    return PlacedCall(f"{place}.{field}", name, call, given if isinstance(given, Mapping) else None)


# -- what AWS refuses -------------------------------------------------------------------------------------------------


def _refused(placed: PlacedCall) -> Iterator[Finding]:
    call, operation = placed.call, placed.call.operation
    if operation is None or placed.reads_items:
        return
    if call.pattern not in operation.waits(sdk=call.sdk):
        shown = ", ".join(pattern or "none" for pattern in Pattern if pattern in operation.waits(sdk=call.sdk))
        where = f"{placed.where.rpartition('.')[0]}.Resource"
        yield Finding(where, "pattern", f"{_spoken(call)} has no pattern {call.pattern}", f"its patterns are: {shown}")
    if placed.arguments is None:
        return
    known = operation.takes(sdk=call.sdk)
    for given in placed.arguments:
        name = given.removesuffix(".$")
        if name not in known:
            yield Finding(f"{placed.where}.{given}", "parameter", f"{_spoken(call)} has no parameter {name[:80]!r}",
                          _near(name, operation, known))  # fmt: skip
    meant = {name[:1].upper() + name[1:] for name in placed.arguments}
    missing = [name for name in sorted(operation.required) if not is_given(dict.fromkeys(meant), name)]
    for name in missing:
        yield Finding(placed.where, "parameter", f"{_spoken(call)} needs {name}", f'add "{name}" ({operation.page})')


def _near(name: str, operation: Operation, known: frozenset[str]) -> str:
    pascal = name[:1].upper() + name[1:]
    if pascal in known:
        return f"write it in PascalCase: {pascal}"
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"did you mean {near[0]}?" if near else f"see {operation.page}"


def _spoken(call: ServiceCall) -> str:
    return f"{'aws-sdk:' if call.sdk else ''}{call.service}:{call.action}"


# -- what the workflow may --------------------------------------------------------------------------------------------


def _needs(placed: PlacedCall) -> list[Need]:
    return needs(placed.call, placed.arguments if placed.arguments is not None else {})


def _unmet(definition: Definition, workflow: Workflow, placed: PlacedCall, need: Need) -> Iterator[Finding]:
    where = f"{placed.where}.{need.parameter}" if need.parameter else placed.where
    noun = need.kind.value.replace("_", " ")
    names = known_resources(definition)[need.kind]
    if need.kind is Kind.LAKE and need.resource == "":
        yield _finding(workflow, where, "outside-the-lake", f"{_spoken(placed.call)} cannot use this key",
                       "a workflow reads, lists and writes raw/<table>/…, and writes quarantine/<table>/…")  # fmt: skip
    elif need.resource is not None and need.resource not in names:
        yield _finding(workflow, where, "unknown-resource", f"there is no {noun} {need.resource!r} in this pipeline",
                       f"name one of {', '.join(sorted(names)) or 'them, once there are any'}")  # fmt: skip
    elif not need.met_by(workflow.may):
        on = f"{noun} {need.resource!r}" if need.resource is not None else f"any {noun}"
        holder = f"<{need.resource or noun}>"
        yield _finding(workflow, where, "missing-grant",
                       f"state {placed.state!r} calls {_spoken(placed.call)}, and the workflow may not "
                       f"{need.action} {on}", f"add {holder}.{need.action} to its may=[…]")  # fmt: skip


def _not_the_lake(workflow: Workflow, placed: PlacedCall) -> Iterator[Finding]:
    if placed.call.service != "s3" or placed.arguments is None:
        return
    bucket = static(placed.arguments, "Bucket")
    if bucket is not None and bucket != LAKE_BUCKET:
        yield _finding(workflow, f"{placed.where}.Bucket", "bucket", f"bucket {bucket!r} is not the pipeline's",
                       f'write "{LAKE_BUCKET}": a deployment puts the name of its own bucket there')  # fmt: skip
    if placed.call.action == "putObject" and placed.arguments.get("IfNoneMatch") != "*":
        yield _finding(workflow, placed.where, "overwrite", "objects of the lake are written once, this could "
                       "write over another", 'add "IfNoneMatch": "*"')  # fmt: skip


def _unknown_job(definition: Definition, workflow: Workflow, placed: PlacedCall) -> Iterator[Finding]:
    job = static(placed.arguments or {}, "JobName")
    if placed.call.service == "glue" and job is not None and job not in definition.tasks:
        yield _finding(workflow, f"{placed.where}.JobName", "unknown-task", f"there is no task {job!r} to run as a job",
                       f"run one of {', '.join(definition.tasks) or 'the tasks, once there are any'}")  # fmt: skip


def _unusable_grants(workflow: Workflow) -> Iterator[Finding]:
    for grant in workflow.may:
        if not _is_usable(grant):
            noun = grant.kind.value.replace("_", " ")
            yield Finding(workflow.place, "useless-grant", f"workflow {workflow.name!r} may {grant.action} {noun} "
                          f"{grant.resource!r}, which no state can do", "give it to the task that does it")  # fmt: skip


def _is_usable(grant: Grant) -> bool:
    return (grant.kind, grant.action) in _USABLE


def _finding(workflow: Workflow, where: str, code: str, message: str, hint: str) -> Finding:
    return Finding(f"{workflow.place} ({workflow.name} {where})", code, message, hint)


_USABLE = {(one.kind, one.grant) for one in OPERATIONS if one.kind is not None} | {(Kind.LAKE, "quarantine")}
