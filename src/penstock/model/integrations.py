"""Service integrations: the services that a Task state can call without a task, as data.

A resource is written ``arn:aws:states:::SERVICE:ACTION[PATTERN]``; an AWS SDK integration has ``aws-sdk:`` before it.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html (which patterns each service has)
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html (AWS SDK integrations)
https://docs.aws.amazon.com/step-functions/latest/dg/connect-parameters.html (parameters are in PascalCase)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from penstock.model.access import (
    Action,
    BusAction,
    Grant,
    HotAction,
    Kind,
    LakeAction,
    QueueAction,
    TopicAction,
    WorkflowAction,
)

LAKE_BUCKET = "lake"
DEFAULT_BUS = "default"
_RESOURCE = re.compile(
    r"arn:aws(?:-cn|-us-gov)?:states:::(?P<sdk>aws-sdk:)?(?P<service>[a-z0-9]+):(?P<action>[A-Za-z0-9]+)(?P<pattern>\..*)?"
)


class Pattern(StrEnum):
    """How long a Task state waits: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html"""

    REQUEST_RESPONSE = ""
    RUN_A_JOB = ".sync"
    RUN_A_JOB_2 = ".sync:2"
    WAIT_FOR_CALLBACK = ".waitForTaskToken"


_ANSWER, _JOB, _JOB_2, _CALLBACK = Pattern
SDK_PATTERNS = frozenset({_ANSWER, _CALLBACK})


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One action of one service.

    Attributes:
        service: its name in an optimised integration's resource; ``""`` where it has none.
        sdk_service: its name after ``aws-sdk:``; ``""`` where only the optimised integration is there.
        patterns: those of the optimised integration. An AWS SDK integration has ``SDK_PATTERNS``.
        parameters: what the optimised integration takes.
        sdk_parameters: what the service's own API takes beyond that.
        required: without these the service refuses.
        names: the parameter that names the resource; ``""`` where none does.
        kind, action: the grant that it needs on that resource; None for what the pipeline's own workflows always may.
        page: the guide's page about the integration, or the API's about the action.
    """

    service: str
    sdk_service: str
    action: str
    patterns: frozenset[Pattern] = frozenset()
    parameters: frozenset[str] = frozenset()
    sdk_parameters: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    names: str = ""
    kind: Kind | None = None
    grant: Action | None = None
    page: str = ""

    def takes(self, *, sdk: bool) -> frozenset[str]:
        """Returns the parameters that it takes, spoken to in one of the two ways."""
        return self.parameters | self.sdk_parameters if sdk else self.parameters

    def waits(self, *, sdk: bool) -> frozenset[Pattern]:
        """Returns the patterns that it has, spoken to in one of the two ways."""
        return SDK_PATTERNS if sdk else self.patterns


class ServiceCall(msgspec.Struct, frozen=True):
    """A resource, taken apart. ``service`` is its name as written, ``sdk`` whether ``aws-sdk:`` stood before it.

    Attributes:
        pattern: what follows the action, as written: one of ``Pattern``, or anything else.
    """

    service: str
    action: str
    pattern: str = ""
    sdk: bool = False

    @property
    def operation(self) -> Operation | None:
        """What is known of the action; None where Penstock does not have it."""
        return _SDK.get((self.service, self.action)) if self.sdk else _OPTIMISED.get((self.service, self.action))

    @property
    def waits(self) -> bool:
        """Whether the state goes on waiting, for a token, after the call."""
        return self.pattern == Pattern.WAIT_FOR_CALLBACK

    @property
    def runs_to_the_end(self) -> bool:
        """Whether the state waits for the job that the call starts."""
        return self.pattern in {Pattern.RUN_A_JOB, Pattern.RUN_A_JOB_2}


class Need(msgspec.Struct, frozen=True):
    """A grant that a call needs. ``resource`` is None where only the running execution knows it.

    Attributes:
        parameter: where the resource is named, such as ``TableName`` or ``Entries[0].EventBusName``.
    """

    kind: Kind
    action: Action
    resource: str | None
    parameter: str

    def met_by(self, grants: tuple[Grant, ...]) -> bool:
        """Tells whether grants allow it; of what is not known yet, whether they could."""
        return any(
            grant.kind is self.kind and grant.action == self.action and self.resource in {None, grant.resource}
            for grant in grants
        )


def parse_resource(resource: str) -> ServiceCall | None:
    """Takes the resource of a Task state apart; None for what is no service integration, such as a function's ARN."""
    found = _RESOURCE.fullmatch(resource)
    if found is None:
        return None
    return ServiceCall(found["service"], found["action"], found["pattern"] or "", found["sdk"] is not None)


