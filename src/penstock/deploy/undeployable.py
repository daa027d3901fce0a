"""What of a workflow's document cannot be put into an account as it is, each with its place in the document."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.deploy.json_text import Path, shown
from penstock.deploy.named_places import BUCKET, DATABASE, FUNCTION, WORKGROUP, Named, named_places
from penstock.deploy.service_calls import Called, calls
from penstock.errors import Finding
from penstock.model.access import Kind
from penstock.model.integrations import LAKE_BUCKET
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

_WORDS: dict[str, str] = {
    FUNCTION: "a task's function",
    BUCKET: "the bucket",
    WORKGROUP: "the workgroup",
    DATABASE: "the database",
    Kind.HOT_TABLE: "a hot table",
    Kind.TOPIC: "a topic",
    Kind.QUEUE: "a queue",
    Kind.EVENT_BUS: "an event bus",
    Kind.WORKFLOW: "a workflow",
}


def undeployable(definition: Definition, workflow: Workflow) -> Iterator[Finding]:
    """Yields the names of a document that have none in an account, and the calls that nothing there could answer."""
    called = calls(workflow)
    for one in named_places(called):
        if one.name is None:
            yield _computed(workflow, one)
        elif one.kind != FUNCTION and not one.is_known(definition):
            yield _unknown(definition, workflow, one)
    yield from (_glue(workflow, one) for one in called if one.call.service == "glue")


def _computed(workflow: Workflow, named: Named) -> Finding:
    what = _WORDS[named.kind]
    return _finding(
        workflow,
        named.path,
        "computed-name",
        f"is to name {what}, and is computed as the workflow runs: it could not be a name of the account",
        "write the name there; where there are several, a Choice with a state for each",
    )


def _unknown(definition: Definition, workflow: Workflow, named: Named) -> Finding:
    known = {
        BUCKET: [LAKE_BUCKET] if definition.lake_tables else [],
        Kind.HOT_TABLE: definition.hot_tables,
        Kind.TOPIC: definition.topics,
        Kind.QUEUE: definition.queues,
        Kind.EVENT_BUS: definition.event_buses,
        Kind.WORKFLOW: definition.workflows,
    }.get(named.kind, [])
    return _finding(
        workflow,
        named.path,
        "unknown-name",
        f"names {_WORDS[named.kind]} that the pipeline does not have: {named.name!r}",
        f"it has {', '.join(known) or 'none'}",
    )


def _glue(workflow: Workflow, called: Called) -> Finding:
    """A job for scripts has Python 3.9, and none of Penstock's libraries; one for Spark is no place for a small task.

    https://docs.aws.amazon.com/glue/latest/dg/add-job-python.html
    """
    return _finding(
        workflow,
        called.path[:-1],
        "no-glue-job",
        "starts a Glue job: in AWS tasks are Lambda functions, and Glue's Python shell, at 3.9, cannot run them",
        'call the task by "arn:aws:states:::lambda:invoke"; a Map divides work of more than 15 minutes',
    )


def _finding(workflow: Workflow, path: Path, code: str, message: str, hint: str) -> Finding:
    return Finding(workflow.place, code, f"workflow {workflow.name!r}: {shown(path)} {message}", hint)
