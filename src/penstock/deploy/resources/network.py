"""A network for functions, where data may not cross public addresses: endpoints, and no way out but them.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
"""

from __future__ import annotations

from penstock.deploy.hcl import Block, Expression, Template, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, named
from penstock.model.access import Kind
from penstock.model.pipeline import Definition

# Gateways cost nothing; an interface costs about $7 a month in each zone.
GATEWAYS = {Kind.LAKE: "s3", Kind.HOT_TABLE: "dynamodb"}
# https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
INTERFACES = {Kind.TOPIC: "sns", Kind.QUEUE: "sqs", Kind.EVENT_BUS: "events"}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the security group and the endpoints that the grants need."""
    definition = site.definition
    if not definition.deployment.vpc:
        return {}
    granted = {grant.kind for task in definition.tasks.values() for grant in task.grants}
    made = [_group(definition)]
    made += [_gateway(service) for kind, service in GATEWAYS.items() if kind in granted]
    made += [_interface(service) for kind, service in INTERFACES.items() if kind in granted]
    return {"network": made}


def _group(definition: Definition) -> Block:
    return resource(
        "aws_security_group",
        "tasks",
        {
            "name": named(f"{definition.name}-tasks"),
            "description": "Tasks may speak TLS to endpoints; nobody may speak to them",
            "vpc_id": Expression("var.vpc_id"),
        },
        nested(
            "egress",
            {
                "description": "TLS",
                "from_port": 443,
                "to_port": 443,
                "protocol": "tcp",
                "cidr_blocks": ["0.0.0.0/0"],
            },
        ),
        nested(
            "ingress",
            {
                "description": "Endpoints answer tasks",
                "from_port": 443,
                "to_port": 443,
                "protocol": "tcp",
                "self": True,
            },
        ),
    )


def _gateway(service: str) -> Block:
    return resource(
        "aws_vpc_endpoint",
        service,
        {
            "vpc_id": Expression("var.vpc_id"),
            "service_name": Template(f"com.amazonaws.${{local.region}}.{service}"),
            "vpc_endpoint_type": "Gateway",
            "route_table_ids": Expression("var.route_table_ids"),
        },
    )


def _interface(service: str) -> Block:
    return resource(
        "aws_vpc_endpoint",
        service,
        {
            "vpc_id": Expression("var.vpc_id"),
            "service_name": Template(f"com.amazonaws.${{local.region}}.{service}"),
            "vpc_endpoint_type": "Interface",
            "private_dns_enabled": True,
            "subnet_ids": Expression("var.subnet_ids"),
            "security_group_ids": [Expression("aws_security_group.tasks.id")],
        },
    )


CAPABILITY = Capability(
    name="network",
    purpose="Keeps traffic of functions inside a network of the user's",
    blocks=blocks,
)
