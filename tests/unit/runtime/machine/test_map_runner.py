"""Map runs: their items, how many run at once, and what they read."""

import json
from typing import Any

import pytest
from tests.map_runs import CHOOSY, document, reader

from penstock import states


def test_each_item_is_an_execution_and_the_output_is_in_order(world: Any) -> None:
    here = world(document(MaxConcurrency=3))
    command = here.start([{"n": number} for number in range(10)])
    answer = here.answer()
    assert answer == states.TaskSucceeded(
        token=command.token, output=[{"n": number} for number in range(10)], at=here.clock.now()
    )
    run = here.runs.by_token(command.token)
    children = here.runs.children(run.id, "", 100)
    assert [json.loads(child.input)["n"] for child in children] == list(range(10))
    assert {child.source for child in children} == {f"map:{run.id}"}
    assert {(child.root, child.workflow, child.pipeline) for child in children} == {("parent", "w", "p")}
    assert (run.items.succeeded, run.executions.succeeded, run.given, run.status) == (10, 10, 10, "SUCCEEDED")


def test_no_more_run_at_once_than_may(world: Any) -> None:
    here = world(document(CHOOSY, MaxConcurrency=3))
    here.start([{"slow": 1}] * 8)
    for _ in range(5):
        here.turn()
    assert len(here.running) == here.most_running == 3
    for _ in range(8):
        child = next(iter(here.running), None)
        if child is None:
            break
        _, _, state = here.running[child]
        (timer,) = states.pending(state)
        here.step(child, states.TimerFired(token=timer.token, at=here.clock.now()))
        here.turn()
    assert len(here.answer().output) == 8
    assert here.most_running == 3


def test_an_objects_members_and_the_selector(world: Any) -> None:
    selector = {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.a"}
    here = world(document(ItemSelector=selector))
    here.start({"a": 1, "b": 2})
    assert here.answer().output == [{"k": "a", "v": 1, "i": 0, "all": 1}, {"k": "b", "v": 2, "i": 1, "all": 1}]


def test_items_are_batched_after_the_selector(world: Any) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"f.$": "$[0]"}}
    here = world(document(CHOOSY, ItemSelector={"x.$": "$$.Map.Item.Value"}, ItemBatcher=batcher))
    command = here.start([5, 6, 7])
    assert here.answer().output == [
        {"BatchInput": {"f": 5}, "Items": [{"x": 5}, {"x": 6}]},
        {"BatchInput": {"f": 5}, "Items": [{"x": 7}]},
    ]
    run = here.runs.by_token(command.token)
    assert (run.items.succeeded, run.executions.succeeded) == (3, 2)


def test_items_are_read_from_the_lake(world: Any) -> None:
    here = world(document(ItemReader=reader(), ItemSelector={"v.$": "$$.Map.Item.Value", "s.$": "$$.Map.Item.Source"}))
    here.objects.put("raw/t/items.jsonl", b"1\n2\n")
    here.start({})
    source = "S3://lake/raw/t/items.jsonl"
    assert here.answer().output == [{"v": 1, "s": source}, {"v": 2, "s": source}]


def test_objects_of_the_lake_are_listed(world: Any) -> None:
    listing = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "lake", "Prefix": "raw/t/"}}
    here = world(document(ItemReader=listing))
    here.objects.put("raw/t/a", b"12")
    here.objects.put("raw/u/b", b"")
    here.start({})
    (entry,) = here.answer().output
    assert (entry["Key"], entry["Size"], entry["StorageClass"]) == ("raw/t/a", 2, "STANDARD")
    assert entry["Etag"][0] == entry["Etag"][-1] == '"'
    assert isinstance(entry["LastModified"], float)


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"Bucket": "lake", "Key": "raw/t/missing"}, "The specified key does not exist"),
        ({"Bucket": "elsewhere", "Key": "raw/t/x"}, "The specified bucket does not exist"),
        ({"Bucket": "lake", "Key": "raw/secret/x"}, "is not authorized to perform: s3:GetObject"),
        ({"Bucket": "lake", "Key": "raw/t/../../journal.sqlite"}, "segment"),
        ({"Bucket": "lake", "Key": "/etc/passwd"}, "is not authorized"),
        ({"Bucket": "lake", "Key": "../journal.sqlite"}, "is not authorized"),
    ],
)
def test_what_is_not_granted_or_not_there_is_not_read(world: Any, parameters: dict[str, Any], cause: str) -> None:
    here = world(document(ItemReader={**reader(), "Parameters": parameters}))
    here.start({})
    answer = here.answer()
    assert answer.error == "States.ItemReaderFailed"
    assert cause in answer.cause


def test_without_a_grant_nothing_is_read(world: Any) -> None:
    here = world(document(ItemReader=reader()), may=())
    here.objects.put("raw/t/items.jsonl", b"1\n")
    here.start({})
    assert "add t.read to its may=[…]" in here.answer().cause


def test_a_reader_that_fails_in_the_middle_stops_the_map(world: Any) -> None:
    here = world(document(ItemReader=reader(), MaxConcurrency=1))
    here.objects.put("raw/t/items.jsonl", b"1\n2\nnope\n")
    here.start({})
    answer = here.answer()
    assert (answer.error, "Line 3" in answer.cause) == ("States.ItemReaderFailed", True)
