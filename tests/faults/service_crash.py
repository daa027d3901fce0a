"""Runs a workflow that counts by itself: ``service_crash.py HOME start`` begins an execution, ``recover`` goes on."""

import json
import sys
from pathlib import Path

import msgspec

from penstock import Pipeline
from penstock.ports.journal import Filter
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

KEY = {"TableName": "Counters", "Key": {"id": {"S": "visits"}}}
COUNT = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
STATES = {
    "Count": ("dynamodb:updateItem", KEY | COUNT),
    "Claim": (
        "dynamodb:putItem",
        {"TableName": "Counters", "Item": {"id": {"S": "claim"}}, "ConditionExpression": "attribute_not_exists(id)"},
    ),
    "Keep": (
        "aws-sdk:s3:putObject",
        {"Bucket": "lake", "Key": "raw/counts/year=2026/month=02/day=20/hour=07/one.json", "Body": {"n": 1},
         "IfNoneMatch": "*"},
    ),
    "Tell": ("sns:publish", {"TopicArn": "people", "Message": "counted"}),
    "Send": ("sqs:sendMessage", {"QueueUrl": "jobs", "MessageBody": "count"}),
    "Put": ("events:putEvents", {"Entries": [
        {"EventBusName": "counting", "Source": "counter", "DetailType": "Counted", "Detail": {"n": 1}}
    ]}),
}  # fmt: skip


class Count(msgspec.Struct):
    """A record of the lake."""

    n: int


def definition(folder):
    """Returns the pipeline."""
    pipeline = Pipeline("counter")
    counters = pipeline.hot_table("Counters", key="id")
    counts = pipeline.lake("counts", Count)
    people = pipeline.topic("people", "file:")
    jobs = pipeline.queue("jobs")
    counting = pipeline.event_bus("counting")
    names = list(STATES)
    states = {
        name: {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}
        | ({"Next": names[number + 1]} if number + 1 < len(names) else {"End": True})
        for number, (name, (resource, parameters)) in enumerate(STATES.items())
    }
    (folder / "counter.asl.json").write_text(json.dumps({"StartAt": names[0], "States": states}))
    may = [counters.update, counters.put, counts.append, people.publish, jobs.send, counting.put]
    pipeline.workflow("counter", folder / "counter.asl.json", may=may)
    return pipeline.build()


def main(folder, action):
    """Does one thing, until nothing is left to be done."""
    folder.mkdir(exist_ok=True)
    machine = Machine(Home(folder / "home"), {"counter": definition(folder)})
    try:
        if action == "start":
            machine.run(machine.start("counter", {}).id)
        else:
            machine.unfinished()
            for execution in machine.home.journal.find(Filter()):
                machine.run(execution.id)
    finally:
        machine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
