"""An instance for what runs by the clock: one machine in the warehouse's network, which nobody can log in to by SSH.

It has the code of a release in one zip, and a cron. A new release is a new instance: nothing on it is worth keeping.
https://docs.aws.amazon.com/linux/al2023/ug/what-is-amazon-linux.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from msgspec.structs import replace

from penstock.deploy.access import USE_KEY, grant_statements
from penstock.deploy.hcl import Block, Call, Expression, Template, json_of, nested, resource
from penstock.deploy.instance_limits import daily, limits, processor
from penstock.deploy.kit import INSTANCE_PATH, Capability, Concern, Site, named, on_instance
from penstock.deploy.policy import Statement, each_once, role
from penstock.deploy.resources.task import environment, log_group
from penstock.deploy.resources.warehouse_network import (
    DATABASE,
    NETWORK,
    PORTS,
    SUBNETS,
    TLS_PORT,
    gateways,
    rule,
)
from penstock.model.access import Kind
from penstock.model.pipeline import Definition
from penstock.model.schedule import Schedule

SCRIPT_PATH = "instance/user_data.sh"
PREFIX = "instance"
DISK_GB = 16
GROUP = "aws_security_group.instance.id"
ENDPOINTS = "aws_security_group.instance_endpoints.id"
# By these people get a shell on it, and its log leaves it; what tasks were granted comes to them. An agent of today
# needs no ec2messages.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
ALWAYS = ("ssm", "ssmmessages", "logs")
SERVICES = {Kind.TOPIC: "sns", Kind.QUEUE: "sqs", Kind.EVENT_BUS: "events"}
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"
MANAGED = "arn:${local.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"


def assets(definition: Definition, clock: Mapping[str, Schedule]) -> dict[str, bytes]:
    """Returns what the instance does when it is made, by its path beside the Terraform files; nothing without one."""
    return {SCRIPT_PATH: user_data(clock).encode()} if on_instance(definition) else {}


def user_data(clock: Mapping[str, Schedule]) -> str:
    """Returns the script, as a template of Terraform's."""
    script = files("penstock.deploy").joinpath("assets/instance.sh").read_text("utf-8")
    daily_ones = [(one, at) for one in clock.values() if (at := daily(one)) is not None]
    crons = "".join(f"\n{_cron(number, one, *at)}" for number, (one, at) in enumerate(daily_ones, 1))
    return f"{script}{crons}\nif ${{enabled}}; then\n  systemctl enable --now crond\nfi\n"


def services(definition: Definition) -> list[str]:
    """Returns the services that the instance reaches by endpoints, each of which costs by the hour."""
    granted = {grant.kind for task in definition.tasks.values() for grant in task.grants}
    return [*ALWAYS, *(service for kind, service in SERVICES.items() if kind in granted)]


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the instance, its code, its role, and its ways to services."""
    definition = site.definition
    if not on_instance(definition):
        return {}
    return {
        "compute": [*_machine(site), log_group("instance", f"/penstock/${{local.prefix}}{definition.name}-instance")],
        "access": _access(definition),
        "network": [*_groups(definition), *(_endpoint(service) for service in services(definition))],
    }


def _cron(number: int, schedule: Schedule, minute: int, hour: int) -> str:
    """Returns what makes a schedule's file. The zone counts for all of a file, so that each has one of its own."""
    zone = "UTC" if schedule.expression.startswith("rate(") else schedule.timezone
    return (
        f"cat >/etc/cron.d/penstock-at-{number} <<'END_OF_CRON'\n"
        f"CRON_TZ={zone}\n"
        f"{minute} {hour} * * * penstock /usr/local/sbin/penstock-run '{schedule.name}'\n"
        "END_OF_CRON\n"
    )


def _machine(site: Site) -> list[Block]:
    definition, chosen = site.definition, site.definition.deployment
    path = f"${{path.module}}/{INSTANCE_PATH}"
    code = {
        "bucket": Expression("aws_s3_bucket.lake.id"),
        "key": Expression(f'"{PREFIX}/${{filesha256("{path}")}}.zip"'),
        "source": Template(path),
    }
    tasks = {task.name: environment(definition, task) for task in definition.tasks.values()}
    told = {
        "region": Expression("local.region"),
        "bucket": Expression("aws_s3_object.instance.bucket"),
        "key": Expression("aws_s3_object.instance.key"),
        "python": chosen.runtime,
        "environment": json_of(tasks),
        "log_group": Expression("aws_cloudwatch_log_group.instance.name"),
        "enabled": Expression("var.schedules_enabled"),
    }
    body = {
        "ami": Expression("data.aws_ssm_parameter.instance_image.insecure_value"),
        "instance_type": chosen.instance_type,
        "subnet_id": SUBNETS[0],
        "vpc_security_group_ids": [Expression(GROUP)],
        "iam_instance_profile": Expression("aws_iam_instance_profile.instance.name"),
        "associate_public_ip_address": False,
        "ebs_optimized": True,
        "user_data": Call("templatefile", (Template(f"${{path.module}}/{SCRIPT_PATH}"), told)),
        "user_data_replace_on_change": True,
        "tags": {"Name": named(f"{definition.name}-instance")},
        # It begins as soon as it is there, with these.
        "depends_on": [
            Expression("aws_iam_role_policy.instance"),
            Expression("aws_iam_role_policy_attachment.instance"),
            Expression("aws_route_table_association.warehouse_1"),
            Expression("aws_vpc_endpoint.warehouse_s3"),
            Expression("aws_vpc_security_group_egress_rule.instance_to_s3"),
            Expression("aws_vpc_endpoint.instance_logs"),
        ],
    }
    comment = "Runs what is due by the clock. A new release, or a newer image of the system, is a new instance."
    return [
        Block("data", ("aws_ssm_parameter", "instance_image"), {"name": f"{IMAGE}{processor(definition)}"}),
        resource("aws_s3_object", "instance", code, comment="The code of all tasks, with their libraries."),
        resource(
            "aws_instance",
            "clock",
            body,
            nested("metadata_options", {"http_endpoint": "enabled", "http_tokens": "required",
                                        "http_put_response_hop_limit": 1}),
            nested("root_block_device", {"volume_type": "gp3", "volume_size": DISK_GB, "encrypted": True}),
            comment=comment,
        ),
    ]  # fmt: skip


