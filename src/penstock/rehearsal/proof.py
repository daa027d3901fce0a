"""The proof of least privilege: nothing that was done is denied, and nothing that is allowed is spare.

Calls come from a rehearsal, policies from Terraform, the verdict from an evaluation of its own: none of the three
knows how the policies were derived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.policies import ALLOW, Decision, Policy, Statement, evaluate
from penstock.rehearsal.wildcards import like

LAMBDA_LOG = "the Lambda service writes a function's log with the function's role; the function itself sends nothing"
TRACES = "traces are sent by the Lambda and Step Functions services, and emulators have no X-Ray"
DELIVERY = "Step Functions sets the delivery of its log up when the state machine is made, inside AWS"
CHILDREN = "Step Functions looks after the executions that a state has started, inside AWS"
LOOKING = "Athena looks its catalog up, inside AWS; the emulator's IAM does not tell which"
ANSWERS = "Step Functions waits for the end of a query, inside AWS; the request names no workgroup"
PARTS = "Athena and Step Functions write large results in parts, inside AWS"
JOBS = "Step Functions waits for the end of a job, and stops one that nobody waits for any longer, inside AWS"
JOB_LOG = "Glue writes the log of a job with the job's role, inside AWS"
NETWORK = "the Lambda service joins the function to its network, inside AWS"


class Grant(msgspec.Struct, frozen=True):
    """One action on one resource that one statement allows a role.

    Attributes:
        statement: ``policy/statement``.
        action: as the policy writes it; all of them, in brackets, when it says ``NotAction``.
        resource: as the policy writes it; all of them, in brackets, when it says ``NotResource``.
    """

    role: str
    statement: str
    action: str
    resource: str


class Exemption(msgspec.Struct, frozen=True):
    """Actions that a rehearsal cannot see.

    Attributes:
        action: may hold wildcards.
        reason: who does it instead, and why nobody sees it.
        source: the page of AWS that says so.
    """

    action: str
    reason: str
    source: str


class Exempt(msgspec.Struct, frozen=True):
    """A grant that no recorded call needed, and why none could."""

    grant: Grant
    reason: str


class Denied(msgspec.Struct, frozen=True):
    """A call that IAM would refuse, and how often it was made."""

    call: RecordedCall
    decision: Decision
    times: int


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        denied: calls that the policies do not allow, each once.
        spare: grants whose loss no recorded call would notice.
        granted: how many grants there are.
        exempt: grants that a rehearsal cannot see used.
        broad: grants with a wildcard in the action, or of all but some: they allow more than can be rehearsed.
    """

    denied: list[Denied]
    spare: list[Grant]
    granted: int
    exempt: list[Exempt]
    broad: list[Grant]

    @property
    def holds(self) -> bool:
        """Whether the roles may do what they did, and nothing else."""
        return not self.denied and not self.spare and not self.broad


