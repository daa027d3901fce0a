"""Event buses: EventBridge, and rules that start workflows.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus.html
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.deploy.hcl import Block, Expression, identifier, json_of, resource
from penstock.deploy.kit import Capability, Concern, Site, bus_address, long_role_name, named, sid
from penstock.deploy.policy import Statement
from penstock.deploy.resources.trigger import role_name, starting_role, target
from penstock.errors import Finding
from penstock.model.access import Grant
from penstock.model.pipeline import Definition
from penstock.model.workflow import EventTrigger


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns buses; rules on their events, with their targets and roles."""
    definition = site.definition
    made = [
        resource(
            "aws_cloudwatch_event_bus", identifier(bus.name), {"name": named(bus.name)}, comment=f"Bus {bus.name}."
        )
        for bus in definition.event_buses.values()
    ]
    access: list[Block] = []
    for trigger in definition.event_triggers.values():
        made += _rule(definition, trigger)
        access += starting_role(definition, trigger)
    return {"workflow": made, "access": access}


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on buses mean.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
    """
    return [
        Statement(
            # A hot table of that name is put into as well.
            sid=sid(grant.action, grant.kind, grant.resource),
            actions=("events:PutEvents",),
            resources=(Expression(f"{bus_address(grant.resource)}.arn"),),
        )
        for grant in grants
    ]


def limits(definition: Definition) -> list[Finding]:
    """Returns what IAM would refuse; rules have the same limit."""
    return long_role_name((one.place, role_name(definition, one)) for one in definition.event_triggers.values())


def _rule(definition: Definition, trigger: EventTrigger) -> list[Block]:
    pattern = {"source": list(trigger.source), "detail-type": list(trigger.detail_type)}
    bus = Expression(f"{bus_address(trigger.bus)}.name")
    return [
        resource(
            "aws_cloudwatch_event_rule",
            identifier(trigger.name),
            {
                "name": named(f"{definition.name}-{trigger.name}"),
                "event_bus_name": bus,
                "event_pattern": json_of({name: values for name, values in pattern.items() if values}),
            },
            comment=f"Trigger {trigger.name}: an event on bus {trigger.bus} starts workflow {trigger.workflow}.",
        ),
        target(trigger, bus=bus),
    ]


CAPABILITY = Capability(
    name="event_bus",
    purpose="Starts workflows by events, tries again, and keeps what it could not start",
    blocks=blocks,
    statements=statements,
    limits=limits,
)
