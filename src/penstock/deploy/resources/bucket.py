"""A bucket as every bucket here is: closed to the public, encrypted, versioned, over TLS alone, with an end to rubbish.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.deploy.hcl import Block, Expression, Template, nested, resource

ABORT_UPLOADS_DAYS = 7
NONCURRENT_DAYS = 30
OWN_ACCOUNT = {"test": "StringEquals", "variable": "aws:SourceAccount", "values": [Expression("local.account")]}


def blocks(
    name: str,
    physical: Any,
    *,
    comment: str,
    rules: Sequence[Block] = (),
    noncurrent_days: int = NONCURRENT_DAYS,
    provider: Expression | None = None,
    logged: bool = True,
    statements: Sequence[Block] = (),
) -> list[Block]:
    """Returns a bucket and all that belongs to it.

    Args:
        rules: lifecycle rules beside those that every bucket has.
        noncurrent_days: how long what was overwritten or deleted can be had back.
        provider: of another region.
        logged: requests to it are written to the bucket of logs.
        statements: of its policy, beside the one that asks for TLS.
    """
    place: dict[str, Any] = {} if provider is None else {"provider": provider}
    bucket = {**place, "bucket": Expression(f"aws_s3_bucket.{name}.id")}
    body = {**place, "bucket": physical, "force_destroy": Expression("var.delete_data_on_destroy")}
    return [
        resource("aws_s3_bucket", name, body, comment=comment),
        _closed(name, bucket),
        _encrypted(name, bucket),
        resource("aws_s3_bucket_versioning", name, bucket, nested("versioning_configuration", {"status": "Enabled"})),
        _lifecycle(name, bucket, rules, noncurrent_days),
        *_policy(name, bucket, statements),
        *([_logging(name, bucket)] if logged else []),
    ]


def rule(name: str, prefix: str, *actions: Block) -> Block:
    """Returns a lifecycle rule for the keys that begin with a prefix; an empty prefix means all."""
    return nested("rule", {"id": name, "status": "Enabled"}, nested("filter", {"prefix": prefix}), *actions)


def _closed(name: str, bucket: Mapping[str, Any]) -> Block:
    doors = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    return resource("aws_s3_bucket_public_access_block", name, {**bucket, **dict.fromkeys(doors, True)})


def _encrypted(name: str, bucket: Mapping[str, Any]) -> Block:
    default = nested("apply_server_side_encryption_by_default", {"sse_algorithm": "AES256"})
    rule_of_all = nested("rule", {"bucket_key_enabled": True}, default)
    return resource("aws_s3_bucket_server_side_encryption_configuration", name, bucket, rule_of_all)


def _logging(name: str, bucket: Mapping[str, Any]) -> Block:
    target = {
        **bucket,
        "target_bucket": Expression("aws_s3_bucket.logs.id"),
        "target_prefix": f"s3/{name}/",
        # Logs are refused before the policy allows them.
        "depends_on": [Expression("aws_s3_bucket_policy.logs")],
    }
    return resource("aws_s3_bucket_logging", name, target)


def _lifecycle(name: str, bucket: Mapping[str, Any], rules: Sequence[Block], noncurrent_days: int) -> Block:
    tidy = rule(
        "tidy",
        "",
        nested("abort_incomplete_multipart_upload", {"days_after_initiation": ABORT_UPLOADS_DAYS}),
        nested("noncurrent_version_expiration", {"noncurrent_days": noncurrent_days}),
    )
    return resource(
        "aws_s3_bucket_lifecycle_configuration",
        name,
        {**bucket, "depends_on": [Expression(f"aws_s3_bucket_versioning.{name}")]},
        *rules,
        tidy,
    )


def allowance(
    name: str, service: str, action: str, prefix: str, sources: Sequence[Any], *, own_account: bool = False
) -> Block:
    """Returns a statement that lets an AWS service write below a prefix of a bucket, on behalf of some sources.

    Args:
        own_account: only for this account, where the ARN of a source does not name it.
    """
    return nested(
        "statement",
        {
            "sid": name,
            "actions": [action],
            "resources": [Template(f"${{aws_s3_bucket.logs.arn}}{prefix}")],
        },
        nested("principals", {"type": "Service", "identifiers": [service]}),
        nested("condition", {"test": "ArnLike", "variable": "aws:SourceArn", "values": list(sources)}),
        *([nested("condition", OWN_ACCOUNT)] if own_account else []),
    )


def _policy(name: str, bucket: Mapping[str, Any], statements: Sequence[Block]) -> list[Block]:
    only_over_tls = nested(
        "content",
        {
            "sid": "OnlyOverTls",
            "effect": "Deny",
            "actions": ["s3:*"],
            "resources": [Expression(f"aws_s3_bucket.{name}.arn"), Template(f"${{aws_s3_bucket.{name}.arn}}/*")],
        },
        nested("principals", {"type": "*", "identifiers": ["*"]}),
        nested("condition", {"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}),
    )
    dynamic = Block(
        "dynamic", ("statement",), {"for_each": Expression("var.require_tls ? [true] : []")}, (only_over_tls,)
    )
    # A policy without a statement is refused.
    count = {} if statements else {"count": Expression("var.require_tls ? 1 : 0")}
    body = {
        **count,
        **bucket,
        "policy": Expression(f"data.aws_iam_policy_document.{name}_bucket.json"),
        "depends_on": [Expression(f"aws_s3_bucket_public_access_block.{name}")],
    }
    return [
        Block("data", ("aws_iam_policy_document", f"{name}_bucket"), {}, (dynamic, *statements)),
        resource("aws_s3_bucket_policy", name, body),
    ]