EXEMPTIONS = (
    *(
        Exemption(action, LAMBDA_LOG, "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html")
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    ),
    *(
        Exemption(action, TRACES, "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html")
        for action in (
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
        )
    ),
    Exemption(
        "sqs:SendMessage",
        "what failed for good is put into the queue by the Lambda and Scheduler services, inside AWS",
        "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
    ),
    *(
        Exemption(action, DELIVERY, "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html")
        for action in (
            "logs:CreateLogDelivery",
            "logs:GetLogDelivery",
            "logs:UpdateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
        )
    ),
    *(
        Exemption(action, CHILDREN, "https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html")
        for action in (
            "states:DescribeExecution",
            "states:StopExecution",
            "states:RedriveExecution",
            "events:PutTargets",
            "events:PutRule",
            "events:DescribeRule",
        )
    ),
    *(
        Exemption(action, ANSWERS, "https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html")
        for action in ("athena:GetQueryExecution", "athena:StopQueryExecution", "athena:GetQueryResults")
    ),
    *(
        Exemption(
            action, LOOKING, "https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"
        )
        for action in ("athena:GetDataCatalog", "glue:GetDatabase")
    ),
    *(
        Exemption(action, PARTS, "https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html")
        for action in ("s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
    ),
    *(
        Exemption(action, JOBS, "https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html")
        for action in ("glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun")
    ),
    Exemption(
        "logs:CreateLogGroup", JOB_LOG, "https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html"
    ),
    *(
        Exemption(action, NETWORK, "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html")
        for action in (
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        )
    ),
    *(
        Exemption(
            action,
            "the service that keeps the data asks KMS in the name of the caller, inside AWS",
            "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service",
        )
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    ),
)


def prove(
    roles: Mapping[str, Sequence[Policy]],
    calls: Iterable[RecordedCall],
    *,
    of_resources: Sequence[Policy] = (),
    exemptions: Sequence[Exemption] = EXEMPTIONS,
) -> Proof:
    """Returns whether the policies allow what was done, and no more.

    A call of a role that is not among the roles is denied. A grant that is exempt but was seen to be needed counts as
    any other.

    Args:
        of_resources: policies of buckets, queues and so on, which deny or allow as well.
    """
    made = _distinct(calls)
    denied = []
    allowed: dict[str, list[RecordedCall]] = {}
    for call, times in made:
        decision = evaluate(roles.get(call.role, ()), call, of_resources=of_resources)
        if decision.allowed:
            allowed.setdefault(call.role, []).append(call)
        else:
            denied.append(Denied(call, decision, times))
    found = list(grants(roles))
    unneeded = [grant for grant in found if not _needed(grant, roles, allowed.get(grant.role, ()), of_resources)]
    exempt = [Exempt(grant, reason) for grant in unneeded if (reason := _reason(grant, exemptions))]
    excused = {one.grant for one in exempt}
    return Proof(
        denied=denied,
        spare=[grant for grant in unneeded if grant not in excused],
        granted=len(found),
        exempt=exempt,
        broad=[grant for grant in found if any(mark in grant.action for mark in "*?[") or "[" in grant.resource],
    )


def grants(roles: Mapping[str, Sequence[Policy]]) -> Iterator[Grant]:
    """Yields every action on every resource that the roles' policies allow."""
    for role, policies in roles.items():
        for policy in policies:
            for statement in policy.statements:
                if statement.effect == ALLOW and not policy.boundary:
                    name = f"{policy.name}/{statement.name}"
                    yield from (Grant(role, name, *pair) for pair in _pairs(statement))


def without(policies: Sequence[Policy], grant: Grant) -> list[Policy]:
    """Returns a role's policies when one grant is taken away."""
    return [
        msgspec.structs.replace(policy, statements=tuple(_remaining(policy, grant)))
        if any(f"{policy.name}/{one.name}" == grant.statement for one in policy.statements)
        else policy
        for policy in policies
    ]


def _remaining(policy: Policy, grant: Grant) -> Iterator[Statement]:
    for one in policy.statements:
        if f"{policy.name}/{one.name}" != grant.statement or (grant.action, grant.resource) not in _pairs(one):
            yield one
            continue
        actions = tuple(action for action in one.actions if action != grant.action)
        resources = tuple(resource for resource in one.resources if resource != grant.resource)
        if actions:
            yield msgspec.structs.replace(one, actions=actions)
        if resources:
            own = (grant.action,) if one.actions else ()
            yield msgspec.structs.replace(one, actions=own, resources=resources)


def _pairs(statement: Statement) -> list[tuple[str, str]]:
    actions = statement.actions or (str(list(statement.not_actions)),)
    resources = statement.resources or (str(list(statement.not_resources)),)
    return [(action, resource) for action in actions for resource in resources]


def _needed(
    grant: Grant,
    roles: Mapping[str, Sequence[Policy]],
    calls: Sequence[RecordedCall],
    of_resources: Sequence[Policy],
) -> bool:
    left = without(roles[grant.role], grant)
    return any(not evaluate(left, call, of_resources=of_resources).allowed for call in calls)


def _reason(grant: Grant, exemptions: Sequence[Exemption]) -> str:
    pairs = ((((one.action, False),), one.reason) for one in exemptions)
    return next((reason for pattern, reason in pairs if like(pattern, grant.action, ignore_case=True)), "")


def _distinct(calls: Iterable[RecordedCall]) -> list[tuple[RecordedCall, int]]:
    """Returns calls that differ in more than their time, the first of each, and how many there were."""
    found: dict[bytes, tuple[RecordedCall, int]] = {}
    for call in calls:
        key = msgspec.json.encode(msgspec.structs.replace(call, at=0.0), order="sorted")
        first, times = found.get(key, (call, 0))
        found[key] = (first, times + 1)
    return list(found.values())
