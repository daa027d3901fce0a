"""From a workflow's document and its ``may=`` to IAM: what the role of its state machine may do.

A grant that no state uses allows nothing, and what no grant covers is not allowed, whatever the document asks for.
https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from penstock.deploy import athena_access, lake_access
from penstock.deploy.access import USE_KEY
from penstock.deploy.documents import invoked_tasks
from penstock.deploy.hcl import Expression, Template, identifier
from penstock.deploy.kit import (
    bus_address,
    function_address,
    hot_table_address,
    machine_arn,
    queue_address,
    sid,
    topic_address,
)
from penstock.deploy.policy import Statement, each_once
from penstock.deploy.service_calls import Called, calls, has_distributed_map
from penstock.model.access import Grant, Kind
from penstock.model.integrations import needs, static
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

# Step Functions learns by it that a child execution has ended.
# https://docs.aws.amazon.com/step-functions/latest/dg/stepfunctions-iam.html
CHILDREN_RULE = (
    "arn:${local.partition}:events:${local.region}:${local.account}:rule/"
    "StepFunctionsGetEventsForStepFunctionsExecutionRule"
)
ENCRYPTED = frozenset({Kind.TOPIC, Kind.QUEUE})


def workflow_statements(definition: Definition, workflow: Workflow) -> list[Statement]:
    """Returns what a workflow's states need, tasks included, action by action and resource by resource."""
    called = calls(workflow)
    functions = tuple(Expression(f"{function_address(task)}.arn") for task in invoked_tasks(definition, workflow))
    made = []
    if functions:
        made.append(Statement(sid="InvokeTasks", actions=("lambda:InvokeFunction",), resources=functions))
    grants = sorted(set(workflow.may))
    for grant in grants:
        made += _of_grant(definition, grant, called)
    made += lake_access.results(grants, called)
    made += _awaited(definition, grants, called)
    made += athena_access.statements(definition, grants, called)
    made += _jobs(definition, called)
    if has_distributed_map(workflow):
        made += _own_executions(definition, workflow)
    if definition.deployment.encryption_key and any(one.kind in ENCRYPTED and _uses(one, called) for one in grants):
        made.append(USE_KEY)
    return each_once(made)


def used_grants(definition: Definition, workflow: Workflow) -> list[Grant]:
    """Returns those of a workflow's grants that one of its states uses; the others allow nothing in an account."""
    called = calls(workflow)
    return [
        grant
        for grant in sorted(set(workflow.may))
        if [*_of_grant(definition, grant, called), *athena_access.statements(definition, [grant], called)]
    ]


def _of_grant(definition: Definition, grant: Grant, called: Sequence[Called]) -> Iterator[Statement]:
    if grant.kind is Kind.LAKE:
        yield from lake_access.statements(grant, called)
        return
    uses = _uses(grant, called)
    if not uses or grant.kind not in _RESOURCES:
        return
    actions = tuple(dict.fromkeys(_action(one) for one in uses))
    yield Statement(
        sid=sid(grant.action, grant.kind, grant.resource),
        actions=actions,
        resources=(_RESOURCES[grant.kind](definition, grant.resource),),
    )


def _uses(grant: Grant, called: Sequence[Called]) -> list[Called]:
    """Returns the calls that need a grant, or may need it: which resource they name may be computed."""
    return [
        one
        for one in called
        if one.role == "task"
        and any(need.met_by((grant,)) for need in needs(one.call, one.arguments or {}))
    ]  # fmt: skip


def _action(one: Called) -> str:
    # IAM has the optimised integrations' names of services: `states` and `events`, not `sfn` and `eventbridge`.
    service = one.call.service if one.call.operation is None else one.call.operation.service
    return f"{service}:{one.call.action[0].upper()}{one.call.action[1:]}"


def _awaited(definition: Definition, grants: Sequence[Grant], called: Sequence[Called]) -> list[Statement]:
    """What is needed for the end of the executions that a workflow starts and waits for.

    https://docs.aws.amazon.com/step-functions/latest/dg/stepfunctions-iam.html
    """
    awaited = [one for one in called if one.call.runs_to_the_end]
    workflows = [one.resource for one in grants if one.kind is Kind.WORKFLOW and _uses(one, awaited)]
    if not workflows:
        return []
    executions = [machine_arn(definition, one, "execution").text for one in workflows]
    return [
        Statement(
            sid="AwaitExecutions",
            actions=("states:DescribeExecution", "states:StopExecution"),
            resources=tuple(Template(f"{one}:*") for one in executions),
        ),
        Statement(
            sid="HearOfTheirEnd",
            actions=("events:PutTargets", "events:PutRule", "events:DescribeRule"),
            resources=(Template(CHILDREN_RULE),),
        ),
    ]


def _jobs(definition: Definition, called: Sequence[Called]) -> list[Statement]:
    """What is needed to run jobs, and to hear of their end.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
    """
    started = [one for one in called if one.call.service == "glue"]
    names = dict.fromkeys(static(one.arguments or {}, "JobName") for one in started)
    jobs = [name for name in names if name in definition.deployment.jobs]
    if not jobs:
        return []
    awaited = ("glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun")
    is_awaited = any(one.call.runs_to_the_end for one in started)
    return [
        Statement(
            sid="RunJobs",
            actions=("glue:StartJobRun", *(awaited if is_awaited else ())),
            resources=tuple(Expression(f"aws_glue_job.{identifier(name)}.arn") for name in jobs),
        )
    ]


def _own_executions(definition: Definition, workflow: Workflow) -> list[Statement]:
    """What a distributed Map needs for the executions that it starts.

    https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
    """
    executions = machine_arn(definition, workflow.name, "execution").text
    return [
        Statement(
            sid="StartItems", actions=("states:StartExecution",), resources=(machine_arn(definition, workflow.name),)
        ),
        Statement(
            sid="LookAfterItems",
            actions=("states:DescribeExecution", "states:StopExecution"),
            resources=(Template(f"{executions}:*"),),
        ),
        Statement(sid="RedriveItems", actions=("states:RedriveExecution",), resources=(Template(f"{executions}/*:*"),)),
    ]


def _arn(address: Callable[[str], str]) -> Callable[[Definition, str], Expression | Template]:
    return lambda _, name: Expression(f"{address(name)}.arn")


_RESOURCES: dict[Kind, Callable[[Definition, str], Expression | Template]] = {
    Kind.HOT_TABLE: _arn(hot_table_address),
    Kind.TOPIC: _arn(topic_address),
    Kind.QUEUE: _arn(queue_address),
    Kind.EVENT_BUS: _arn(bus_address),
    Kind.WORKFLOW: machine_arn,
}
