"""Workflows: Step Functions state machines. https://docs.aws.amazon.com/step-functions/latest/dg/"""

from __future__ import annotations

from penstock.deploy.access import DELIVER_LOGS, SAMPLED_TRACES
from penstock.deploy.documents import called_by_arn, deployed
from penstock.deploy.hcl import Block, Call, Expression, Template, identifier, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, long_role_name, machine_name, named
from penstock.deploy.policy import role
from penstock.deploy.resources.task import log_group
from penstock.deploy.undeployable import undeployable
from penstock.deploy.workflow_access import workflow_statements
from penstock.errors import Finding
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DEFINITION_LIMIT_BYTES = 1024 * 1024


def asl_path(workflow: str) -> str:
    """Returns where a workflow's document is, beside the Terraform files."""
    return f"workflows/{workflow}.asl.json"


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns state machines, their logs and roles."""
    definition = site.definition
    made, access = [], []
    for workflow in definition.workflows.values():
        made += _machine(definition, workflow)
        access += _role(definition, workflow)
    return {"workflow": made, "access": access}


def limits(definition: Definition) -> list[Finding]:
    """Returns what Step Functions and IAM would refuse, and what is bound to one deployment."""
    workflows = definition.workflows.values()
    long = long_role_name((w.place, f"{machine_name(definition, w.name)}-workflow") for w in workflows)
    bound = [
        Finding(
            workflow.place,
            "function-by-arn",
            f"workflow {workflow.name!r} calls {arn}, whatever the account, the region and `name_prefix` are",
            f"write the function's name: {arn.rpartition(':function:')[2]}",
        )
        for workflow in workflows
        if len(workflow.definition) <= DEFINITION_LIMIT_BYTES
        for arn in called_by_arn(workflow)
    ]
    unnamed = [
        finding
        for workflow in workflows
        if len(workflow.definition) <= DEFINITION_LIMIT_BYTES
        for finding in undeployable(definition, workflow)
    ]
    return [*long, *bound, *unnamed] + [
        Finding(
            workflow.place,
            "workflow-too-long",
            f"workflow {workflow.name!r} has {len(workflow.definition)} bytes",
            f"Step Functions takes {DEFINITION_LIMIT_BYTES}: start one workflow from another",
        )
        for workflow in workflows
        if len(workflow.definition) > DEFINITION_LIMIT_BYTES
    ]


def _machine(definition: Definition, workflow: Workflow) -> list[Block]:
    name = identifier(workflow.name)
    # The document is the one that ran on the machine; what it names has other names here.
    template = (Template(f"${{path.module}}/{asl_path(workflow.name)}"), deployed(definition, workflow).values)
    logged = {
        "log_destination": Template(f"${{aws_cloudwatch_log_group.workflow_{name}.arn}}:*"),
        "include_execution_data": Expression("var.log_execution_data"),
        "level": Expression("var.workflow_log_level"),
    }
    return [
        resource(
            "aws_sfn_state_machine",
            name,
            {
                "name": named(machine_name(definition, workflow.name)),
                "role_arn": Expression(f"aws_iam_role.workflow_{name}.arn"),
                "definition": Call("templatefile", template),
                # Logs cannot be set up before the role may do it.
                "depends_on": [Expression(f"aws_iam_role_policy.workflow_{name}")],
            },
            nested("logging_configuration", logged),
            *([nested("tracing_configuration", {"enabled": True})] if definition.deployment.tracing else []),
            comment=f"Workflow {workflow.name}.",
        ),
        log_group(
            f"workflow_{name}", f"/aws/vendedlogs/states/${{local.prefix}}{machine_name(definition, workflow.name)}"
        ),
    ]


def _role(definition: Definition, workflow: Workflow) -> list[Block]:
    name = identifier(workflow.name)
    statements = [*workflow_statements(definition, workflow), DELIVER_LOGS]
    if definition.deployment.tracing:
        statements.append(SAMPLED_TRACES)
    return role(
        f"workflow_{name}",
        named(f"{machine_name(definition, workflow.name)}-workflow"),
        "states.amazonaws.com",
        statements,
        comment=f"What workflow {workflow.name} may do: call its own tasks{_granted(workflow)}, and write its log.",
    )


def _granted(workflow: Workflow) -> str:
    return ", do what its may= says" if workflow.may else ""


CAPABILITY = Capability(
    name="workflow",
    purpose="State machines: the same documents as on the machine, with their logs",
    blocks=blocks,
    limits=limits,
)
