"""Triggers: a new object in the lake is an event, and a rule on it starts a workflow.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
"""

from __future__ import annotations

import json

from penstock.deploy.hcl import Block, Expression, identifier, json_of, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, long_role_name, machine_address, named
from penstock.deploy.policy import Statement, role
from penstock.errors import Finding
from penstock.lake.inbox_keys import inbox_prefix
from penstock.model.pipeline import Definition
from penstock.model.workflow import EventTrigger, InboxTrigger, ObjectTrigger

RETRIES = 8
AGE_SECONDS = 86_400
Trigger = ObjectTrigger | EventTrigger | InboxTrigger


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns rules, their targets and roles."""
    definition = site.definition
    made, access = [], []
    for trigger in _on_objects(definition):
        made += _rule(definition, trigger)
        access += starting_role(definition, trigger)
    return {"workflow": made, "access": access}


def limits(definition: Definition) -> list[Finding]:
    """Returns what IAM would refuse."""
    return long_role_name((one.place, role_name(definition, one)) for one in _on_objects(definition))


def role_name(definition: Definition, trigger: Trigger) -> str:
    """Returns the name of a trigger's role, without the deployment's prefix."""
    return f"{definition.name}-{trigger.name}-trigger"


def _on_objects(definition: Definition) -> list[ObjectTrigger | InboxTrigger]:
    return [*definition.triggers.values(), *definition.inbox_triggers.values()]


def _rule(definition: Definition, trigger: ObjectTrigger | InboxTrigger) -> list[Block]:
    name = identifier(trigger.name)
    if isinstance(trigger, InboxTrigger):
        kind, watched, prefix = "inbox", trigger.inbox, inbox_prefix(trigger.inbox)
    else:
        kind, watched, prefix = "table", trigger.table, f"raw/{trigger.table}/"
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [Expression("aws_s3_bucket.lake.id")]},
            "object": {"key": [{"prefix": prefix}]},
        },
    }
    # The same input as on the machine.
    template = f'{{"{kind}": {json.dumps(watched)}, "key": <key>, "size": <size>}}'
    return [
        resource(
            "aws_cloudwatch_event_rule",
            name,
            {"name": named(f"{definition.name}-{trigger.name}"), "event_pattern": json_of(pattern)},
            comment=f"Trigger {trigger.name}: a new object in {watched} starts workflow {trigger.workflow}.",
        ),
        target(
            trigger,
            nested(
                "input_transformer",
                {
                    "input_paths": {"key": "$.detail.object.key", "size": "$.detail.object.size"},
                    "input_template": template,
                },
            ),
        ),
    ]


def target(trigger: Trigger, *inputs: Block, bus: Expression | None = None) -> Block:
    """Returns what a trigger's rule does: it starts the workflow, tries again, and keeps what it could not start.

    Args:
        inputs: what becomes of the event on its way.
        bus: the name of the rule's bus; the default one when absent.
    """
    name = identifier(trigger.name)
    return resource(
        "aws_cloudwatch_event_target",
        name,
        {
            "rule": Expression(f"aws_cloudwatch_event_rule.{name}.name"),
            "event_bus_name": bus,
            "target_id": "workflow",
            "arn": Expression(f"{machine_address(trigger.workflow)}.arn"),
            "role_arn": Expression(f"aws_iam_role.trigger_{name}.arn"),
        },
        *inputs,
        nested("retry_policy", {"maximum_retry_attempts": RETRIES, "maximum_event_age_in_seconds": AGE_SECONDS}),
        nested("dead_letter_config", {"arn": Expression("aws_sqs_queue.dead_letters.arn")}),
    )


def starting_role(definition: Definition, trigger: Trigger) -> list[Block]:
    """Returns the role in which a trigger's rule starts its workflow."""
    start = Statement(
        sid="StartWorkflow",
        actions=("states:StartExecution",),
        resources=(Expression(f"{machine_address(trigger.workflow)}.arn"),),
    )
    return role(
        f"trigger_{identifier(trigger.name)}",
        named(role_name(definition, trigger)),
        "events.amazonaws.com",
        [start],
        comment=f"What trigger {trigger.name} may do: start its workflow.",
    )


CAPABILITY = Capability(
    name="trigger",
    purpose="Starts a workflow for every new object, tries again, and keeps what it could not start",
    blocks=blocks,
    limits=limits,
)
