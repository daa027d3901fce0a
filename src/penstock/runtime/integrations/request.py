"""One request to a service: what it asks, what it may, and how the service answers or refuses.

An optimised integration speaks through AWS's SDK for Java 1, an ``aws-sdk:`` one through version 2. Both name an error
``Prefix.Error``; an error that the service's API does not define has the name of the SDK's base class, and its code is
in the cause. https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html (the prefixes, and the
suffix ``Exception``) · https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html (the two prefixes)
"""

from __future__ import annotations

import uuid
from typing import Any, Protocol

import msgspec

from penstock.errors import TaskError
from penstock.model.access import Action, Grant, Kind
from penstock.model.integrations import Operation, ServiceCall
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow
from penstock.ports.hot import HotExchange
from penstock.ports.invoke import Call
from penstock.ports.objects import ObjectStore
from penstock.ports.query import QueryEngine
from penstock.runtime.context import Ports

NAMESPACE = uuid.UUID("6f0c1b5e-6d39-4f7e-9b44-0a6f5d0c7d11")
ACCOUNT = "000000000000"


class ServicePorts(Ports, Protocol):
    """What a home offers to workflows beside what it offers to tasks.

    Attributes:
        answers: keeps the answers of queries.
    """

    @property
    def exchange(self) -> HotExchange: ...
    @property
    def query(self) -> QueryEngine: ...
    @property
    def answers(self) -> ObjectStore: ...


class ServiceNames(msgspec.Struct, frozen=True):
    """What a service is called in errors.

    Attributes:
        optimised, sdk: the prefixes of its errors.
        optimised_base, sdk_base: the names of errors that its API does not define.
        full: its name in the causes of an optimised integration.
        defined: the errors that its API defines.
        denied, denied_status: how it refuses what was not granted.
    """

    optimised: str
    optimised_base: str
    full: str
    sdk: str
    sdk_base: str
    defined: frozenset[str]
    denied: str = "AccessDeniedException"
    denied_status: int = 400


class Request:
    """A request of one Task state.

    Attributes:
        arguments: the effective input of the state.
        id: names the request; the same when it is made again for the same attempt.
    """

    def __init__(
        self, definition: Definition, call: Call, service: ServiceCall, operation: Operation, ports: ServicePorts
    ) -> None:
        self.definition = definition
        self.call = call
        self.service = service
        self.operation = operation
        self.ports = ports
        self.id = str(uuid.uuid5(NAMESPACE, call.token))
        self.names = NAMES[operation.sdk_service]
        self.arguments: dict[str, Any] = self._checked(msgspec.json.decode(call.event))

    @property
    def workflow(self) -> Workflow:
        """The workflow as it is defined now."""
        found = self.definition.workflows.get(self.call.workflow)
        return Workflow(name=self.call.workflow, definition=b"{}") if found is None else found

    def may(self, kind: Kind, action: Action, resource: str) -> bool:
        """Tells whether the workflow was granted an action."""
        return Grant(kind, resource, action) in self.workflow.may

    def require(self, kind: Kind, action: Action, resource: str) -> None:
        """Raises the service's error for what was not granted, unless it was."""
        if not self.may(kind, action, resource):
            raise self.denied(kind, action, resource)

    def denied(self, kind: Kind, action: Action, resource: str) -> TaskError:
        """Returns the service's error for what was not granted."""
        noun, workflow = kind.value.replace("_", " "), self.workflow
        place = f" at {workflow.place}" if workflow.place else ""
        message = (
            f"Workflow {workflow.name} of pipeline {self.definition.name} is not authorized to {action} {noun} "
            f"{resource}: add <{resource}>.{action} to its may=[...]{place}"
        )
        return self.refusal(self.names.denied, message, self.names.denied_status)

    def refusal(self, code: str, message: str, status: int = 400) -> TaskError:
        """Returns an error of the service, named and worded as the integration does."""
        names = self.names
        is_defined = code in names.defined
        name = code if code.endswith("Exception") else f"{code}Exception"
        if self.service.sdk:
            cause = f"{message} (Service: {names.sdk}, Status Code: {status}, Request ID: {self.id})"
            return TaskError(cause, error=f"{names.sdk}.{name if is_defined else names.sdk_base}")
        details = f"Service: {names.full}; Status Code: {status}; Error Code: {code}; Request ID: {self.id}"
        error = f"{names.optimised}.{name if is_defined else names.optimised_base}"
        return TaskError(f"{message} ({details}; Proxy: null)", error=error)

    def unusable(self, *problems: str) -> TaskError:
        """Returns the error of parameters of which no request can be made; nothing can catch it by States.ALL."""
        given = self.call.event.decode("utf-8", "replace")
        listed = ", ".join(problems)
        return TaskError(f"The Parameters '{given}' could not be used to start the Task: [{listed}]",
                         error="States.Runtime")  # fmt: skip

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Returns the state's result: the service's answer, and about an optimised integration's how it came."""
        if self.service.sdk:
            return body
        headers = {"x-amzn-RequestId": self.id, "Content-Type": "application/json"}
        return {
            **body,
            "SdkHttpMetadata": {
                "AllHttpHeaders": {name: [value] for name, value in headers.items()},
                "HttpHeaders": headers,
                "HttpStatusCode": 200,
            },
            "SdkResponseMetadata": {"RequestId": self.id},
        }

    def text(self, name: str) -> str | None:
        """Returns a parameter that is text; None where there is none."""
        value = self.arguments.get(name)
        if value is not None and not isinstance(value, str):
            raise self.unusable(f"The value for the field '{name}' must be a STRING")
        return value

    def number(self, name: str) -> int | None:
        """Returns a parameter that is a whole number; None where there is none."""
        value = self.arguments.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.unusable(f"The value for the field '{name}' must be an INTEGER")
        return value

    def object(self, name: str) -> dict[str, Any]:
        """Returns a parameter that is a JSON object; an empty one where there is none."""
        value = self.arguments.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.unusable(f"The value for the field '{name}' must be an OBJECT")
        return value or {}

    def as_text(self, name: str) -> str:
        """Returns a parameter that is sent as text: any JSON but text is written as JSON."""
        value = self.arguments.get(name)
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    def _checked(self, arguments: Any) -> dict[str, Any]:
        if not isinstance(arguments, dict):
            raise self.unusable("The parameters must be an OBJECT")
        known = self.operation.takes(sdk=self.service.sdk)
        unknown = [f"The field '{name}' is not supported by Step Functions" for name in arguments if name not in known]
        missing = [
            f"The field '{name}' is required but was missing"
            for name in sorted(self.operation.required)
            if arguments.get(name) is None
        ]
        if unknown or missing:
            raise self.unusable(*unknown, *missing)
        return arguments