def needs(call: ServiceCall, arguments: Mapping[str, Any]) -> list[Need]:
    """Returns the grants that a call needs.

    Args:
        arguments: as the document has them (a name may then be a path or an expression), or as they are sent.
    """
    operation = call.operation
    if operation is None or operation.kind is None or operation.grant is None:
        return []
    if operation.kind is Kind.EVENT_BUS:
        return _bus_needs(arguments)
    if operation.service == "" and operation.sdk_service == "s3":
        return _object_needs(operation, operation.grant, arguments)
    resource = static(arguments, operation.names) if operation.names else None
    return [Need(operation.kind, operation.grant, resource, operation.names)]


def lake_grant(action: str, key: str) -> Grant | None:
    """Returns the grant that an action on a key (or a prefix of keys) of the lake needs; None where there is none."""
    zone, _, rest = key.partition("/")
    table, slash, _ = rest.partition("/")
    granted = _LAKE_GRANTS.get((action, zone))
    return Grant(Kind.LAKE, table, granted) if granted is not None and table and slash else None


def static(arguments: Mapping[str, Any], name: str) -> str | None:
    """Returns a parameter's text; None where it is absent, computed by a path or an expression, or no text."""
    value = arguments.get(name)
    return value if isinstance(value, str) and not value.startswith("{%") else None


def is_given(arguments: Mapping[str, Any], name: str) -> bool:
    """Tells whether a parameter is there, itself or as a path."""
    return name in arguments or f"{name}.$" in arguments


def _bus_needs(arguments: Mapping[str, Any]) -> list[Need]:
    entries = arguments.get("Entries")
    if not isinstance(entries, list):
        return [Need(Kind.EVENT_BUS, BusAction.PUT, None, "Entries")]
    found = []
    for number, entry in enumerate(entries):
        bus: str | None = None
        if isinstance(entry, Mapping):
            bus = static(entry, "EventBusName") if is_given(entry, "EventBusName") else DEFAULT_BUS
        found.append(Need(Kind.EVENT_BUS, BusAction.PUT, bus, f"Entries[{number}].EventBusName"))
    return found


def _object_needs(operation: Operation, usual: Action, arguments: Mapping[str, Any]) -> list[Need]:
    key = static(arguments, operation.names)
    grant = None if key is None else lake_grant(operation.action, key)
    if grant is not None:
        return [Need(Kind.LAKE, LakeAction(grant.action), grant.resource, operation.names)]
    return [Need(Kind.LAKE, usual, None if key is None else "", operation.names)]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
_S3_API = "https://docs.aws.amazon.com/AmazonS3/latest/API"
_LAKE_GRANTS: dict[tuple[str, str], LakeAction] = {
    ("getObject", "raw"): LakeAction.READ,
    ("putObject", "raw"): LakeAction.APPEND,
    ("putObject", "quarantine"): LakeAction.QUARANTINE,
    ("listObjectsV2", "raw"): LakeAction.LIST,
}
_WRITES = """TableName ConditionalOperator ConditionExpression Expected ExpressionAttributeNames
    ExpressionAttributeValues ReturnConsumedCapacity ReturnItemCollectionMetrics ReturnValues"""


def _dynamodb(action: str, grant: HotAction, parameters: str, required: str) -> Operation:
    return Operation(
        service="dynamodb", sdk_service="dynamodb", action=action, patterns=frozenset({_ANSWER}),
        parameters=_words(parameters),
        sdk_parameters=frozenset() if action == "getItem" else _words("ReturnValuesOnConditionCheckFailure"),
        required=_words(required), names="TableName", kind=Kind.HOT_TABLE, grant=grant,
        page=f"{_GUIDE}/connect-ddb.html",
    )  # fmt: skip


def _s3(action: str, grant: LakeAction, names: str, parameters: str, required: str) -> Operation:
    return Operation(
        service="", sdk_service="s3", action=action, sdk_parameters=_words(parameters), required=_words(required),
        names=names, kind=Kind.LAKE, grant=grant, page=f"{_S3_API}/API_{action[0].upper()}{action[1:]}.html",
    )  # fmt: skip