def _access(definition: Definition) -> list[Block]:
    own = [
        Statement(
            sid="ReadCode",
            actions=("s3:GetObject",),
            resources=(Template(f"${{aws_s3_bucket.lake.arn}}/{PREFIX}/*"),),
        ),
        Statement(
            sid="WriteLog",
            actions=("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
            resources=(Template("${aws_cloudwatch_log_group.instance.arn}:*"),),
        ),
    ]
    granted = each_once(one for task in definition.tasks.values() for one in grant_statements(definition, task))
    keys = [USE_KEY] if definition.deployment.encryption_key else []
    name = named(f"{definition.name}-instance")
    attached = {"role": Expression("aws_iam_role.instance.name"), "policy_arn": Template(MANAGED)}
    profile = {"name": name, "role": Expression("aws_iam_role.instance.name")}
    return [
        *role("instance", name, "ec2.amazonaws.com", [*_distinct(granted), *keys, *own],
              comment="What the instance may do: what its tasks' may= say together, read its code, write its log.",
              own_account=False),
        resource("aws_iam_role_policy_attachment", "instance", attached,
                 comment="By Systems Manager people get a shell on it, if they may start a session."),
        resource("aws_iam_instance_profile", "instance", profile),
    ]  # fmt: skip


def _distinct(statements: list[Statement]) -> list[Statement]:
    """Returns statements with ids of their own: those of several tasks can be called alike."""
    count: Counter[str] = Counter()
    made = []
    for one in statements:
        count[one.sid] += 1
        made.append(one if count[one.sid] == 1 else replace(one, sid=f"{one.sid}Too{count[one.sid]}"))
    return made


def _groups(definition: Definition) -> list[Block]:
    described = {
        "instance": "The instance speaks to the database and to services, and nobody to it",
        "instance_endpoints": "Services are spoken to by the instance",
    }
    groups = [
        resource(
            "aws_security_group",
            name,
            {
                "name": named(f"{definition.name}-{name.replace('_', '-')}"),
                "description": description,
                "vpc_id": NETWORK,
            },
        )
        for name, description in described.items()
    ]
    rules: list[Block] = []
    port = PORTS[definition.deployment.database]
    for name, other, number in (
        ("instance_to_database", DATABASE, port),
        ("instance_to_endpoints", ENDPOINTS, TLS_PORT),
    ):
        rules.append(_rule("egress", name, GROUP, number, {"referenced_security_group_id": Expression(other)}))
        rules.append(_rule("ingress", name, other, number, {"referenced_security_group_id": Expression(GROUP)}))
    for service in gateways(definition):
        target = {"prefix_list_id": Expression(f"aws_vpc_endpoint.warehouse_{service}.prefix_list_id")}
        rules.append(_rule("egress", f"instance_to_{service}", GROUP, TLS_PORT, target))
    return [*groups, *rules]


def _rule(direction: str, name: str, group: str, port: int, other: dict[str, Any]) -> Block:
    return rule(direction, name, group, port, other, prefix="")


def _endpoint(service: str) -> Block:
    body = {
        "vpc_id": NETWORK,
        "service_name": Template(f"com.amazonaws.${{local.region}}.{service}"),
        "vpc_endpoint_type": "Interface",
        "private_dns_enabled": True,
        # In the zone of the instance.
        "subnet_ids": SUBNETS[:1],
        "security_group_ids": [Expression(ENDPOINTS)],
    }
    comment = f"By it the instance reaches {service}: 7.20 a month."
    return resource("aws_vpc_endpoint", f"instance_{service}", body, comment=comment)


CAPABILITY = Capability(
    name="instance",
    purpose="Runs what is due by the clock on one machine, instead of functions",
    blocks=blocks,
    limits=limits,
)
