"""Topics that nobody hears."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan

# Protocols whose owner has to confirm; https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
CONFIRMED_BY_HAND = {"email", "email-json", "http", "https"}


def without_subscription(plan: Plan) -> Iterator[Fault]:
    """Yields topics that nobody is subscribed to."""
    for topic in plan.of("aws_sns_topic"):
        if plan.companions(topic, "aws_sns_topic_subscription", "topic_arn") == []:
            yield Fault(topic.address, "the topic has no subscription: nobody is told")


def not_confirmed(plan: Plan) -> Iterator[Fault]:
    """Yields subscribers who were asked, and have not answered."""
    for one in plan.of("aws_sns_topic_subscription"):
        if one.text("protocol") in CONFIRMED_BY_HAND and one.is_true("pending_confirmation"):
            who = one.text("endpoint") or "an endpoint"
            yield Fault(one.address, f"the subscription of {who} is not confirmed: it receives nothing")


def plain_http(plan: Plan) -> Iterator[Fault]:
    """Yields subscriptions whose messages cross the net in the clear."""
    for one in plan.of("aws_sns_topic_subscription"):
        if one.text("protocol") == "http":
            yield Fault(one.address, "messages are delivered over plain HTTP")


def key_refuses_alarms(plan: Plan) -> Iterator[Fault]:
    """Yields topics that alarms tell, and that are encrypted with a key which lets no alarm publish."""
    alarms = plan.of("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm")
    for topic in plan.of("aws_sns_topic"):
        told = any(topic in (plan.targets(alarm, "alarm_actions", types=("aws_sns_topic",)) or ()) for alarm in alarms)
        if told and (topic.text("kms_master_key_id") or "").endswith("alias/aws/sns"):
            yield Fault(topic.address, "alarms tell this topic, but alias/aws/sns lets no alarm publish")


RULES = (
    Rule(
        code="topic-unsubscribed",
        severity=Severity.WARNING,
        what="A topic without a subscription",
        why="Alarms and tasks publish to it, and nobody is told",
        mend='write subscriptions = { <topic> = ["you@example.com"] } in terraform.tfvars',
        page="https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html",
        check=without_subscription,
    ),
    Rule(
        code="subscription-not-confirmed",
        severity=Severity.WARNING,
        what="A subscription that nobody has confirmed",
        why="SNS sends nothing before the link in its mail was followed, and drops the subscription after 48 hours",
        mend="follow the link in the mail from AWS, or ask for a new one by `terraform apply -replace=<address>`",
        page="https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html",
        check=not_confirmed,
    ),
    Rule(
        code="subscription-plain-http",
        severity=Severity.WARNING,
        what="A subscription over plain HTTP",
        why="Whoever is on the way reads the messages",
        mend='write protocol = "https" and an https endpoint',
        page="https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html",
        check=plain_http,
    ),
    Rule(
        code="topic-key-refuses-alarms",
        severity=Severity.ERROR,
        what="A topic for alarms that is encrypted with alias/aws/sns",
        why="That key's policy does not let CloudWatch publish, and cannot be changed: no alarm arrives",
        mend="write encryption_key=True in the definition's deployment, or kms_master_key_id = aws_kms_key.<name>.id",
        page="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html",
        check=key_refuses_alarms,
    ),
)
