"""Workflows: Step Functions state machines. https://docs.aws.amazon.com/step-functions/latest/dg/"""

from __future__ import annotations

from penstock.deploy.access import DELIVER_LOGS, SAMPLED_TRACES
from penstock.deploy.documents import called_by_arn, invoked_tasks
from penstock.deploy.hcl import Block, Expression, Template, identifier, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, function_address, long_role_name, named
from penstock.deploy.policy import Statement, role
from penstock.deploy.resources.task import log_group
from penstock.errors import Finding
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DEFINITION_LIMIT_BYTES = 1024 * 1024


def asl_path(workflow: str) -> str:
    """Returns where a workflow's document is, beside the Terraform files."""
    return f"workflows/{workflow}.asl.json"


def physical_name(definition: Definition, workflow: str) -> str:
    """Returns a state machine's name, without the deployment's prefix."""
    return workflow if workflow == definition.name else f"{definition.name}-{workflow}"


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
    long = long_role_name((w.place, f"{physical_name(definition, w.name)}-workflow") for w in workflows)
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
    return [*long, *bound] + [
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
    # The document is the one that ran on the machine; only functions of a prefixed deployment have other names.
    text = f'file("${{path.module}}/{asl_path(workflow.name)}")'
    own = f'"/(\\"FunctionName\\"\\\\s*:\\\\s*\\"){definition.name}-/"'
    prefixed = f'"$${{1}}${{local.prefix}}{definition.name}-"'
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
                "name": named(physical_name(definition, workflow.name)),
                "role_arn": Expression(f"aws_iam_role.workflow_{name}.arn"),
                "definition": Expression(f"replace({text}, {own}, {prefixed})"),
                # Logs cannot be set up before the role may do it.
                "depends_on": [Expression(f"aws_iam_role_policy.workflow_{name}")],
            },
            nested("logging_configuration", logged),
            *([nested("tracing_configuration", {"enabled": True})] if definition.deployment.tracing else []),
            comment=f"Workflow {workflow.name}.",
        ),
        log_group(
            f"workflow_{name}", f"/aws/vendedlogs/states/${{local.prefix}}{physical_name(definition, workflow.name)}"
        ),
    ]


def _role(definition: Definition, workflow: Workflow) -> list[Block]:
    name = identifier(workflow.name)
    functions = [Expression(f"{function_address(task)}.arn") for task in invoked_tasks(definition, workflow)]
    invoke = Statement(sid="InvokeTasks", actions=("lambda:InvokeFunction",), resources=tuple(functions))
    statements = [invoke] if functions else []
    statements.append(DELIVER_LOGS)
    if definition.deployment.tracing:
        statements.append(SAMPLED_TRACES)
    return role(
        f"workflow_{name}",
        named(f"{physical_name(definition, workflow.name)}-workflow"),
        "states.amazonaws.com",
        statements,
        comment=f"What workflow {workflow.name} may do: call its own tasks, and write its log.",
    )


CAPABILITY = Capability(
    name="workflow",
    purpose="State machines: the same documents as on the machine, with their logs",
    blocks=blocks,
    limits=limits,
)
