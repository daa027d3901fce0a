"""A distributed Map in a home that is killed. ``map_crash.py HOME start`` runs one execution, ``recover`` the rest."""

import json
import sys
from pathlib import Path

import msgspec

from penstock import Pipeline, seconds
from penstock.ports.journal import Filter
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

ITEMS = 11


class Line(msgspec.Struct):
    """One item."""

    n: int


def pipeline(folder: Path) -> Pipeline:
    """Returns a pipeline with one workflow: a Map over the lines of an object, three executions at once."""
    made = Pipeline("mapcrash")
    lines = made.lake("lines", Line)

    @made.task(timeout=seconds(20))
    def work(event, context):
        return {"n": event["n"], "done": True}

    bucket = {"Bucket": "lake"}
    spread = {
        "Type": "Map",
        "MaxConcurrency": 3,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {**bucket, "Key": "raw/lines/items.jsonl"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Work",
            "States": {
                "Work": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::lambda:invoke",
                    "Parameters": {"FunctionName": "mapcrash-work", "Payload.$": "$"},
                    "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}],
                    "OutputPath": "$.Payload",
                    "End": True,
                }
            },
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {**bucket, "Prefix": "raw/lines/results"},
            "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"},
        },
        "End": True,
    }
    document = folder / "map.asl.json"
    document.write_text(json.dumps({"StartAt": "Spread", "States": {"Spread": spread}}))
    made.workflow("spread", document, may=[lines.read, lines.append])
    return made


def main(folder: str, action: str) -> None:
    """Does one thing, and leaves in order."""
    # The home that a machine gets must not be opened yet: the machine forks.
    Home(Path(folder) / "home").objects.put(
        "raw/lines/items.jsonl", b"".join(b'{"n": %d}\n' % number for number in range(ITEMS))
    )
    home = Home(Path(folder) / "home")
    machine = Machine(home, {"mapcrash": pipeline(Path(folder)).build()})
    try:
        if action == "start":
            machine.run(machine.start("mapcrash", {}, "spread").id)
        machine.unfinished()
        for execution in home.journal.find(Filter(source="manual", limit=10)):
            machine.run(execution.root)
    finally:
        machine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
