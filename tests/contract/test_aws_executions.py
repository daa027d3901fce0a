"""Executions in Step Functions, on moto, which runs the state machines."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from penstock.adapters.aws.executions import DeployedExecution, StepFunctionsExecutions
from penstock.adapters.aws.session import client
from penstock.errors import AlreadyExistsError, NotFoundError
from penstock.ports.journal import Status

ROLE = "arn:aws:iam::123456789012:role/states"
ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}}
BROKEN = {"StartAt": "Stop", "States": {"Stop": {"Type": "Fail", "Error": "Lost", "Cause": "no host"}}}
SLOW = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}}}


def configure(endpoint: str, *, executes: bool) -> None:
    body = json.dumps({"stepfunctions": {"execute_state_machine": executes}}).encode()
    request = urllib.request.Request(f"{endpoint}/moto-api/config", data=body)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass


@pytest.fixture
def executions(aws: str) -> Iterator[StepFunctionsExecutions]:
    configure(aws, executes=True)
    states = client("stepfunctions")
    arns = {
        name: states.create_state_machine(name=f"prod-{name}", definition=json.dumps(document), roleArn=ROLE)[
            "stateMachineArn"
        ]
        for name, document in {"echo": ECHO, "broken": BROKEN, "slow": SLOW}.items()
    }
    yield StepFunctionsExecutions(arns)
    configure(aws, executes=False)


@pytest.fixture
def ended(executions: StepFunctionsExecutions) -> Callable[[str], DeployedExecution]:
    """Waits until an execution is over."""

    def wait(arn: str) -> DeployedExecution:
        for _ in range(500):
            found = executions.describe(arn)
            if found.status.is_final:
                return found
        raise AssertionError(found)

    return wait


def test_an_execution_is_started_and_described(
    executions: StepFunctionsExecutions, ended: Callable[[str], DeployedExecution]
) -> None:
    arn = executions.start("echo", "slot-1", b'{"slot": 1}')
    found = ended(arn)
    assert (found.name, found.workflow, found.status) == ("slot-1", "echo", Status.SUCCEEDED)
    assert [json.loads(text or b"") for text in (found.input, found.output)] == [{"slot": 1}, {"slot": 1}]
    assert found.stopped_at is not None
    assert found.started_at <= found.stopped_at


def test_a_failed_execution_says_why(
    executions: StepFunctionsExecutions, ended: Callable[[str], DeployedExecution]
) -> None:
    found = ended(executions.start("broken", "one", b"{}"))
    assert (found.status, found.error, found.cause, found.output) == (Status.FAILED, "Lost", "no host", None)


def test_a_history_is_in_order(executions: StepFunctionsExecutions, ended: Callable[[str], DeployedExecution]) -> None:
    arn = executions.start("echo", "one", b'{"a": 1}')
    ended(arn)
    events = list(executions.history(arn))
    assert [event.type for event in events] == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert [event.id for event in events] == [1, 2, 3, 4]
    assert events[1].details["name"] == "Echo"
    assert json.loads(events[0].details["input"]) == {"a": 1}


def test_executions_are_listed_by_workflow_and_status(
    executions: StepFunctionsExecutions, ended: Callable[[str], DeployedExecution]
) -> None:
    for name in ("a", "b"):
        ended(executions.start("echo", name, b"{}"))
    ended(executions.start("broken", "c", b"{}"))
    assert {one.name for one in executions.list("echo")} == {"a", "b"}
    assert [one.name for one in executions.list("broken", Status.FAILED)] == ["c"]
    assert list(executions.list("broken", Status.RUNNING)) == []


def test_an_execution_is_stopped(executions: StepFunctionsExecutions) -> None:
    arn = executions.start("slow", "one", b"{}")
    assert executions.describe(arn).status is Status.RUNNING
    executions.stop(arn, error="Operator", cause="not needed")
    found = executions.describe(arn)
    # moto's thread that runs it may overwrite the first stop.
    end = time.monotonic() + 20
    while found.status is Status.RUNNING and time.monotonic() < end:
        time.sleep(0.1)
        executions.stop(arn, error="Operator", cause="not needed")
        found = executions.describe(arn)
    # moto forgets the reason.
    assert found.status is Status.ABORTED
    assert found.stopped_at is not None


def test_a_name_is_used_once(executions: StepFunctionsExecutions) -> None:
    arn = executions.start("slow", "one", b"{}")
    assert executions.start("slow", "one", b"{}") == arn
    with pytest.raises(AlreadyExistsError, match="execution one already"):
        executions.start("slow", "one", b'{"other": 1}')
    executions.stop(arn)


def test_what_is_not_there_is_named(executions: StepFunctionsExecutions) -> None:
    with pytest.raises(NotFoundError) as unknown:
        executions.start("ecko", "one", b"{}")
    assert "broken, echo, slow" in unknown.value.hint
    arn = executions.start("echo", "one", b"{}")
    with pytest.raises(NotFoundError):
        executions.describe(arn + "-gone")
    with pytest.raises(NotFoundError):
        list(executions.history(arn + "-gone"))
