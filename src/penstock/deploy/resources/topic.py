"""Topics: SNS, and who is subscribed. https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.deploy.hcl import Block, Expression, identifier, json_of, resource
from penstock.deploy.kit import Capability, Concern, Site, named, sid, topic_address
from penstock.deploy.policy import POLICY_VERSION, Statement
from penstock.errors import Finding
from penstock.model.access import Grant
from penstock.model.endpoints import redact, scheme_of
from penstock.model.pipeline import Definition
from penstock.model.topics import Topic

# What a topic or a queue asks of its key on behalf of whoever sends to it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def mail_addresses(topic: Topic) -> list[str]:
    """Returns the subscribers that SNS can mail to; an address with a secret in it is the user's to fill in."""
    endpoints = (subscription.endpoint for subscription in topic.subscriptions)
    return [e.removeprefix("mailto:") for e in endpoints if scheme_of(e) == "mailto" and "${" not in e]


def not_carried(definition: Definition) -> list[Finding]:
    """Returns the subscriptions that SNS cannot serve."""
    return [
        Finding(
            topic.place,
            "subscription-not-in-aws",
            f"topic {topic.name!r}: {redact(subscription.endpoint)} cannot be subscribed to an SNS topic",
            f"give mail addresses in the variable `subscriptions`, under {topic.name!r}",
        )
        for topic in definition.topics.values()
        for subscription in topic.subscriptions
        if scheme_of(subscription.endpoint) not in {"mailto", "console", "file"}
    ]


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the topics, who may publish to them, and the subscriptions that the variable names."""
    definition = site.definition
    made: list[Block] = []
    for topic in definition.topics.values():
        made += _topic(definition, topic)
    if definition.deployment.encryption_key:
        made += _key(definition)
    return {"watch": made}


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on topics mean."""
    return [
        Statement(
            sid=sid(grant.action, grant.resource),
            actions=("sns:Publish",),
            resources=(Expression(f"{topic_address(grant.resource)}.arn"),),
        )
        for grant in grants
    ]


def _topic(definition: Definition, topic: Topic) -> list[Block]:
    name = identifier(topic.name)
    arn = Expression(f"aws_sns_topic.{name}.arn")
    key = Expression("aws_kms_key.messages.id") if definition.deployment.encryption_key else None
    allowed = {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": Expression("local.account")}},
    }
    subscriptions = {
        "for_each": Expression(f'toset(lookup(var.subscriptions, "{topic.name}", []))'),
        "topic_arn": arn,
        "protocol": "email",
        "endpoint": Expression("each.value"),
    }
    return [
        resource(
            "aws_sns_topic",
            name,
            {"name": named(topic.name), "kms_master_key_id": key},
            comment=f"Topic {topic.name}: who is told.",
        ),
        resource(
            "aws_sns_topic_policy",
            name,
            {"arn": arn, "policy": json_of({"Version": POLICY_VERSION, "Statement": [allowed]})},
        ),
        resource("aws_sns_topic_subscription", name, subscriptions),
    ]


def _key(definition: Definition) -> list[Block]:
    """A key of one's own: alarms cannot publish to a topic that AWS's own key encrypts.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    owner: dict[str, Any] = {
        "Sid": "Owner",
        "Effect": "Allow",
        "Principal": {"AWS": Expression("local.account_root")},
        "Action": "kms:*",
        "Resource": "*",
    }
    alarms: dict[str, Any] = {
        "Sid": "AlarmsOfThisAccount",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": list(KEY_ACTIONS),
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": Expression("local.account")}},
    }
    # EventBridge names no account to KMS: a condition would lose what its rules send.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    rules: dict[str, Any] = {
        "Sid": "RulesSendWhatFailed",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": list(KEY_ACTIONS),
        "Resource": "*",
    }
    triggers = (*definition.triggers, *definition.event_triggers, *definition.inbox_triggers)
    users = [alarms, rules] if triggers else [alarms]
    body = {
        "description": f"Messages of pipeline {definition.name}",
        "enable_key_rotation": True,
        "policy": json_of({"Version": POLICY_VERSION, "Statement": [owner, *users]}),
    }
    return [resource("aws_kms_key", "messages", body, comment="Encrypts messages in topics and queues.")]


CAPABILITY = Capability(
    name="topic",
    purpose="Who is told of alarms and of what tasks say",
    blocks=blocks,
    statements=statements,
)
