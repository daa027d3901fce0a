"""Warehouses: PostgreSQL or MySQL in Amazon RDS, one database each; and the function by which a release upgrades them.

Tasks log in by IAM, so that none has a password; the owner's is made and kept by RDS, and is in no state of Terraform.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.deploy.functions import upgrading_task
from penstock.deploy.hcl import Block, Expression, Template, identifier, json_of, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, function_address, named, sid
from penstock.deploy.policy import Statement
from penstock.deploy.resources.warehouse_network import DATABASE, IF_UPGRADES, PORTS, SUBNETS, joins
from penstock.errors import Finding
from penstock.model.access import Grant, Kind, WarehouseAction
from penstock.model.deployment import UPGRADING_FUNCTION
from penstock.model.pipeline import Definition
from penstock.model.task import Task
from penstock.model.warehouses import Warehouse

OWNER = "penstock"
BACKUP_DAYS = 7
# The disk grows by itself, up to this many times what it begins with.
GROWTH = 5
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html, less what name_prefix may have
NAME_LIMIT = 63 - 16
# Tasks in the network would wait in vain for these.
OUTSIDE = {Kind.TOPIC: "topics", Kind.QUEUE: "queues", Kind.EVENT_BUS: "event buses"}


class Engine(msgspec.Struct, frozen=True):
    """A server as RDS has it; it upgrades to the newest minor version by itself.

    Attributes:
        family: of its parameters.
        only_over_tls: the parameter by which it refuses what does not come over TLS.
        logs: what it writes into CloudWatch.
    """

    name: str
    version: str
    family: str
    only_over_tls: str
    logs: tuple[str, ...]


# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html
ENGINES = {
    "postgresql": Engine("postgres", "16", "postgres16", "rds.force_ssl", ("postgresql", "upgrade")),
    "mysql": Engine("mysql", "8.4", "mysql8.4", "require_secure_transport", ("error", "slowquery")),
}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the databases, and the call by which a release upgrades them."""
    definition = site.definition
    if not definition.warehouses:
        return {}
    made = [*_shared(definition)]
    for warehouse in definition.warehouses.values():
        made += _database(definition, warehouse)
    return {"storage": made, "compute": [_upgrade(definition)]}


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on warehouses mean in IAM: to log in as one user. What that user may do, the database says.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
    """
    return [
        Statement(
            sid=sid("log in to", name),
            actions=("rds-db:connect",),
            resources=(
                Template(
                    "arn:${local.partition}:rds-db:${local.region}:${local.account}:dbuser:"
                    f"${{{_address(name)}.resource_id}}/{user}"
                ),
            ),
        )
        for name, user in users_of(definition, grants).items()
    ]


def upgrading_statements(definition: Definition) -> list[Statement]:
    """Returns what the function that upgrades needs: the passwords of the databases' owners."""
    secrets = tuple(Expression(_secret(name)) for name in definition.warehouses)
    return [Statement(sid="ReadOwnersPasswords", actions=("secretsmanager:GetSecretValue",), resources=secrets)]


def places(definition: Definition, task: Task) -> dict[str, Any]:
    """Returns where the warehouses of a function are, by name, as its environment has it; nothing where it has none."""
    if task == upgrading_task(definition):
        warehouses = definition.warehouses
        return {name: {**_place(definition, name), "secret": Expression(_secret(name))} for name in warehouses}
    users = users_of(definition, task.grants)
    return {name: {**_place(definition, name), "username": user} for name, user in users.items()}


def limits(definition: Definition) -> list[Finding]:
    """Returns what cannot be deployed."""
    place, chosen = f"pipeline {definition.name}", definition.deployment
    found: list[Finding] = []
    if not definition.warehouses:
        return found
    if chosen.vpc:
        message = "a warehouse has a network of its own, and vpc=True asks for another"
        found.append(Finding(place, "two-networks", message, "leave vpc= out: tasks with a warehouse join its network"))
    found += [one for warehouse in definition.warehouses.values() for one in _name(definition, warehouse)]
    return found + [one for task in definition.tasks.values() for one in _task(task)]


def _name(definition: Definition, warehouse: Warehouse) -> list[Finding]:
    name = _instance_name(definition, warehouse.name)
    if len(name) <= NAME_LIMIT:
        return []
    message = f"the database would be called {name!r}, which has {len(name)} characters; {NAME_LIMIT} are possible"
    return [Finding(warehouse.place, "name-too-long", message, "choose a shorter name")]


def _task(task: Task) -> list[Finding]:
    found = []
    if task.name == UPGRADING_FUNCTION:
        message = f"task {task.name!r} has the name of the function that upgrades warehouses"
        found.append(Finding(task.place, "task-name", message, "rename the task"))
    beyond = [what for kind, what in OUTSIDE.items() if any(grant.kind is kind for grant in task.grants)]
    if joins(task) and beyond:
        message = (
            f"task {task.name!r} is in its warehouse's network, from which {' and '.join(beyond)} cannot be reached"
        )
        hint = "let another task of the workflow do that, or a state of its own"
        found.append(Finding(task.place, "no-way-out", message, hint))
    return found


