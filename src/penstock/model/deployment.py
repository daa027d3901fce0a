"""How a pipeline is laid out in an AWS account: what is optional. What every pipeline gets is not here."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Architecture = Literal["arm64", "x86_64"]
Runtime = Annotated[str, msgspec.Meta(pattern=r"^python3\.[0-9]+$")]
Region = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]+$")]
# https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html: at least 10 000 000 bytes
ScanLimit = Annotated[int, msgspec.Meta(ge=10)]
# What the function is called that seals the lake; no task can have this name then.
SEALING_FUNCTION = "sealing"
# What the function is called that brings the tables of warehouses up to date; no task can have this name then.
UPGRADING_FUNCTION = "warehouse-upgrade"
# What an instance, or a database's, is called by AWS.
InstanceType = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9]+$")]
DatabaseClass = Annotated[str, msgspec.Meta(pattern=r"^db\.[a-z0-9-]+\.[a-z0-9]+$")]
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
Storage = Annotated[int, msgspec.Meta(ge=20, le=65_536)]
Budget = Annotated[float, msgspec.Meta(gt=0)]


class Deployment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was chosen for the account.

    Attributes:
        architecture: the processor of the functions.
        runtime: Lambda's name of the Python version.
        log_retention_days: how long logs are kept; one of CloudWatch's values.
        tracing: functions and workflows send traces to X-Ray.
        streams: hot tables keep a stream of their changes.
        replica_region: lake and hot tables are copied to this region as well.
        vpc: functions run inside a network of the user's, over endpoints.
        sealing: a function seals the lake's closed partitions, and queries read what it has sealed.
        crawler: a Glue crawler that can be started by hand; no query needs it.
        backfill_job: a Glue job that puts stored objects through a triggered task again.
        encryption_key: a KMS key of the user's for topics and queues ($1 a month); AWS's own keys otherwise.
        audit_trail: a CloudTrail of the account's management events.
        monthly_budget_usd: mails a warning when the pipeline's costs pass this; None for no budget.
        compute: where tasks of a schedule run: functions, or an instance that a daily cron starts them on.
        instance_type: of that instance.
        database: the server that warehouses are in.
        database_class: of the machine that it runs on.
        database_storage_gb: what its disk has to begin with.
        jobs: tasks that are Glue jobs as well, on Spark, for workflows that start them by ``glue:startJobRun``.
        scan_limit_mb: a query in Athena that would scan more is cancelled.
    """

    architecture: Architecture = "arm64"
    runtime: Runtime = "python3.13"
    log_retention_days: int = 30
    tracing: bool = False
    streams: bool = False
    replica_region: Region | None = None
    vpc: bool = False
    sealing: bool = False
    crawler: bool = False
    backfill_job: bool = False
    encryption_key: bool = False
    audit_trail: bool = True
    compute: Literal["lambda", "ec2"] = "lambda"
    instance_type: InstanceType = "t3.small"
    database: Literal["postgresql", "mysql"] = "postgresql"
    database_class: DatabaseClass = "db.t4g.micro"
    database_storage_gb: Storage = 20
    monthly_budget_usd: Budget | None = 5.0
    jobs: tuple[str, ...] = ()
    scan_limit_mb: ScanLimit = 1024
