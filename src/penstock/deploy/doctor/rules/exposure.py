"""What the whole world, or another account, may reach."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.resource import Resource

BUCKET = "aws_s3_bucket"
BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
PUBLIC_ACLS = {"public-read", "public-read-write", "authenticated-read"}
EVERYWHERE = {"0.0.0.0/0", "::/0"}
# Policies that say who may use a resource: type, and the attribute that holds the policy.
RESOURCE_POLICIES = {
    "aws_s3_bucket_policy": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sns_topic": "policy",
    "aws_sqs_queue_policy": "policy",
    "aws_sqs_queue": "policy",
    "aws_kms_key": "policy",
    "aws_kms_key_policy": "policy",
    "aws_secretsmanager_secret": "policy",
    "aws_secretsmanager_secret_policy": "policy",
    "aws_dynamodb_resource_policy": "policy",
    "aws_glue_resource_policy": "policy",
    "aws_cloudwatch_event_bus_policy": "policy",
    "aws_cloudwatch_log_resource_policy": "policy_document",
    "aws_iam_role": "assume_role_policy",
}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html, "The meaning of public"
CALLERS = frozenset({
    "aws:sourceip", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount",
    "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:sourceorgid",
    "aws:userid", "kms:calleraccount", "s3:dataaccesspointaccount", "sts:externalid",
})  # fmt: skip
SOURCES = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid", "kms:calleraccount"})


def open_bucket(plan: Plan) -> Iterator[Fault]:
    """Yields buckets that a policy or an ACL could make public."""
    for bucket in plan.of(BUCKET):
        settings = plan.companions(bucket, "aws_s3_bucket_public_access_block", "bucket")
        if settings == [] and not plan.of("aws_s3_account_public_access_block"):
            yield Fault(bucket.address, "nothing keeps it from becoming public: it has no public access block")
    for setting in plan.of("aws_s3_bucket_public_access_block", "aws_s3_account_public_access_block"):
        off = [flag for flag in BLOCKS if setting.is_off(flag)]
        if off:
            hint = "write " + ", ".join(f"{flag} = true" for flag in off)
            yield Fault(setting.address, f"{', '.join(off)}: off", hint)


def public_acl(plan: Plan) -> Iterator[Fault]:
    """Yields ACLs that let everybody in."""
    for one in plan.of(BUCKET, "aws_s3_bucket_acl", "aws_s3_object"):
        if one.text("acl") in PUBLIC_ACLS:
            yield Fault(one.address, f"acl = {one.text('acl')!r}: everybody can read it")


def policy_for_anyone(plan: Plan) -> Iterator[Fault]:
    """Yields policies that allow everybody something, and functions that everybody may call."""
    for kind, attribute in RESOURCE_POLICIES.items():
        for one in plan.of(kind):
            for statement in plan.policy(one, attribute) or ():
                if statement.is_for_anyone and not statement.is_bound_to(CALLERS):
                    what = ", ".join(statement.actions) or "everything"
                    yield Fault(one.address, f"statement {statement.sid or '(no Sid)'} allows everybody {what}")
    for permission in plan.of("aws_lambda_permission"):
        if permission.text("principal") == "*" and permission.is_absent("principal_org_id"):
            yield Fault(permission.address, "everybody may call the function", "write principal_org_id, or an account")


def service_of_any_account(plan: Plan) -> Iterator[Fault]:
    """Yields policies that let an AWS service in on behalf of whoever asks it."""
    for kind, attribute in RESOURCE_POLICIES.items():
        for one in plan.of(kind) if kind != "aws_iam_role" else ():
            for statement in plan.policy(one, attribute) or ():
                if statement.is_allow and statement.services() and not statement.is_bound_to(SOURCES):
                    services = ", ".join(statement.services())
                    yield Fault(one.address, f"{services} may use it on behalf of any account")
    for one in plan.of("aws_lambda_permission"):
        is_service = (one.text("principal") or "").endswith(".amazonaws.com")
        if is_service and one.is_absent("source_arn") and one.is_absent("source_account"):
            hint = "write source_arn, or source_account = local.account"
            yield Fault(one.address, f"{one.text('principal')} may call it on behalf of any account", hint)


def open_function_url(plan: Plan) -> Iterator[Fault]:
    """Yields addresses of functions that everybody may call."""
    for url in plan.of("aws_lambda_function_url"):
        if url.text("authorization_type") == "NONE":
            yield Fault(url.address, "everybody who knows the address may call the function")


def public_database(plan: Plan) -> Iterator[Fault]:
    """Yields databases with a public address."""
    for one in plan.of(
        "aws_db_instance", "aws_rds_cluster_instance", "aws_redshift_cluster", "aws_dms_replication_instance"
    ):
        if one.is_true("publicly_accessible"):
            yield Fault(one.address, "it has a public address")


def open_port(plan: Plan) -> Iterator[Fault]:
    """Yields security groups that let everybody in."""
    for group in plan.of("aws_security_group"):
        if any(_is_everywhere(rule) for rule in group.blocks("ingress")):
            yield Fault(group.address, "everybody may connect")
    for rule in plan.of("aws_security_group_rule"):
        if rule.text("type") == "ingress" and _is_everywhere(rule):
            yield Fault(rule.address, "everybody may connect")
    for rule in plan.of("aws_vpc_security_group_ingress_rule"):
        if _is_everywhere(rule):
            yield Fault(rule.address, "everybody may connect")


def _is_everywhere(rule: Resource) -> bool:
    paths = ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6")
    return any(EVERYWHERE & set(rule.texts(path)) for path in paths)


_BLOCK = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_CONFUSED = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"

RULES = (
    Rule(
        code="bucket-open",
        severity=Severity.ERROR,
        what="A bucket without all four public access blocks",
        why="One policy or ACL, written later or by somebody else, makes the lake public",
        mend="add aws_s3_bucket_public_access_block with all four flags true",
        page=_BLOCK,
        check=open_bucket,
    ),
    Rule(
        code="acl-public",
        severity=Severity.ERROR,
        what="A public ACL",
        why="Everybody can read what is in the bucket",
        mend="remove acl",
        page="https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html",
        check=public_acl,
    ),
    Rule(
        code="policy-for-anyone",
        severity=Severity.ERROR,
        what='A policy that allows Principal "*" without a condition on the caller',
        why="Everybody with an AWS account, or without one, may do what it allows",
        mend="name accounts, roles or services as Principal, or add a condition such as aws:SourceAccount",
        page="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
        check=policy_for_anyone,
    ),
    Rule(
        code="service-of-any-account",
        severity=Severity.WARNING,
        what="A policy that lets an AWS service in without a condition on the account behind it",
        why="Another account can make the service act on this resource (the confused deputy)",
        mend="add a condition on aws:SourceAccount or aws:SourceArn",
        page=_CONFUSED,
        check=service_of_any_account,
    ),
    Rule(
        code="function-url-open",
        severity=Severity.ERROR,
        what="A function URL without authorization",
        why="Everybody who knows the address runs the function, at your cost",
        mend='write authorization_type = "AWS_IAM"',
        page="https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
        check=open_function_url,
    ),
    Rule(
        code="database-public",
        severity=Severity.ERROR,
        what="A database with a public address",
        why="Everybody may try passwords",
        mend="write publicly_accessible = false",
        page="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        check=public_database,
    ),
    Rule(
        code="port-open",
        severity=Severity.ERROR,
        what="A security group that lets in 0.0.0.0/0 or ::/0",
        why="Functions answer no connections, and databases should only those of this network",
        mend="remove the rule, or name a security group of your own",
        page="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        check=open_port,
    ),
)
