"""Variables of a deployment: what a user may want otherwise without touching the definition."""

from __future__ import annotations

from typing import Any

from penstock.deploy.functions import sealing_task
from penstock.deploy.hcl import Block, Expression
from penstock.deploy.kit import on_instance
from penstock.deploy.projection import YEARS
from penstock.deploy.resources.task import RETENTION_DAYS
from penstock.deploy.resources.topic import mail_addresses
from penstock.model.pipeline import Definition

ON, OFF = Expression("true"), Expression("false")
STRING, NUMBER, BOOL = Expression("string"), Expression("number"), Expression("bool")
STRINGS = Expression("list(string)")


def variables(definition: Definition) -> list[Block]:
    """Returns the declarations, in the order of their use."""
    chosen = definition.deployment
    made = [
        _variable("region", "Where it runs", STRING, definition.region),
        _variable(
            "name_prefix", "Put before every name, to have the pipeline twice in an account: \"dev-\"", STRING, "",
            _check('can(regex("^([a-z0-9][a-z0-9-]{0,15})?$", var.name_prefix))',
                   "At most 16 lower-case letters, digits and hyphens; a hyphen does not come first."),
            *([_letter_first()] if definition.warehouses else []),
        ),
        _variable("tags", "On everything, beside those of the definition", Expression("map(string)"), {}),
        _variable("lake_bucket", "The lake's bucket; named after account and region when null", STRING, None),
        _variable(
            "delete_data_on_destroy", "Lets `terraform destroy` delete buckets and tables with what is in them",
            BOOL, OFF,
        ),
        _variable("require_tls", "Buckets refuse requests that do not come over TLS", BOOL, ON),
        _variable("architecture", "Processor of the functions; the zips must be built for it", STRING,
                  chosen.architecture,
                  _check('contains(["arm64", "x86_64"], var.architecture)', "arm64 or x86_64.")),
        _variable(
            "task_environment", "Variables for tasks, by task: { collect_cpu = { PENSTOCK_FLEET = \"20:7\" } }",
            Expression("map(map(string))"), {},
        ),
        _variable("permissions_boundary", "ARN of a policy that bounds every role; none when null", STRING, None),
        _variable(
            "log_retention_days", "How long logs are kept", NUMBER, chosen.log_retention_days,
            _check(f"contains({list(RETENTION_DAYS)}, var.log_retention_days)", "One of CloudWatch's retention times."),
        ),
    ]  # fmt: skip
    if definition.workflows:
        levels = 'contains(["OFF", "FATAL", "ERROR", "ALL"], var.workflow_log_level)'
        made += [
            _variable("workflow_log_level", "What workflows write into their logs", STRING, "ERROR",
                      _check(levels, "OFF, FATAL, ERROR or ALL.")),
            _variable("log_execution_data", "Inputs and outputs of states are logged too", BOOL, OFF),
        ]  # fmt: skip
    if definition.schedules or on_instance(definition):
        made.append(_variable("schedules_enabled", "Whether the clock starts workflows", BOOL, ON))
    if definition.schedules:
        made.append(
            _variable("schedule_expressions", "Other times for schedules, by name", Expression("map(string)"), {})
        )
    if definition.topics:
        told = {name: mail_addresses(topic) for name, topic in definition.topics.items()}
        made.append(
            _variable("subscriptions", "Who is mailed, by topic; each confirms once by the link in the first mail",
                      Expression("map(list(string))"), told)
        )  # fmt: skip
    if chosen.monthly_budget_usd is not None:
        made += [
            _variable("monthly_budget_usd", "Warns past this; no budget when null", NUMBER, chosen.monthly_budget_usd),
            _variable("budget_emails", "Who is warned of costs", STRINGS, []),
        ]
    return made + _optional(definition)


def chosen_values(definition: Definition) -> dict[str, Any]:
    """Returns what ``terraform.tfvars`` begins with: what most users set."""
    values: dict[str, Any] = {"region": definition.region, "name_prefix": "", "tags": {}}
    if definition.topics:
        values["subscriptions"] = {name: mail_addresses(topic) for name, topic in definition.topics.items()}
    if definition.deployment.monthly_budget_usd is not None:
        values["budget_emails"] = []
    return values


def _optional(definition: Definition) -> list[Block]:
    chosen = definition.deployment
    made = []
    if definition.lake_tables:
        made += [
            _variable("scan_limit_mb", "A query that would read more is cancelled", NUMBER, chosen.scan_limit_mb),
            _variable(
                "partition_years", "First and last year that queries see; both belong to the range", STRING, YEARS,
                _check('can(regex("^[0-9]{4},[0-9]{4}$", var.partition_years))', "Two years: \"2025,2034\"."),
            ),
        ]  # fmt: skip
    if sealing_task(definition) is not None:
        made.append(_variable("sealing_enabled", "Whether the clock seals closed partitions", BOOL, ON))
    if chosen.replica_region is not None:
        made.append(_variable("replica_region", "Where the copy is", STRING, chosen.replica_region))
    if definition.warehouses:
        made += [
            _variable("network_cidr", "Addresses of the warehouse's network, 32 at least", STRING, "10.91.0.0/24",
                      _check("can(cidrsubnet(var.network_cidr, 1, 1))", "Such as \"10.91.0.0/24\".")),
            _variable("warehouse_upgrades", "Upgrades tables when a release is deployed, over an endpoint that costs "
                      "7.30 a month; false takes it away until the next one", BOOL, ON),
        ]  # fmt: skip
    if chosen.vpc:
        made += [
            _required("vpc_id", "The network that functions join", STRING),
            _required("subnet_ids", "Its subnets", STRINGS),
            _required("route_table_ids", "Route tables of these subnets", STRINGS),
        ]
    return made


def _variable(name: str, description: str, kind: Expression, default: object, *checks: Block) -> Block:
    body = {"description": description, "type": kind, "default": Expression("null") if default is None else default}
    return Block("variable", (name,), body, checks)


def _required(name: str, description: str, kind: Expression) -> Block:
    return Block("variable", (name,), {"description": description, "type": kind})


def _check(condition: str, message: str) -> Block:
    return Block("validation", (), {"condition": Expression(condition), "error_message": message})


def _letter_first() -> Block:
    """Checks what RDS asks of a name. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html"""
    return _check(
        'can(regex("^([a-z].*)?$", var.name_prefix)) && !can(regex("--", var.name_prefix))',
        "Databases are called after it: a letter comes first, and no hyphen after another.",
    )