def users_of(definition: Definition, grants: Sequence[Grant]) -> dict[str, str]:
    """Returns as whom a task logs in to each of its warehouses; who writes can read as well."""
    mine = [grant for grant in sorted(grants) if grant.kind is Kind.WAREHOUSE]
    writes = {grant.resource for grant in mine if grant.action == WarehouseAction.WRITE}
    named_once = dict.fromkeys(grant.resource for grant in mine)
    warehouses = {name: definition.warehouses[name] for name in named_once}
    return {name: one.writing_user if name in writes else one.reading_user for name, one in warehouses.items()}


def _address(warehouse: str) -> str:
    return f"aws_db_instance.{identifier(warehouse)}"


def _secret(warehouse: str) -> str:
    return f"{_address(warehouse)}.master_user_secret[0].secret_arn"


def _place(definition: Definition, warehouse: str) -> dict[str, Any]:
    address = _address(warehouse)
    return {
        "server": definition.deployment.database,
        "host": Expression(f"{address}.address"),
        "port": Expression(f"{address}.port"),
        "database": Expression(f"{address}.db_name"),
    }


def _instance_name(definition: Definition, warehouse: str) -> str:
    return f"{definition.name}-{warehouse}".replace("_", "-")


def _shared(definition: Definition) -> list[Block]:
    name = named(f"{definition.name}-warehouse")
    engine = ENGINES[definition.deployment.database]
    parameters = {"name": name, "family": engine.family}
    only_over_tls = nested("parameter", {"name": engine.only_over_tls, "value": "1"})
    return [
        resource("aws_db_subnet_group", "warehouse", {"name": name, "subnet_ids": SUBNETS}),
        resource("aws_db_parameter_group", "warehouse", parameters, only_over_tls),
    ]


def _database(definition: Definition, warehouse: Warehouse) -> list[Block]:
    name, chosen = _instance_name(definition, warehouse.name), definition.deployment
    engine = ENGINES[chosen.database]
    groups = [
        resource(
            "aws_cloudwatch_log_group",
            f"database_{identifier(warehouse.name)}_{log}",
            {
                "name": Template(f"/aws/rds/instance/${{local.prefix}}{name}/{log}"),
                "retention_in_days": Expression("var.log_retention_days"),
            },
        )
        for log in engine.logs
    ]
    body: dict[str, Any] = {
        "identifier": named(name),
        "engine": engine.name,
        "engine_version": engine.version,
        "auto_minor_version_upgrade": True,
        "instance_class": chosen.database_class,
        "storage_type": "gp3",
        "storage_encrypted": True,
        "allocated_storage": chosen.database_storage_gb,
        "max_allocated_storage": min(chosen.database_storage_gb * GROWTH, 65_536),
        "db_name": warehouse.name,
        "port": PORTS[chosen.database],
        "username": OWNER,
        "manage_master_user_password": True,
        "iam_database_authentication_enabled": True,
        "parameter_group_name": Expression("aws_db_parameter_group.warehouse.name"),
        "db_subnet_group_name": Expression("aws_db_subnet_group.warehouse.name"),
        "vpc_security_group_ids": [Expression(DATABASE)],
        "publicly_accessible": False,
        "multi_az": False,
        "backup_retention_period": BACKUP_DAYS,
        "copy_tags_to_snapshot": True,
        "enabled_cloudwatch_logs_exports": list(engine.logs),
        "deletion_protection": Expression("!var.delete_data_on_destroy"),
        "skip_final_snapshot": Expression("var.delete_data_on_destroy"),
        "final_snapshot_identifier": named(f"{name}-final"),
        "depends_on": [Expression(group.address) for group in groups],
    }
    comment = f"Warehouse {warehouse.name}. Its owner's password is made, kept and changed by RDS."
    return [*groups, resource("aws_db_instance", identifier(warehouse.name), body, comment=comment)]


def _upgrade(definition: Definition) -> Block:
    function = function_address(UPGRADING_FUNCTION)
    triggers = {"code": Expression(f"{function}.source_code_hash")}
    triggers |= {name: Expression(f"{_address(name)}.resource_id") for name in definition.warehouses}
    body = {
        "count": IF_UPGRADES,
        "function_name": Expression(f"{function}.function_name"),
        "input": json_of({}),
        "triggers": triggers,
        # Before these are there, the function would wait in vain.
        "depends_on": [
            Expression(f"aws_{kind}.warehouse_{name}")
            for kind, name in (
                ("vpc_endpoint", "secrets"),
                ("route_table_association", "1"),
                ("route_table_association", "2"),
                ("vpc_security_group_egress_rule", "upgrade_to_database"),
                ("vpc_security_group_ingress_rule", "upgrade_to_database"),
                ("vpc_security_group_egress_rule", "upgrade_to_secrets"),
                ("vpc_security_group_ingress_rule", "upgrade_to_secrets"),
            )
        ],
    }
    comment = "Brings tables, views and users up to date, whenever the code or the database is another one."
    return resource("aws_lambda_invocation", "warehouse_upgrade", body, comment=comment)


CAPABILITY = Capability(
    name="warehouse",
    purpose="Relational tables for people and their tools",
    blocks=blocks,
    statements=statements,
    limits=limits,
)
