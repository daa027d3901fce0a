"""What of a workflow's document cannot be put into an account as it is, each with its place in the document."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.deploy.json_text import Path, shown
from penstock.deploy.kit import has_bucket
from penstock.deploy.named_places import BUCKET, DATABASE, FUNCTION, JOB, WORKGROUP, Named, named_places
from penstock.deploy.service_calls import calls
from penstock.errors import Finding
from penstock.model.access import Kind
from penstock.model.integrations import LAKE_BUCKET
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

_WORDS: dict[str, str] = {
    FUNCTION: "a task's function",
    JOB: "a job",
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
        if one.kind == JOB:
            if not one.is_known(definition):
                yield _no_job(workflow, one)
        elif one.name is None:
            yield _computed(workflow, one)
        elif one.kind != FUNCTION and not one.is_known(definition):
            yield _unknown(definition, workflow, one)


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
        BUCKET: [LAKE_BUCKET] if has_bucket(definition) else [],
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


def _no_job(workflow: Workflow, named: Named) -> Finding:
    """A task is a function unless it was chosen for a job: one for Spark is no place for a small task.

    https://docs.aws.amazon.com/glue/latest/dg/add-job.html
    """
    return _finding(
        workflow,
        named.path[:-2] if named.path[-1:] in {("JobName",), ("JobName.$",)} else named.path[:-1],
        "no-glue-job",
        f"starts a Glue job: tasks are Lambda functions, and {named.name or 'what it computes'!r} is no job beside",
        'call the task by "arn:aws:states:::lambda:invoke"; or let it be a job too: `pipeline.aws(jobs=["…"])`',
    )


def _finding(workflow: Workflow, path: Path, code: str, message: str, hint: str) -> Finding:
    return Finding(workflow.place, code, f"workflow {workflow.name!r}: {shown(path)} {message}", hint)
