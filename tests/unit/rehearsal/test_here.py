"""The scene on this machine: whatever a pipeline has or has not."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock import Bad, Invoke, Pipeline, TaskError, hours, number, relation
from penstock.rehearsal import here
from penstock.rehearsal.observed import Ran
from penstock.rehearsal.scene import BAD_LINE, plan_scene

NOW = 1_772_362_790.0


class Order(msgspec.Struct):
    """An order."""

    id: str


class Kept(msgspec.Struct):
    """A row."""

    id: str
    at: float


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "BETWEEN_SECONDS", 0.0)


def play(pipeline: Pipeline, folder: Path) -> here.Played:
    return here.play(plan_scene(pipeline.build(), NOW), folder / "home")


def test_several_workflows_without_any_data_one_failing_on_purpose(tmp_path: Path) -> None:
    shop = Pipeline("shop")

    @shop.task
    def add(event: Any, context: Any) -> Any:
        if "numbers" not in event:
            raise TaskError("there are none", hint="give some", error="NoNumbers")
        return {"sum": sum(event["numbers"]), "by": context.execution_id}

    @shop.task
    def greet(event: Any, context: Any) -> str:
        return f"hello, it is {event['slot']}"

    shop.workflow("adding", Invoke(add))
    shop.workflow("greeting", Invoke(greet))
    shop.rehearse({"numbers": [1, 2]}, {}, workflow="adding")
    played = play(shop, tmp_path)
    assert played.observed.executions == [
        Ran("adding", "FAILED", ("add",), '"NoNumbers"'),
        Ran("adding", "SUCCEEDED", ("add",), '{"by": "{execution 1}", "sum": 3}'),
        Ran("greeting", "SUCCEEDED", ("greet",), '"hello, it is 2026-03-01T08:00:00Z"'),
    ]
    assert (played.observed.objects, played.observed.items, played.arrivals) == ({}, {}, {})


def test_a_file_of_the_definition_arrives_where_nothing_is_made(tmp_path: Path) -> None:
    shop = Pipeline("shop")
    orders = shop.lake("orders", Order)
    stock = shop.hot_table("Stock", key=("id", number("at")))
    people = shop.topic("people", "console:")

    @shop.task(may=[orders.read, orders.quarantine, stock.put, people.publish])
    def process(event: Any, context: Any) -> int:
        lines = list(context[orders].read(event["key"]))
        bads = [one for one in lines if isinstance(one, Bad)]
        context[orders].quarantine(bads, event["key"])
        for line in lines:
            if not isinstance(line, Bad):
                context[stock].put({"id": line.record.id, "at": int(context.started_at)})
        context[people].publish("Processed", f"{len(lines)} lines at {context.started_at:.0f}")
        return len(lines)

    shop.on_object(orders, Invoke(process))
    shop.rehearse(files={orders: b'{"id": "a"}\n{"id": "b"}\n'})
    played = play(shop, tmp_path)
    (arrival,) = played.arrivals.values()
    assert arrival.data == b'{"id": "a"}\n{"id": "b"}\n' + BAD_LINE
    assert [(one.status, one.output) for one in played.observed.executions] == [("SUCCEEDED", "3")]
    assert played.observed.items == {"Stock": ['{"at": "{now}", "id": "a"}', '{"at": "{now}", "id": "b"}']}
    kinds = sorted(key.partition("/")[0] for key in played.observed.objects)
    assert kinds == ["quarantine", "raw"]
    ((topic, subject, _),) = played.observed.messages
    assert (topic, subject) == ("people", "Processed")


def test_two_plays_of_one_scene_leave_the_same(tmp_path: Path) -> None:
    shop = Pipeline("shop")
    orders = shop.lake("orders", Order)
    count = shop.metric("Count")

    @shop.task(may=[orders.append, count.publish])
    def take(event: Any, context: Any) -> Any:
        context[count].publish(2.0)
        return context[orders].append([Order("a"), Order(context.execution_id)]).key

    shop.every(hours(1), take)
    first, second = play(shop, tmp_path / "one").observed, play(shop, tmp_path / "two").observed
    assert first == second
    assert first.metrics["shop/Count"] == "1 values from 2 to 2, sum 2"
    assert list(first.objects.values()) == ['{"id": "a"}\n{"id": "{execution 1}"}']


def test_a_file_arrives_in_an_inbox_and_rows_are_seen(tmp_path: Path) -> None:
    shop = Pipeline("shop")
    box = shop.inbox("box")
    crm = shop.warehouse("crm", tables=[relation("orders", Kept, key="id")])

    @shop.task(may=[box.read, crm.write])
    def keep(event: Any, context: Any) -> Any:
        with context[box].open(event["key"]) as file, context[crm].transaction("one") as tables:
            tables.upsert("orders", [Kept(file.read().decode(), context.started_at)])
            tables.finish(counts={"bytes": file.size})
        return file.name

    shop.on_object(box, keep)
    shop.rehearse(files={box: b"of the definition"})
    played = play(shop, tmp_path)
    ((key, came),) = played.arrivals.items()
    assert (came.table, came.data) == ("box", b"of the definition")
    assert key.startswith("inbox/box/year=")
    assert played.observed.executions == [Ran("keep", "SUCCEEDED", ("keep",), '"arrived"')]
    assert played.observed.rows == {
        "crm.orders": ['{"at": "{now}", "id": "of the definition"}'],
        "crm.pipeline_runs": ['{"counts": {"bytes": 17}, "run_id": "one"}'],
    }


def test_the_file_to_begin_with_arrives_where_the_definition_gives_none(tmp_path: Path) -> None:
    shop = Pipeline("shop")
    box = shop.inbox("box")

    @shop.task(may=[box.read])
    def look(event: Any, context: Any) -> Any:
        return event["size"]

    shop.on_object(box, look)
    assert play(shop, tmp_path / "none").arrivals == {}
    example = tmp_path / "example.csv"
    example.write_bytes(b"a,b\n")
    shop.example(example)
    played = play(shop, tmp_path / "one")
    assert [(one.name, one.data) for one in played.arrivals.values()] == [("example.csv", b"a,b\n")]
    assert [ran.output for ran in played.observed.executions] == ["4"]


def test_a_pipeline_without_workflows_is_played_to_its_end(tmp_path: Path) -> None:
    played = play(Pipeline("empty"), tmp_path)
    assert played.observed.executions == []


def test_what_a_workflow_does_by_itself_is_seen(tmp_path: Path) -> None:
    shop = Pipeline("shop")
    stock = shop.hot_table("Stock", key="id")
    # Nobody is subscribed: what is said is heard all the same.
    people, jobs = shop.topic("people"), shop.queue("jobs")

    @shop.task
    def double(event: Any, context: Any) -> Any:
        return 2 * event

    def call(resource: str, following: str, **parameters: Any) -> dict[str, Any]:
        body = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}
        return {**body, "ResultPath": None, "Next": following}

    each = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload", "End": True,
            "Parameters": {"FunctionName": "shop-double", "Payload.$": "$"}}  # fmt: skip
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Double",
                 "States": {"Double": each}}  # fmt: skip
    states = {
        "Put": call("dynamodb:putItem", "Say", TableName="Stock", Item={"id": {"S": "a"}}),
        "Say": call("sns:publish", "Send", TopicArn="people", Message={"said": "it"}),
        "Send": call("sqs:sendMessage", "Each", QueueUrl="jobs", MessageBody={"do": "it"}),
        "Each": {"Type": "Map", "ItemsPath": "$.numbers", "ItemProcessor": processor, "End": True},
    }
    path = tmp_path / "main.asl.json"
    path.write_text(json.dumps({"StartAt": "Put", "States": states}))
    shop.workflow("main", path, may=[stock.put, people.publish, jobs.send])
    shop.rehearse({"numbers": [1, 2]}, workflow="main")
    observed = play(shop, tmp_path).observed
    # Executions of a Map's items are listed nowhere in AWS either.
    assert observed.executions == [Ran("main", "SUCCEEDED", ("Each", "Put", "Say", "Send"), "[2, 4]")]
    assert observed.items == {"Stock": ['{"id": "a"}']}
    assert observed.messages == [("people", "people", '{"said": "it"}')]
    assert observed.waiting == [("jobs", '{"do": "it"}')]
