"""The files that ``penstock init`` writes."""

from __future__ import annotations

PIPELINE = '''"""A small pipeline: a temperature each hour, kept raw, made an item and a metric, with an alarm."""

import random

import msgspec

from penstock import Bad, Pipeline, days, hours, number, seconds

pipeline = Pipeline("@NAME@", description="a temperature each hour")


class Reading(msgspec.Struct):
    room: str
    celsius: float


raw = pipeline.lake("@TABLE@_readings", Reading, retain=days(90))
latest = pipeline.hot_table("@TABLE@-latest", key=("room", number("at")), ttl=days(7))
temperature = pipeline.metric("Temperature")
alerts = pipeline.topic("@NAME@-alerts", "console:")


@pipeline.task(timeout=seconds(10), may=[raw.append])
def measure(event, context):
    """Reads the thermometers: the same for the same hour, so that two runs can be compared."""
    rooms = event.get("rooms", ["kitchen", "cellar"])
    weather = random.Random(context.scheduled_time or context.started_at)
    readings = [Reading(room, round(weather.uniform(15, 25), 1)) for room in rooms]
    return {"key": context[raw].append(readings).key, "rooms": len(rooms)}


@pipeline.task(may=[raw.read, raw.quarantine, latest.put, temperature.publish])
def process(event, context):
    """Runs for each new object of the lake: fills the hot table and the metric."""
    bads = []
    for line in context[raw].read(event["key"]):
        if isinstance(line, Bad):
            bads.append(line)
            continue
        reading = line.record
        context[latest].put({"room": reading.room, "at": int(context.started_at), "celsius": reading.celsius})
        context[temperature].publish(reading.celsius)
    if bads:
        context[raw].quarantine(bads, event["key"])


pipeline.every(hours(1), measure)
pipeline.on_object(raw, process)
pipeline.alarm("TooHot", metric=temperature, above=30, statistic="Maximum", period=hours(1), notify=alerts)
'''

TEST = """from @MODULE@ import latest, pipeline, raw, temperature

from penstock.testing import Sandbox


def test_each_room_is_measured(tmp_path):
    with Sandbox(pipeline, tmp_path) as sandbox:
        execution = sandbox.run({"rooms": ["attic"]})
        assert execution.status == "SUCCEEDED"
        assert [record["room"] for record in sandbox.records(raw)] == ["attic"]
        assert [item["room"] for item in sandbox.items(latest)] == ["attic"]
        assert len(sandbox.values(temperature)) == 1
"""


def pipeline(name: str) -> str:
    """Returns the pipeline's file."""
    return PIPELINE.replace("@NAME@", name).replace("@TABLE@", name.replace("-", "_"))


def test(module: str) -> str:
    """Returns the test's file."""
    return TEST.replace("@MODULE@", module)
