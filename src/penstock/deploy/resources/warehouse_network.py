"""The network that a warehouse is in: two private subnets, and no way out of them but to the services that tasks need.

There is neither an internet gateway nor a NAT gateway, which costs more than the database.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
"""

from __future__ import annotations

from typing import Any

from penstock.deploy.hcl import Block, Expression, Template, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, named, on_instance
from penstock.model.access import Kind
from penstock.model.pipeline import Definition
from penstock.model.task import Task

NETWORK = Expression("aws_vpc.warehouse.id")
SUBNETS = [Expression(f"aws_subnet.warehouse_{number}.id") for number in (1, 2)]
TASKS = "aws_security_group.warehouse_tasks.id"
UPGRADE = "aws_security_group.warehouse_upgrade.id"
DATABASE = "aws_security_group.warehouse_database.id"
ENDPOINTS = "aws_security_group.warehouse_endpoints.id"
# Gateways cost nothing. https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
GATEWAYS = {Kind.HOT_TABLE: "dynamodb"}
ALWAYS = "s3"
TLS_PORT = 443
PORTS = {"postgresql": 5432, "mysql": 3306}
IF_UPGRADES = Expression("var.warehouse_upgrades ? 1 : 0")


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the network, its endpoints, and who may speak to whom."""
    definition = site.definition
    if not definition.warehouses:
        return {}
    return {"network": [*_network(definition), *_groups(definition), *_endpoints(definition), *_rules(definition)]}


def joins(task: Task) -> bool:
    """Tells whether a task is in the network: whoever may use a warehouse is."""
    return any(grant.kind is Kind.WAREHOUSE for grant in task.grants)


def configuration(group: str) -> Block:
    """Returns what puts a function into the network, in a security group."""
    return nested("vpc_config", {"subnet_ids": SUBNETS, "security_group_ids": [Expression(group)]})


def _network(definition: Definition) -> list[Block]:
    zones = Block(
        "data", ("aws_availability_zones", "available"), {"state": "available"},
        (nested("filter", {"name": "opt-in-status", "values": ["opt-in-not-required"]}),),
    )  # fmt: skip
    name = {"Name": named(f"{definition.name}-warehouse")}
    network = resource(
        "aws_vpc",
        "warehouse",
        {
            "cidr_block": Expression("var.network_cidr"),
            "enable_dns_support": True,
            "enable_dns_hostnames": True,
            "tags": name,
        },
        comment="Where the database is, and the tasks that use it: nothing comes in, and nothing goes out.",
    )
    closed = resource(
        "aws_default_security_group", "warehouse", {"vpc_id": NETWORK},
        comment="Nobody uses the group that comes with a network: it allows nothing.",
    )  # fmt: skip
    table = resource("aws_route_table", "warehouse", {"vpc_id": NETWORK, "tags": name})
    return [zones, network, closed, table, *(block for number in (1, 2) for block in _subnet(number, name))]


def _subnet(number: int, tags: dict[str, Template]) -> list[Block]:
    subnet = {
        "vpc_id": NETWORK,
        "cidr_block": Expression(f"cidrsubnet(var.network_cidr, 1, {number - 1})"),
        "availability_zone": Expression(f"data.aws_availability_zones.available.names[{number - 1}]"),
        "map_public_ip_on_launch": False,
        "tags": tags,
    }
    association = {
        "subnet_id": Expression(f"aws_subnet.warehouse_{number}.id"),
        "route_table_id": Expression("aws_route_table.warehouse.id"),
    }
    # A zone that is new in the region must not move a network that has a database in it.
    stays = nested("lifecycle", {"ignore_changes": [Expression("availability_zone")]})
    return [
        resource("aws_subnet", f"warehouse_{number}", subnet, stays),
        resource("aws_route_table_association", f"warehouse_{number}", association),
    ]


def _groups(definition: Definition) -> list[Block]:
    what = {
        "tasks": "Tasks speak to the database, and by gateways to S3 and DynamoDB",
        "upgrade": "The function that upgrades speaks to the database and to Secrets Manager",
        "database": "The database is spoken to by tasks and by the function that upgrades",
        "endpoints": "Secrets Manager is spoken to by the function that upgrades",
    }
    return [
        resource(
            "aws_security_group",
            f"warehouse_{name}",
            {
                "name": named(f"{definition.name}-warehouse-{name}"),
                "description": description,
                "vpc_id": NETWORK,
            },
        )
        for name, description in what.items()
    ]


def _endpoints(definition: Definition) -> list[Block]:
    made = [_gateway(service) for service in gateways(definition)]
    interface = {
        "count": IF_UPGRADES,
        "vpc_id": NETWORK,
        "service_name": Template("com.amazonaws.${local.region}.secretsmanager"),
        "vpc_endpoint_type": "Interface",
        "private_dns_enabled": True,
        # In one zone: it is used while a release is deployed.
        "subnet_ids": SUBNETS[:1],
        "security_group_ids": [Expression(ENDPOINTS)],
    }
    comment = (
        "By it the function that upgrades reads the owner's password: 7.30 a month, while warehouse_upgrades is true."
    )
    return [*made, resource("aws_vpc_endpoint", "warehouse_secrets", interface, comment=comment)]


def gateways(definition: Definition) -> list[str]:
    """Returns the services that are reached by gateways, which cost nothing."""
    inside = [task for task in definition.tasks.values() if joins(task) or on_instance(definition)]
    granted = {grant.kind for task in inside for grant in task.grants}
    return [ALWAYS, *(service for kind, service in GATEWAYS.items() if kind in granted)]


def _gateway(service: str) -> Block:
    body = {
        "vpc_id": NETWORK,
        "service_name": Template(f"com.amazonaws.${{local.region}}.{service}"),
        "vpc_endpoint_type": "Gateway",
        "route_table_ids": [Expression("aws_route_table.warehouse.id")],
    }
    return resource("aws_vpc_endpoint", f"warehouse_{service}", body)


def _rules(definition: Definition) -> list[Block]:
    made: list[Block] = []
    database_port = PORTS[definition.deployment.database]
    for name, group, other, port in (
        ("tasks_to_database", TASKS, DATABASE, database_port),
        ("upgrade_to_database", UPGRADE, DATABASE, database_port),
        ("upgrade_to_secrets", UPGRADE, ENDPOINTS, TLS_PORT),
    ):
        made.append(rule("egress", name, group, port, {"referenced_security_group_id": Expression(other)}))
        made.append(rule("ingress", name, other, port, {"referenced_security_group_id": Expression(group)}))
    for service in gateways(definition):
        target = {"prefix_list_id": Expression(f"aws_vpc_endpoint.warehouse_{service}.prefix_list_id")}
        made.append(rule("egress", f"tasks_to_{service}", TASKS, TLS_PORT, target))
    return made


def rule(direction: str, name: str, group: str, port: int, other: dict[str, Any], prefix: str = "warehouse_") -> Block:
    """Returns a rule of a security group: who is spoken to, or speaks, on a port."""
    body = {
        "security_group_id": Expression(group),
        **other,
        "ip_protocol": "tcp",
        "from_port": port,
        "to_port": port,
        "description": name.replace("_", " "),
    }
    return resource(f"aws_vpc_security_group_{direction}_rule", f"{prefix}{name}", body)


CAPABILITY = Capability(
    name="warehouse_network",
    purpose="Keeps a database, and the tasks that use it, where nobody else can reach them",
    blocks=blocks,
)
