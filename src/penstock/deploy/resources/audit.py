"""What the account writes down about itself: an audit trail, and a warning when it costs too much.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html
"""

from __future__ import annotations

from penstock.deploy.hcl import Block, Expression, nested, resource
from penstock.deploy.kit import Capability, Concern, Site, named

WARN_AT_PERCENT = (80, 100)


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the trail and the budget."""
    definition = site.definition
    made: list[Block] = []
    if definition.deployment.audit_trail:
        made.append(
            resource(
                "aws_cloudtrail",
                "audit",
                {
                    "name": named(f"{definition.name}-audit"),
                    "s3_bucket_name": Expression("aws_s3_bucket.logs.id"),
                    "is_multi_region_trail": True,
                    "include_global_service_events": True,
                    "enable_log_file_validation": True,
                    "depends_on": [Expression("aws_s3_bucket_policy.logs")],
                },
                comment="Who changed what in the account. An account's first trail is free of charge, in every region.",
            )
        )
    if definition.deployment.monthly_budget_usd is not None:
        made.append(_budget(definition.name))
    return {"watch": made}


def _budget(pipeline: str) -> Block:
    mails = Expression("var.budget_emails")
    notifications = [
        Block(
            "dynamic",
            ("notification",),
            {"for_each": Expression("length(var.budget_emails) > 0 ? [true] : []")},
            (
                nested(
                    "content",
                    {
                        "comparison_operator": "GREATER_THAN",
                        "threshold": percent,
                        "threshold_type": "PERCENTAGE",
                        "notification_type": "ACTUAL",
                        "subscriber_email_addresses": mails,
                    },
                ),
            ),
        )
        for percent in WARN_AT_PERCENT
    ]
    return resource(
        "aws_budgets_budget",
        "monthly",
        {
            "count": Expression("var.monthly_budget_usd == null ? 0 : 1"),
            "name": named(f"{pipeline}-monthly"),
            "budget_type": "COST",
            "limit_amount": Expression("tostring(var.monthly_budget_usd)"),
            "limit_unit": "USD",
            "time_unit": "MONTHLY",
        },
        nested("cost_filter", {"name": "TagKeyValue", "values": [f"user:pipeline${pipeline}"]}),
        *notifications,
        comment="Counts what has this pipeline's tag: make `pipeline` a cost-allocation tag in Billing, once.",
    )


CAPABILITY = Capability(
    name="audit",
    purpose="Who changed what, and a mail when the month costs more than expected",
    blocks=blocks,
)
