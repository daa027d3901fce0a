"""A deployed pipeline is driven and observed from outside, on moto, which runs the state machines."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Invoke, Pipeline, days, hours
from penstock.adapters.aws.notify import SnsPublisher
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.adapters.local.clock import SystemClock
from penstock.errors import UnavailableError
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.ports.notify import Message
from penstock.rehearsal import there
from penstock.rehearsal.furnish import table_arguments
from penstock.rehearsal.observed import Observed, Ran
from penstock.rehearsal.scene import Arrival, Scene, Start
from penstock.rehearsal.there import Deployed
from penstock.runtime.aws.emf import EmbeddedMetrics

ROLE = "arn:aws:iam::123456789012:role/states"
REGION = "eu-central-1"
ECHO = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "Next": "Done"}, "Done": {"Type": "Succeed"}}}
BROKEN = {"StartAt": "Stop", "States": {"Stop": {"Type": "Fail", "Error": "NoNumbers", "Cause": "none"}}}
SLOW = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 300, "End": True}}}


class Order(msgspec.Struct):
    """An order."""

    id: str


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch, aws: str) -> Iterator[None]:
    for name, seconds in {"POLL_SECONDS": 0.02, "QUIET_SECONDS": 0.05, "TRIGGER_SECONDS": 0.5}.items():
        monkeypatch.setattr(there, name, seconds)
    configure(aws, executes=True)
    yield
    configure(aws, executes=False)


def configure(endpoint: str, *, executes: bool) -> None:
    body = json.dumps({"stepfunctions": {"execute_state_machine": executes}}).encode()
    request = urllib.request.Request(f"{endpoint}/moto-api/config", data=body)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass


def deploy(pipeline: Pipeline, *, prefix: str = "") -> tuple[Definition, dict[str, Any]]:
    """Makes what a deployment has, and returns the outputs of its Terraform."""
    definition = pipeline.build()
    states, sns, logs = client("stepfunctions"), client("sns"), client("logs")
    outputs: dict[str, Any] = {
        "name_prefix": prefix,
        "functions": {name: f"{prefix}{definition.name}-{name}" for name in definition.tasks},
        "state_machines": {
            name: states.create_state_machine(
                name=f"{prefix}{name}", definition=workflow.definition.decode(), roleArn=ROLE
            )["stateMachineArn"]
            for name, workflow in definition.workflows.items()
        },
    }
    for function in outputs["functions"].values():
        logs.create_log_group(logGroupName=f"/aws/lambda/{function}")
        logs.create_log_stream(logGroupName=f"/aws/lambda/{function}", logStreamName="one")
    if definition.lake_tables:
        where = {"LocationConstraint": REGION}
        client("s3").create_bucket(Bucket=f"{prefix}lake", CreateBucketConfiguration=where)
        outputs["lake_bucket"] = f"{prefix}lake"
    if definition.hot_tables:
        outputs["hot_tables"] = {name: f"{prefix}{name}" for name in definition.hot_tables}
        for name, table in definition.hot_tables.items():
            client("dynamodb").create_table(**{**table_arguments(table), "TableName": f"{prefix}{name}"})
    if definition.topics:
        outputs["topics"] = {name: sns.create_topic(Name=f"{prefix}{name}")["TopicArn"] for name in definition.topics}
    return definition, outputs


def observe(
    pipeline: Pipeline,
    *starts: Start,
    prefix: str = "",
    meanwhile: Callable[[Any], None] | None = None,
    arrivals: dict[str, Arrival] | None = None,
) -> Observed:
    definition, outputs = deploy(pipeline, prefix=prefix)
    deployed = Deployed(definition, outputs, SystemClock(), lambda text: None)
    deployed.listen()
    deployed.start_afresh()
    if meanwhile is None:
        observed = deployed.play(Scene(definition=definition, starts=starts), arrivals or {})
    else:
        # What functions would do is done in their place, before the run is looked at.
        deployed = Deployed(definition, outputs, Later(meanwhile, outputs), lambda text: None)
        deployed.listen()
        observed = deployed.play(Scene(definition=definition, starts=starts), arrivals or {})
    deployed.stop_listening()
    assert client("sqs").list_queues().get("QueueUrls", []) == []
    return observed


class Later(SystemClock):
    """A clock that does something after it was first read."""

    def __init__(self, meanwhile: Callable[[Any], None], outputs: dict[str, Any]) -> None:
        self._do: Callable[[], None] | None = lambda: meanwhile(outputs)

    def now(self) -> float:
        at = super().now()
        do, self._do = self._do, None
        if do is not None:
            do()
        return at


def of_file(tmp_path: Path, **documents: Any) -> Pipeline:
    pipeline = Pipeline("shop")
    for name, document in documents.items():
        path = tmp_path / f"{name}.asl.json"
        path.write_text(json.dumps(document))
        pipeline.workflow(name, path)
    return pipeline


def test_a_pipeline_without_lake_tables_and_topics_is_observed(tmp_path: Path) -> None:
    found = observe(of_file(tmp_path, shop=ECHO), Start("shop", {"n": 1}))
    assert found.executions == [Ran("shop", "SUCCEEDED", ("Done", "Echo"), '{"n": 1}')]
    assert (found.objects, found.items, found.messages, found.notices, found.metrics) == ({}, {}, [], [], {})


def test_each_workflow_runs_and_one_that_fails_on_purpose_has_its_error(tmp_path: Path) -> None:
    pipeline = of_file(tmp_path, one=ECHO, two=BROKEN)
    found = observe(pipeline, Start("one", {"n": 1}), Start("two", {}), Start("one", {"n": 2}))
    assert found.executions == [
        Ran("one", "SUCCEEDED", ("Done", "Echo"), '{"n": 1}'),
        Ran("one", "SUCCEEDED", ("Done", "Echo"), '{"n": 2}'),
        Ran("two", "FAILED", ("Stop",), '"NoNumbers"'),
    ]


def test_executions_are_numbered_in_the_order_of_the_scene(tmp_path: Path) -> None:
    named = {
        "StartAt": "Name",
        "States": {"Name": {"Type": "Pass", "Parameters": {"by.$": "$$.Execution.Id"}, "End": True}},
    }
    found = observe(of_file(tmp_path, shop=named), Start("shop", {}), Start("shop", {}))
    assert [json.loads(one.output)["by"].rpartition(":")[2] for one in found.executions] == [
        "{execution 1}", "{execution 2}",
    ]  # fmt: skip


def storing(tmp_path: Path) -> Pipeline:
    pipeline = of_file(tmp_path, shop=ECHO)
    pipeline.lake("orders", Order)
    pipeline.hot_table("Stock", key="id", ttl=days(1))
    pipeline.topic("people")

    @pipeline.task
    def take(event: Any, context: Any) -> None: ...

    return pipeline


def test_what_was_there_before_is_removed_and_what_came_is_observed(tmp_path: Path) -> None:
    definition, outputs = deploy(storing(tmp_path))
    clock = SystemClock()
    deployed = Deployed(definition, outputs, clock, lambda text: None)
    deployed.listen()
    objects = S3ObjectStore(outputs["lake_bucket"])

    def leave(name: str) -> None:
        objects.put(f"raw/orders/year=2020/month=01/day=01/hour=00/{name}.json", b'{"id": "a"}\n')
        client("dynamodb").put_item(TableName="Stock", Item={"id": {"S": name}})
        said = Message(id=name, topic="people", subject=f"about {name}", body=f"text of {name}", created_at=clock.now())
        SnsPublisher(outputs["topics"]).publish(definition.topics["people"], said)
        deployed.executions.start("shop", f"by-{name}", b"{}")

    leave("before")
    deployed.start_afresh()
    assert list(objects.list()) == []
    assert client("dynamodb").scan(TableName="Stock")["Items"] == []
    leave("after")
    found = deployed.play(Scene(definition=definition, starts=()), {})
    assert [one.workflow for one in found.executions] == ["shop"]
    assert found.objects == {"raw/orders/year=2020/month=01/day=01/hour=00/after.json": '{"id": "a"}'}
    assert found.items == {"Stock": ['{"id": "after"}']}
    assert found.messages == [("people", "about after", "text of after")]


def watching(tmp_path: Path) -> Pipeline:
    pipeline = storing(tmp_path)
    late = pipeline.metric("Late")
    people = pipeline.topic("alarmed", "console:")

    @pipeline.task(may=[late.publish])
    def tell(event: Any, context: Any) -> None: ...

    pipeline.alarm("TooLate", metric=late, above=5, period=hours(1), notify=people)
    return pipeline


@pytest.mark.parametrize("prefix", ["", "dev-"])
def test_metrics_alarms_and_notices_have_the_names_of_the_definition(tmp_path: Path, prefix: str) -> None:
    pipeline = watching(tmp_path)
    late = pipeline.declared().metrics["Late"]

    def functions(outputs: dict[str, Any]) -> None:
        now = time.time()
        lines: list[str] = []
        EmbeddedMetrics(SystemClock(), lines.append, prefix).publish([Datapoint(late, now, 7.0)])
        group = f"/aws/lambda/{outputs['functions']['tell']}"
        events = [{"timestamp": round(now * 1000) + 50, "message": line} for line in lines]
        client("logs").put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
        for name, state in (("TooLate", "ALARM"), ("shop-killed", "OK")):
            client("cloudwatch").put_metric_alarm(
                AlarmName=f"{prefix}{name}", Namespace=f"{prefix}shop", MetricName="Late", Period=3600,
                Statistic="Average", Threshold=5.0, EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold",
            )  # fmt: skip
            client("cloudwatch").set_alarm_state(AlarmName=f"{prefix}{name}", StateValue=state, StateReason="test")
        client("sns").publish(
            TopicArn=outputs["topics"]["alarmed"], Subject=f'ALARM: "{prefix}TooLate" in {REGION}', Message="{}"
        )

    found = observe(pipeline, Start("shop", {}), prefix=prefix, meanwhile=functions)
    assert found.metrics == {"shop/Late": "1 values from 7 to 7, sum 7"}
    assert found.alarms == {"TooLate": "ALARM", "shop-killed": "OK"}
    assert found.notices == [("alarmed", "TooLate")]
    assert found.messages == []
    # They were carried over to where alarms look.
    carried = client("cloudwatch").list_metrics(Namespace=f"{prefix}shop")["Metrics"]
    assert [one["MetricName"] for one in carried] == ["Late"]


def test_a_trigger_that_never_fires_is_given_up_and_seen_as_a_missing_execution(tmp_path: Path) -> None:
    pipeline = of_file(tmp_path, shop=ECHO)
    orders = pipeline.lake("orders", Order)

    @pipeline.task(may=[orders.read])
    def process(event: Any, context: Any) -> None: ...

    pipeline.on_object(orders, Invoke(process), name="process")
    key = "raw/orders/year=2020/month=01/day=01/hour=00/arrived.json"
    came = Arrival(table="orders", name="arrived.json", data=b"{}\n")
    began = time.monotonic()
    found = observe(pipeline, Start("shop", {}), arrivals={key: came})
    assert 0.4 < time.monotonic() - began < 30
    assert [one.workflow for one in found.executions] == ["shop"]
    assert list(found.objects) == [key]


def test_what_runs_for_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(there, "LONGEST_SECONDS", 0.3)
    with pytest.raises(UnavailableError, match="resting still runs"):
        observe(of_file(tmp_path, resting=SLOW), Start("resting", {}))


def test_a_schedule_that_started_nothing_is_seen(tmp_path: Path) -> None:
    definition, outputs = deploy(of_file(tmp_path, one=ECHO, two=ECHO))
    deployed = Deployed(definition, outputs, SystemClock(), lambda text: None)
    deployed.executions.start("one", "by-a-schedule", b"{}")
    assert deployed.wait_for("one", 5.0)
    assert not deployed.wait_for("two", 0.1)
    # Two schedules of one workflow start it twice.
    assert not deployed.wait_for("one", 0.1, 2)
    deployed.executions.start("one", "by-another", b"{}")
    assert deployed.wait_for("one", 5.0, 2)
