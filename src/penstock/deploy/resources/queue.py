"""Queues: SQS. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.deploy.hcl import Block, Expression, identifier, resource
from penstock.deploy.kit import Capability, Concern, Site, named, queue_address, sid
from penstock.deploy.policy import Statement
from penstock.errors import Finding
from penstock.model.access import Grant, QueueAction
from penstock.model.pipeline import Definition
from penstock.model.queues import Queue

# Whoever receives says for how long, gives back what it does not want, and may look how much there is.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
ACTIONS = {
    QueueAction.SEND: ("sqs:SendMessage",),
    QueueAction.RECEIVE: (
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
    ),
}


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the queues."""
    definition = site.definition
    return {"storage": [_queue(definition, queue) for queue in definition.queues.values()]}


def statements(definition: Definition, grants: Sequence[Grant]) -> list[Statement]:
    """Returns what grants on queues mean."""
    return [
        Statement(
            sid=sid(grant.action, grant.resource),
            actions=ACTIONS[QueueAction(grant.action)],
            resources=(Expression(f"{queue_address(grant.resource)}.arn"),),
        )
        for grant in grants
    ]


def limits(definition: Definition) -> list[Finding]:
    """Returns what SQS would refuse."""
    own = f"{definition.name}-dead-letters"
    return [
        Finding(
            queue.place,
            "queue-name",
            f"the pipeline has a queue {own!r} already, for what failed",
            "choose another name",
        )
        for queue in definition.queues.values()
        if queue.name == own
    ]


def _queue(definition: Definition, queue: Queue) -> Block:
    key = Expression("aws_kms_key.messages.id") if definition.deployment.encryption_key else None
    return resource(
        "aws_sqs_queue",
        identifier(queue.name),
        {
            "name": named(queue.name),
            "visibility_timeout_seconds": queue.visibility_seconds,
            "message_retention_seconds": queue.retain_seconds,
            "sqs_managed_sse_enabled": True if key is None else None,
            "kms_master_key_id": key,
        },
        comment=f"Queue {queue.name}.",
    )


CAPABILITY = Capability(
    name="queue",
    purpose="Messages that wait, encrypted, until somebody has dealt with them",
    blocks=blocks,
    statements=statements,
    limits=limits,
)
