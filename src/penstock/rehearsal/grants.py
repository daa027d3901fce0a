"""Policies, read back from what Terraform says of a plan or of what is deployed.

Take ``terraform show -json``: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.errors import UsageError
from penstock.rehearsal.policies import ALLOW, Policy, Statement, parse

Resource = Mapping[str, Any]
# Where a policy is that belongs to a resource, not to a role.
RESOURCE_POLICIES = {
    "aws_s3_bucket_policy": "policy",
    "aws_sqs_queue_policy": "policy",
    "aws_sqs_queue": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_kms_key": "policy",
    "aws_secretsmanager_secret_policy": "policy",
}


def roles_of(state: Mapping[str, Any]) -> dict[str, list[Policy]]:
    """Returns every role with the policies that count for it, its permissions boundary among them.

    Raises:
        UsageError: a policy is not known yet, or is not part of the deployment, so that nothing can be said of it.
        ValidationError: a policy is none by the grammar.
    """
    resources = list(_resources(state))
    managed = {str(one["values"]["arn"]): one for one in resources if _is(one, "aws_iam_policy") and _text(one, "arn")}
    made: dict[str, dict[str, Policy]] = {
        _text(one, "name"): {} for one in resources if _is(one, "aws_iam_role") and _text(one, "name")
    }
    for one in resources:
        for role, key, policy in _policies(one, managed):
            # The role itself shows a second time what its own resources say.
            made.setdefault(role, {}).setdefault(key, policy)
    return {role: list(policies.values()) for role, policies in sorted(made.items())}


def resource_policies_of(state: Mapping[str, Any]) -> list[Policy]:
    """Returns the policies of buckets, queues, topics, keys, secrets and functions.

    Raises:
        ValidationError: a policy is none by the grammar.
    """
    made = []
    for one in _resources(state):
        attribute = RESOURCE_POLICIES.get(one["type"])
        if attribute is not None and _text(one, attribute):
            made.append(parse(_text(one, attribute), one["address"]))
        elif _is(one, "aws_lambda_permission"):
            made.append(_permission(one))
    return made


def functions_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Returns the ARN of every function's role, by the function's ARN."""
    return {
        _text(one, "arn"): _text(one, "role")
        for one in _resources(state)
        if _is(one, "aws_lambda_function") and _text(one, "arn")
    }


def jobs_of(state: Mapping[str, Any]) -> dict[str, str]:
    """Returns the ARN of every Glue job's role, by the job's ARN."""
    return {
        _text(one, "arn"): _text(one, "role_arn")
        for one in _resources(state)
        if _is(one, "aws_glue_job") and _text(one, "arn")
    }


def machine_roles(state: Mapping[str, Any]) -> dict[str, str]:
    """Returns the ARN of every state machine's role, by the state machine's ARN."""
    return {
        _text(one, "arn"): _text(one, "role_arn")
        for one in _resources(state)
        if _is(one, "aws_sfn_state_machine") and _text(one, "arn")
    }


def _policies(one: Resource, managed: Mapping[str, Resource]) -> Iterator[tuple[str, str, Policy]]:
    """Yields roles, each with a policy and what tells it from the role's other policies."""
    if _is(one, "aws_iam_role_policy"):
        yield _known(one, "role"), _inline(one["values"]), parse(_known(one, "policy"), one["address"])
    elif _is(one, "aws_iam_role_policy_attachment"):
        arn = _known(one, "policy_arn")
        yield _known(one, "role"), arn, _managed(arn, managed, one)
    elif _is(one, "aws_iam_policy_attachment"):
        arn = _known(one, "policy_arn")
        for role in one["values"].get("roles") or []:
            yield role, arn, _managed(arn, managed, one)
    elif _is(one, "aws_iam_role"):
        yield from _of_role(one, managed)


def _of_role(one: Resource, managed: Mapping[str, Resource]) -> Iterator[tuple[str, str, Policy]]:
    role, values = _known(one, "name"), one["values"]
    for arn in values.get("managed_policy_arns") or []:
        yield role, arn, _managed(arn, managed, one)
    for inline in values.get("inline_policy") or []:
        if inline.get("policy"):
            yield role, _inline(inline), parse(inline["policy"], f"{one['address']}.{inline.get('name')}")
    boundary = values.get("permissions_boundary")
    if boundary:
        yield role, f"boundary {boundary}", _managed(boundary, managed, one, boundary=True)


def _inline(values: Mapping[str, Any]) -> str:
    return f"inline {values.get('name')}"


def _managed(arn: str, managed: Mapping[str, Resource], where: Resource, *, boundary: bool = False) -> Policy:
    found = managed.get(arn)
    if found is None:
        raise UsageError(
            f"{where['address']} uses {arn}, which is not part of this deployment",
            hint="write the policy into the deployment: what cannot be read cannot be proven",
        )
    return parse(_known(found, "policy"), found["address"], boundary=boundary)


def _permission(one: Resource) -> Policy:
    """https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html"""
    conditions: dict[str, dict[str, tuple[str, ...]]] = {}
    if _text(one, "source_arn"):
        conditions["ArnLike"] = {"aws:SourceArn": (_text(one, "source_arn"),)}
    if _text(one, "source_account"):
        conditions["StringEquals"] = {"aws:SourceAccount": (_text(one, "source_account"),)}
    name, qualifier = _text(one, "function_name"), _text(one, "qualifier")
    function = name if name.startswith("arn:") else f"arn:*:lambda:*:*:function:{name}"
    statement = Statement(
        name=_text(one, "statement_id") or "#1",
        effect=ALLOW,
        actions=(_text(one, "action"),),
        resources=(f"{function}:{qualifier}" if qualifier else function,),
        conditions=conditions,
        principals=(_text(one, "principal"),),
    )
    return Policy(name=one["address"], statements=(statement,))


def _resources(state: Mapping[str, Any]) -> Iterator[Resource]:
    """Yields the managed resources of a state, or of what a plan leads to.

    Raises:
        UsageError: it is neither.
    """
    values = state.get("values") or state.get("planned_values")
    if not isinstance(values, Mapping) or "root_module" not in values:
        raise UsageError("this is no plan or state of Terraform", hint="give what `terraform show -json` prints")
    yield from _of_module(values["root_module"])


def _of_module(module: Mapping[str, Any]) -> Iterator[Resource]:
    resources: Sequence[Resource] = module.get("resources", ())
    yield from (one for one in resources if one.get("mode") == "managed")
    for child in module.get("child_modules", ()):
        yield from _of_module(child)


def _is(one: Resource, kind: str) -> bool:
    return bool(one["type"] == kind)


def _text(one: Resource, attribute: str) -> str:
    value = one["values"].get(attribute)
    return value if isinstance(value, str) else ""


def _known(one: Resource, attribute: str) -> str:
    value = _text(one, attribute)
    if not value:
        raise UsageError(
            f"{attribute} of {one['address']} is not known before it is deployed",
            hint="take the state after `terraform apply`, not the plan before it",
        )
    return value