def _athena(action: str, parameters: str, required: str) -> Operation:
    jobs = {_JOB} if action == "startQueryExecution" else set()
    return Operation(
        service="athena", sdk_service="athena", action=action, patterns=frozenset({_ANSWER} | jobs),
        parameters=_words(parameters), required=_words(required), kind=Kind.LAKE, grant=LakeAction.QUERY,
        page=f"{_GUIDE}/connect-athena.html",
    )  # fmt: skip


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="lambda", sdk_service="", action="invoke", patterns=frozenset({_ANSWER, _CALLBACK}),
        parameters=_words("ClientContext FunctionName InvocationType LogType Payload Qualifier"),
        required=_words("FunctionName"), page=f"{_GUIDE}/connect-lambda.html",
    ),
    _dynamodb("getItem", HotAction.GET, """TableName Key AttributesToGet ConsistentRead ExpressionAttributeNames
              ProjectionExpression ReturnConsumedCapacity""", "TableName Key"),
    _dynamodb("putItem", HotAction.PUT, f"Item {_WRITES}", "TableName Item"),
    _dynamodb("deleteItem", HotAction.DELETE, f"Key {_WRITES}", "TableName Key"),
    _dynamodb("updateItem", HotAction.UPDATE, f"Key AttributeUpdates UpdateExpression {_WRITES}", "TableName Key"),
    _s3("getObject", LakeAction.READ, "Key", """Bucket Key ChecksumMode ExpectedBucketOwner IfMatch IfModifiedSince
        IfNoneMatch IfUnmodifiedSince PartNumber Range RequestPayer ResponseCacheControl ResponseContentDisposition
        ResponseContentEncoding ResponseContentLanguage ResponseContentType ResponseExpires SSECustomerAlgorithm
        SSECustomerKey SSECustomerKeyMD5 VersionId""", "Bucket Key"),
    _s3("putObject", LakeAction.APPEND, "Key", """Bucket Key Body ACL BucketKeyEnabled CacheControl ChecksumAlgorithm
        ChecksumCRC32 ChecksumCRC32C ChecksumCRC64NVME ChecksumSHA1 ChecksumSHA256 ContentDisposition ContentEncoding
        ContentLanguage ContentLength ContentMD5 ContentType ExpectedBucketOwner Expires GrantFullControl GrantRead
        GrantReadACP GrantWriteACP IfMatch IfNoneMatch Metadata ObjectLockLegalHoldStatus ObjectLockMode
        ObjectLockRetainUntilDate RequestPayer SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5
        SSEKMSEncryptionContext SSEKMSKeyId ServerSideEncryption StorageClass Tagging WebsiteRedirectLocation
        WriteOffsetBytes""", "Bucket Key"),
    _s3("listObjectsV2", LakeAction.LIST, "Prefix", """Bucket Prefix ContinuationToken Delimiter EncodingType
        ExpectedBucketOwner FetchOwner MaxKeys OptionalObjectAttributes RequestPayer StartAfter""", "Bucket"),
    Operation(
        service="sns", sdk_service="sns", action="publish", patterns=frozenset({_ANSWER, _CALLBACK}),
        parameters=_words("""Message MessageAttributes MessageDeduplicationId MessageGroupId MessageStructure
                          PhoneNumber Subject TargetArn TopicArn"""), required=_words("Message"),
        names="TopicArn", kind=Kind.TOPIC, grant=TopicAction.PUBLISH, page=f"{_GUIDE}/connect-sns.html",
    ),
    Operation(
        service="sqs", sdk_service="sqs", action="sendMessage", patterns=frozenset({_ANSWER, _CALLBACK}),
        parameters=_words("DelaySeconds MessageAttributes MessageBody MessageDeduplicationId MessageGroupId QueueUrl"),
        sdk_parameters=_words("MessageSystemAttributes"), required=_words("QueueUrl MessageBody"),
        names="QueueUrl", kind=Kind.QUEUE, grant=QueueAction.SEND, page=f"{_GUIDE}/connect-sqs.html",
    ),
    Operation(
        service="events", sdk_service="eventbridge", action="putEvents", patterns=frozenset({_ANSWER, _CALLBACK}),
        parameters=_words("Entries"), sdk_parameters=_words("EndpointId"), required=_words("Entries"),
        kind=Kind.EVENT_BUS, grant=BusAction.PUT, page=f"{_GUIDE}/connect-eventbridge.html",
    ),
    _athena("startQueryExecution", """ClientRequestToken ExecutionParameters QueryExecutionContext QueryString
            ResultConfiguration ResultReuseConfiguration WorkGroup""", "QueryString"),
    _athena("stopQueryExecution", "QueryExecutionId", "QueryExecutionId"),
    _athena("getQueryExecution", "QueryExecutionId", "QueryExecutionId"),
    _athena("getQueryResults", "QueryExecutionId MaxResults NextToken QueryResultType", "QueryExecutionId"),
    Operation(
        service="glue", sdk_service="glue", action="startJobRun", patterns=frozenset({_ANSWER, _JOB}),
        parameters=_words("""JobName JobRunId Arguments AllocatedCapacity ExecutionClass MaxCapacity
                          NotificationProperty NumberOfWorkers SecurityConfiguration Timeout WorkerType"""),
        sdk_parameters=_words("JobRunQueuingEnabled ExecutionRoleSessionPolicy"), required=_words("JobName"),
        page=f"{_GUIDE}/connect-glue.html",
    ),
    Operation(
        service="states", sdk_service="", action="startExecution",
        patterns=frozenset({_ANSWER, _JOB, _JOB_2, _CALLBACK}),
        parameters=_words("Input Name StateMachineArn TraceHeader"),
        required=_words("StateMachineArn"), names="StateMachineArn", kind=Kind.WORKFLOW, grant=WorkflowAction.START,
        page=f"{_GUIDE}/connect-stepfunctions.html",
    ),
)  # fmt: skip
"""Everything that Penstock knows to call."""

_OPTIMISED = {(one.service, one.action): one for one in OPERATIONS if one.service}
_SDK = {(one.sdk_service, one.action): one for one in OPERATIONS if one.sdk_service}