def _names(optimised: str, base: str, full: str, sdk: str, defined: str, **more: Any) -> ServiceNames:
    return ServiceNames(optimised, base, full, sdk, f"{sdk}Exception", frozenset(defined.split()), **more)


NAMES: dict[str, ServiceNames] = {
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html#API_UpdateItem_Errors
    "dynamodb": _names(
        "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2", "DynamoDb",
        """ConditionalCheckFailedException InternalServerError ItemCollectionSizeLimitExceededException
        ProvisionedThroughputExceededException RequestLimitExceeded ResourceNotFoundException ThrottlingException
        TransactionConflictException""",
    ),
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_Errors
    "s3": _names("S3", "AmazonS3Exception", "Amazon S3", "S3", "NoSuchKey NoSuchBucket InvalidObjectState",
                 denied="AccessDenied", denied_status=403),
    # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
    "sns": _names("SNS", "AmazonSNSException", "AmazonSNS", "Sns",
                  "AuthorizationError InvalidParameter InternalError NotFound EndpointDisabled",
                  denied="AuthorizationError", denied_status=403),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors
    "sqs": _names("SQS", "AmazonSQSException", "AmazonSQS", "Sqs",
                  "InvalidMessageContents QueueDoesNotExist RequestThrottled UnsupportedOperation InvalidAddress",
                  denied="AccessDenied", denied_status=403),
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html#API_PutEvents_Errors
    "eventbridge": _names("EventBridge", "AmazonEventBridgeException", "AmazonEventBridge", "EventBridge",
                          "InternalException"),
    # https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html#API_StartQueryExecution_Errors
    "athena": _names("Athena", "AmazonAthenaException", "AmazonAthena", "Athena",
                     "InternalServerException InvalidRequestException TooManyRequestsException"),
    # https://docs.aws.amazon.com/glue/latest/webapi/API_StartJobRun.html#API_StartJobRun_Errors
    "glue": _names("Glue", "AWSGlueException", "AWSGlue", "Glue",
                   "ConcurrentRunsExceededException EntityNotFoundException InternalServiceException "
                   "InvalidInputException OperationTimeoutException ResourceNumberLimitExceededException"),
}  # fmt: skip
