"""Secrets where everybody can read them who may see the plan, the state or a function's configuration."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.resource import Resource, mapping

_WORDS = r"password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|signing_?key|credentials?"
_START = r"(?:^|[_\-.]|(?-i:(?<=[a-z0-9])(?=[A-Z])))"
_NAMED = re.compile(rf"{_START}(?:{_WORDS})s?(?:_value|_base64|_?\d+)?$", re.IGNORECASE)
# What a secret looks like, whatever its name: keys of AWS, PEM, tokens of code hosts and chats, passwords in addresses.
_SHAPE = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}"
    r"|\bgithub_pat_[A-Za-z0-9_]{40}|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{10}|\bsk_live_\w{16}"
    r"|\bhooks\.slack\.com/services/\w|://[^/\s:@]+:[^/\s:@$<{]+@"
)
# Where a secret is, and what is too plain to be one.
_HARMLESS = re.compile(
    r"(?:arn:|\$|\{\{resolve:|/aws/reference/|alias/).*|[\d.]*|true|false", re.IGNORECASE | re.DOTALL
)
# Attributes that are kept in the state as they are, and how to write them instead.
KEPT: dict[str, dict[str, str]] = {
    "aws_secretsmanager_secret_version": {"secret_string": "secret_string_wo", "secret_binary": "secret_string_wo"},
    "aws_ssm_parameter": {"value": "value_wo"},
    "aws_db_instance": {"password": "manage_master_user_password = true, or password_wo"},
    "aws_rds_cluster": {"master_password": "manage_master_user_password = true, or master_password_wo"},
    "aws_redshift_cluster": {"master_password": "manage_master_password = true, or master_password_wo"},
    "aws_docdb_cluster": {"master_password": "manage_master_user_password = true, or master_password_wo"},
    "aws_elasticache_replication_group": {"auth_token": "user_group_ids"},
    "aws_dms_endpoint": {"password": "secrets_manager_arn"},
}
# Resources that are a secret in the state, whatever is written in them.
MADE = {
    "aws_iam_access_key": "give the role to what needs it; nothing here needs a user",
    "aws_iam_user_login_profile": "make the user by hand, or in IAM Identity Center",
    "random_password": 'use `ephemeral "random_password"` and a write-only attribute',
    "tls_private_key": 'use `ephemeral "tls_private_key"` and a write-only attribute',
}
# Where texts are that AWS shows to everybody who may describe the resource.
SHOWN: dict[str, tuple[tuple[str | int, ...], ...]] = {
    "aws_lambda_function": (("environment", 0, "variables"),),
    "aws_glue_job": (("default_arguments",), ("non_overridable_arguments",)),
    "aws_glue_connection": (("connection_properties",),),
    "aws_sfn_state_machine": (("definition",),),
    "aws_scheduler_schedule": (("target", 0, "input"),),
    "aws_cloudwatch_event_target": (("input",),),
    "aws_instance": (("user_data",),),
    "aws_ecs_task_definition": (("container_definitions",),),
    "aws_sns_topic_subscription": (("endpoint",),),
}


def shown(plan: Plan) -> Iterator[Fault]:
    """Yields secrets in environments, definitions and inputs."""
    for kind, paths in SHOWN.items():
        for one in plan.of(kind):
            for path in paths:
                start = ".".join(step for step in path if isinstance(step, str))
                for where in _secrets(one.get(*path), start):
                    yield Fault(one.address, f"{where} looks like a secret")


def in_variables(plan: Plan) -> Iterator[Fault]:
    """Yields secrets in the variables of the root module."""
    for name, value in plan.variables().items():
        for where in _secrets(value, name):
            yield Fault(f"var.{name}", f"{where} looks like a secret: plan and state keep it in the clear")


def _secrets(value: Any, where: str) -> Iterator[str]:
    """Yields where in a value there is a secret; a text of JSON counts as what it says."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _secrets(one, f"{where}.{key}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _secrets(one, f"{where}[{number}]")
    elif isinstance(value, str) and not _HARMLESS.fullmatch(value) and (_SHAPE.search(value) or _NAMED.search(where)):
        yield where


def in_state(plan: Plan) -> Iterator[Fault]:
    """Yields secrets that Terraform keeps in the state."""
    for kind, attributes in KEPT.items():
        for one in plan.of(kind):
            for attribute, instead in attributes.items():
                if not one.is_absent(attribute) and not _is_plain(one):
                    yield Fault(one.address, f"{attribute} is kept in the state, in the clear", f"write {instead}")
    for kind, instead in MADE.items():
        for one in plan.of(kind):
            if one.is_absent("pgp_key"):
                yield Fault(one.address, "the secret that it makes is kept in the state, in the clear", instead)


def _is_plain(one: Resource) -> bool:
    return one.type == "aws_ssm_parameter" and one.text("type") not in {None, "SecureString"}


def of_provider(plan: Plan) -> Iterator[Fault]:
    """Yields keys that are written into the provider's block."""
    providers = mapping(mapping(plan.document.get("configuration")).get("provider_config"))
    for name, provider in providers.items():
        expressions = mapping(mapping(provider).get("expressions"))
        for attribute in ("access_key", "secret_key", "token"):
            if mapping(expressions.get(attribute)).get("constant_value"):
                yield Fault(f"provider.{name}", f"{attribute} is written into the configuration")


_FUNCTION = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html"
_STATE = "https://developer.hashicorp.com/terraform/language/manage-sensitive-data"

RULES = (
    Rule(
        code="secret-shown",
        severity=Severity.ERROR,
        what="A secret in an environment variable, a workflow's definition, a schedule's input or an endpoint",
        why="Everybody who may look at the function reads it, and so do plan, state and logs",
        mend="keep it in Secrets Manager, and give the task its name",
        page=_FUNCTION,
        check=shown,
    ),
    Rule(
        code="secret-in-variable",
        severity=Severity.ERROR,
        what="A secret in a variable, such as task_environment",
        why="terraform.tfvars is committed sooner or later; plan and state keep the value even of sensitive variables",
        mend="keep it in Secrets Manager, and give the task its name; else declare the variable ephemeral",
        page=_STATE,
        check=in_variables,
    ),
    Rule(
        code="secret-in-state",
        severity=Severity.ERROR,
        what="A password, key or secret that Terraform keeps in its state",
        why="The state is a file in the clear, with every version of it in the back end",
        mend="write the write-only attribute, which ends in _wo",
        page=_STATE,
        check=in_state,
    ),
    Rule(
        code="credentials-in-configuration",
        severity=Severity.ERROR,
        what="Keys of an account in the provider's block",
        why="They go wherever the configuration goes",
        mend="remove them: the provider takes AWS_PROFILE, SSO or the role of the machine",
        page="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
        check=of_provider,
    ),
)
