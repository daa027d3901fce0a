"""Four collectors, one raw object each; a processor makes one item and one metric value of each object."""

import os
import time

import msgspec

from penstock import Parallel, Pipeline, number, seconds

pipeline = Pipeline("crash")


class Reading(msgspec.Struct):
    """One reading."""

    source: str


raw = pipeline.lake("crash_readings", Reading)
hot = pipeline.hot_table("CrashItems", key=("key", number("at")))
seen = pipeline.metric("Seen", "Count")
alerts = pipeline.topic("crash-alerts", "file:crash.jsonl")


def collector(name):
    """Returns a task that appends one reading."""

    def collect(event, context):
        time.sleep(float(os.environ.get("CRASH_SLEEP", "0.005")))
        return context[raw].append([Reading(name)], source=name).key

    return pipeline.task(name=name, may=[raw.append], timeout=seconds(20))(collect)


@pipeline.task(may=[raw.read, hot.put, seen.publish])
def process(event, context):
    """One item and one value for each object."""
    for line in context[raw].read(event["key"]):
        context[hot].put({"key": event["key"], "at": line.line})
        context[seen].publish(1)


@pipeline.task(may=[alerts.publish])
def tell(event, context):
    """Says that it is done."""
    context[alerts].publish("done", context.execution_id)


steps = Parallel(*map(collector, "abcd"), name="Collect").retry(times=3, every=seconds(1)).then(tell)
flow = pipeline.workflow("crash", steps)
if os.environ.get("CRASH_SCHEDULE"):
    pipeline.every(seconds(1), flow)
pipeline.on_object(raw, process)
