"""Data that an apply or a destroy would delete, or that could not be brought back."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.resource import Resource

BUCKET = "aws_s3_bucket"
TABLE = "aws_dynamodb_table"
DATABASES = ("aws_db_instance", "aws_rds_cluster")
HOLDS_DATA = frozenset({
    BUCKET, TABLE, *DATABASES, "aws_efs_file_system", "aws_ebs_volume", "aws_redshift_cluster", "aws_kinesis_stream",
    "aws_secretsmanager_secret", "aws_kms_key", "aws_s3tables_table", "aws_opensearch_domain",
})  # fmt: skip


def deleted(plan: Plan) -> Iterator[Fault]:
    """Yields what holds data and is deleted by this plan."""
    for change in plan.deletions():
        if change.type in HOLDS_DATA:
            what = "the plan replaces it by an empty one" if change.is_replaced else "the plan deletes it"
            yield Fault(change.address, f"{what}: what is in it is lost")


def emptied_by_destroy(plan: Plan) -> Iterator[Fault]:
    """Yields buckets that are deleted with all that is in them."""
    for bucket in plan.of(BUCKET):
        if bucket.is_true("force_destroy"):
            yield Fault(bucket.address, "force_destroy = true: `terraform destroy` deletes every object in it")


def unprotected_table(plan: Plan) -> Iterator[Fault]:
    """Yields tables that a destroy deletes without a question."""
    for table in plan.of(TABLE):
        if table.is_off("deletion_protection_enabled"):
            yield Fault(table.address, "it is not protected: `terraform destroy` deletes every item in it")


def unprotected_database(plan: Plan) -> Iterator[Fault]:
    """Yields databases that a destroy deletes, and those of which nothing is left then."""
    for database in plan.of(*DATABASES):
        if database.is_off("deletion_protection"):
            yield Fault(database.address, "it is not protected: `terraform destroy` deletes it")
        if database.is_true("skip_final_snapshot"):
            hint = "write skip_final_snapshot = false and final_snapshot_identifier"
            yield Fault(database.address, "it is deleted without a last snapshot", hint)
        if database.number("backup_retention_period") == 0:
            yield Fault(database.address, "it has no backups", "write backup_retention_period = 7")


def table_without_backup(plan: Plan) -> Iterator[Fault]:
    """Yields tables that cannot be brought back to an earlier moment."""
    for table in plan.of(TABLE):
        if table.is_off("point_in_time_recovery", 0, "enabled"):
            yield Fault(table.address, "point-in-time recovery is off")


def unversioned(plan: Plan) -> Iterator[Fault]:
    """Yields buckets in which what is overwritten or deleted is gone, but for logs and results of queries."""
    derived = _derived(plan)
    for bucket in plan.of(BUCKET):
        settings = plan.companions(bucket, "aws_s3_bucket_versioning", "bucket")
        if settings is None or bucket in derived:
            continue
        # What a bucket has now says nothing of what it will have, where a plan takes its setting away.
        is_written = bucket.expressions is None or "versioning" in bucket.expressions
        if not settings and is_written and bucket.is_true("versioning", 0, "enabled"):
            continue
        if all(_is_suspended(one) for one in settings):
            yield Fault(bucket.address, "it keeps no versions: what is overwritten or deleted is gone")


def _derived(plan: Plan) -> list[Resource]:
    """Returns the buckets that AWS writes into: access logs, and results of queries."""
    results = ("configuration", 0, "result_configuration", 0, "output_location")
    found = [plan.targets(one, *results, types=(BUCKET,)) for one in plan.of("aws_athena_workgroup")]
    found += [plan.targets(one, "target_bucket", types=(BUCKET,)) for one in plan.of("aws_s3_bucket_logging")]
    return [bucket for targets in found for bucket in targets or ()]


def _is_suspended(setting: Resource) -> bool:
    return setting.text("versioning_configuration", 0, "status") in {"Suspended", "Disabled"}


_PROTECTION = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection"
)

RULES = (
    Rule(
        code="data-deleted",
        severity=Severity.ERROR,
        what="A plan that deletes or replaces a bucket, a table, a database or a key",
        why="What is in it is lost; a table that is replaced begins empty",
        mend="do not apply; undo the edit, or move what it holds first",
        page="https://developer.hashicorp.com/terraform/cli/commands/plan",
        check=deleted,
    ),
    Rule(
        code="bucket-force-destroy",
        severity=Severity.ERROR,
        what="A bucket with force_destroy",
        why="`terraform destroy`, or the removal of one block, deletes the lake; without it S3 refuses a full bucket",
        mend="write delete_data_on_destroy = false in terraform.tfvars",
        page="https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
        check=emptied_by_destroy,
    ),
    Rule(
        code="table-unprotected",
        severity=Severity.ERROR,
        what="A DynamoDB table without deletion protection",
        why="`terraform destroy` deletes it with every item",
        mend="write deletion_protection_enabled = true",
        page=_PROTECTION,
        check=unprotected_table,
    ),
    Rule(
        code="database-unprotected",
        severity=Severity.ERROR,
        what="A database without deletion protection, last snapshot or backups",
        why="`terraform destroy` deletes it, and nothing is left to restore",
        mend="write deletion_protection = true",
        page="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
        check=unprotected_database,
    ),
    Rule(
        code="table-without-recovery",
        severity=Severity.WARNING,
        what="A DynamoDB table without point-in-time recovery",
        why="A task that writes nonsense cannot be undone",
        mend="write point_in_time_recovery { enabled = true }",
        page="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html",
        check=table_without_backup,
    ),
    Rule(
        code="bucket-unversioned",
        severity=Severity.WARNING,
        what="A bucket that keeps no versions",
        why="An object that is deleted or overwritten by mistake is gone",
        mend='add aws_s3_bucket_versioning with status = "Enabled"',
        page="https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
        check=unversioned,
    ),
)
