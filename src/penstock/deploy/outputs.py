"""Outputs of a deployment: what other commands, and people, need to find it."""

from __future__ import annotations

from typing import Any

from penstock.deploy.functions import functions
from penstock.deploy.hcl import Block, Expression, identifier
from penstock.deploy.kit import (
    bus_address,
    function_address,
    has_bucket,
    hot_table_address,
    machine_address,
    queue_address,
    topic_address,
)
from penstock.model.pipeline import Definition


def outputs(definition: Definition) -> list[Block]:
    """Returns the outputs: every physical name, by the name in the definition."""
    made = [
        _output("region", "Where it runs", Expression("local.region")),
        _output("name_prefix", "What every name begins with", Expression("local.prefix")),
        _output(
            "functions",
            "Functions, by task",
            {name: Expression(f"{function_address(name)}.function_name") for name in functions(definition)},
        ),
        _output(
            "state_machines",
            "State machines, by workflow",
            {name: Expression(f"{machine_address(name)}.arn") for name in definition.workflows},
        ),
        *_starters(definition),
        _output("dead_letters", "The queue of what failed", Expression("aws_sqs_queue.dead_letters.url")),
    ]
    if has_bucket(definition):
        made.append(_output("lake_bucket", "The lake", Expression("aws_s3_bucket.lake.id")))
    if definition.lake_tables:
        made += [
            _output("database", "The lake's tables, for Athena", Expression("aws_glue_catalog_database.lake.name")),
            _output("workgroup", "Where queries run", Expression("aws_athena_workgroup.queries.name")),
        ]
    if definition.hot_tables:
        tables = {name: Expression(f"{hot_table_address(name)}.name") for name in definition.hot_tables}
        made.append(_output("hot_tables", "Hot tables", tables))
    if definition.topics:
        topics = {name: Expression(f"{topic_address(name)}.arn") for name in definition.topics}
        made.append(_output("topics", "Topics", topics))
    if definition.queues:
        queues = {name: Expression(f"{queue_address(name)}.url") for name in definition.queues}
        made.append(_output("queues", "Queues", queues))
    if definition.event_buses:
        buses = {name: Expression(f"{bus_address(name)}.name") for name in definition.event_buses}
        made.append(_output("event_buses", "Event buses", buses))
    if definition.warehouses:
        databases = {name: Expression(f"aws_db_instance.{identifier(name)}.endpoint") for name in definition.warehouses}
        made.append(_output("warehouses", "Databases, by warehouse", databases))
    return made


def _starters(definition: Definition) -> list[Block]:
    made = []
    triggers = (*definition.triggers, *definition.inbox_triggers)
    if triggers:
        rules = {name: Expression(f"aws_cloudwatch_event_rule.{identifier(name)}.name") for name in triggers}
        made.append(_output("rules", "Rules on new objects, by trigger", rules))
    if definition.schedules:
        schedules = {
            name: Expression(f"aws_scheduler_schedule.{identifier(schedule.name)}.name")
            for name, schedule in definition.schedules.items()
        }
        made.append(_output("schedules", "Schedules", schedules))
    return made


def _output(name: str, description: str, value: Any) -> Block:
    return Block("output", (name,), {"description": description, "value": value})
