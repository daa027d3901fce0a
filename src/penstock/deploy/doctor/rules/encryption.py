"""What is stored or sent in the clear.

Buckets, tables and topics are encrypted on AWS's disks whatever is written, so that their absence here is no gap:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html
https://docs.aws.amazon.com/sns/latest/dg/sns-data-encryption.html
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.policies import Statement
from penstock.deploy.doctor.resource import Step

# Where AWS does not encrypt unless asked to: type, and the flag that asks.
FLAGS: dict[str, tuple[Step, ...]] = {
    "aws_db_instance": ("storage_encrypted",),
    "aws_docdb_cluster": ("storage_encrypted",),
    "aws_ebs_volume": ("encrypted",),
    "aws_efs_file_system": ("encrypted",),
    "aws_elasticache_replication_group": ("at_rest_encryption_enabled",),
    "aws_kinesis_firehose_delivery_stream": ("server_side_encryption", 0, "enabled"),
    "aws_neptune_cluster": ("storage_encrypted",),
    "aws_opensearch_domain": ("encrypt_at_rest", 0, "enabled"),
    "aws_rds_cluster": ("storage_encrypted",),
    "aws_redshift_cluster": ("encrypted",),
}


def unencrypted(plan: Plan) -> Iterator[Fault]:
    """Yields what is stored without encryption."""
    for kind, path in FLAGS.items():
        for one in plan.of(kind):
            feeds_itself = not one.is_absent("kinesis_source_configuration")
            if one.is_off(*path) and not (kind == "aws_kinesis_firehose_delivery_stream" and feeds_itself):
                flag = ".".join(step for step in path if isinstance(step, str))
                yield Fault(one.address, f"{flag} is off: it is stored in the clear", f"write {flag} = true")
    for queue in plan.of("aws_sqs_queue"):
        if queue.get("sqs_managed_sse_enabled") in (False, "false") and queue.is_absent("kms_master_key_id"):
            hint = "write sqs_managed_sse_enabled = true, which costs nothing"
            yield Fault(queue.address, "its messages are stored in the clear", hint)
    for stream in plan.of("aws_kinesis_stream"):
        if stream.text("encryption_type") == "NONE" or stream.is_absent("encryption_type"):
            hint = 'write encryption_type = "KMS" and kms_key_id = "alias/aws/kinesis"'
            yield Fault(stream.address, "its records are stored in the clear", hint)
    for instance in plan.of("aws_instance"):
        if any(disk.is_off("encrypted") for disk in instance.blocks("root_block_device")):
            hint = "write root_block_device { encrypted = true }"
            yield Fault(instance.address, "its disk is not encrypted", hint)


def unencrypted_results(plan: Plan) -> Iterator[Fault]:
    """Yields workgroups of Athena whose results are written as the client likes."""
    for group in plan.of("aws_athena_workgroup"):
        path = ("configuration", 0)
        if group.is_off(*path, "result_configuration", 0, "encryption_configuration"):
            yield Fault(group.address, "results of queries are not asked to be encrypted")
        elif group.get(*path, "enforce_workgroup_configuration") is False:
            hint = "write enforce_workgroup_configuration = true"
            yield Fault(group.address, "clients may turn its encryption and its scan limit off", hint)


def without_tls(plan: Plan) -> Iterator[Fault]:
    """Yields buckets that answer requests over plain HTTP."""
    for bucket in plan.of("aws_s3_bucket"):
        policies = plan.companions(bucket, "aws_s3_bucket_policy", "bucket")
        found = None if policies is None else [plan.policy(one) for one in policies]
        if found is None or None in found:
            continue
        if not any(_asks_for_tls(statement) for statements in found for statement in statements or ()):
            yield Fault(bucket.address, "it answers requests that do not come over TLS")


def _asks_for_tls(statement: Statement) -> bool:
    refused = {(key, value.lower()) for operator, key, value in statement.conditions if operator == "Bool"}
    return not statement.is_allow and ("aws:securetransport", "false") in refused


RULES = (
    Rule(
        code="unencrypted",
        severity=Severity.ERROR,
        what="A database, disk, queue or stream that is stored in the clear",
        why="Whoever gets at a disk, a snapshot or a copy reads it; most cannot be encrypted later in place",
        mend="turn its encryption on",
        page="https://docs.aws.amazon.com/prescriptive-guidance/latest/encryption-best-practices/welcome.html",
        check=unencrypted,
    ),
    Rule(
        code="results-unencrypted",
        severity=Severity.WARNING,
        what="An Athena workgroup that does not insist on encrypted results",
        why="Results of queries hold what the lake holds",
        mend='write encryption_configuration { encryption_option = "SSE_S3" }',
        page="https://docs.aws.amazon.com/athena/latest/ug/encrypting-query-results-stored-in-s3.html",
        check=unencrypted_results,
    ),
    Rule(
        code="bucket-without-tls",
        severity=Severity.WARNING,
        what="A bucket whose policy does not refuse plain HTTP",
        why="A client with an old configuration sends data in the clear, and nobody notices",
        mend="write require_tls = true in terraform.tfvars",
        page="https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
        check=without_tls,
    ),
)
