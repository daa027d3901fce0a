"""The scene in an account: the deployed workflows run the deployed functions."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.alarms import CloudWatchAlarms
from penstock.adapters.aws.executions import DeployedExecution, HistoryEvent, StepFunctionsExecutions
from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.logs import CloudWatchLogs
from penstock.adapters.aws.metrics import CloudWatchMetricStore
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.errors import UnavailableError
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.rehearsal.function_log import Ended, datapoints, ended_calls
from penstock.rehearsal.observed import Neutral, Observed, Ran, is_measured, label_of, raced, sort_messages, summary
from penstock.rehearsal.scene import Arrival, Scene, watched_tables

POLL_SECONDS = 0.5
# What is triggered begins a moment after what triggers it: quiet is what stays so.
QUIET_SECONDS = 3.0
LONGEST_SECONDS = 600.0
INBOX = "penstock-rehearsal"
# What the emulator calls every exception of a function; AWS has the name of its class.
NAMELESS = "Runtime.HandlerError"
OWN_EXECUTION = "rehearsal-"


class Deployed:
    """A deployed pipeline, seen from outside.

    Args:
        outputs: of its Terraform.
        say: told what is waited for.
    """

    def __init__(
        self, definition: Definition, outputs: Mapping[str, Any], clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._definition = definition
        self._outputs = outputs
        self._clock = clock
        self._say = say
        self.executions = StepFunctionsExecutions(outputs["state_machines"])
        self._hot = DynamoDbHotStore(clock, names=outputs.get("hot_tables", {}))
        self._known: set[str] = set()
        self._objects_before: set[str] = set()
        self._items_before: dict[str, set[str]] = {}

    @property
    def objects(self) -> S3ObjectStore:
        return S3ObjectStore(self._outputs["lake_bucket"])

    def listen(self) -> None:
        """Subscribes a queue to every topic, to hear what people would be told."""
        sqs, sns = client("sqs"), client("sns")
        url = sqs.create_queue(QueueName=INBOX)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
                   "Resource": arn}  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        for topic in self._outputs.get("topics", {}).values():
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def wait_for(self, workflow: str, seconds: float) -> bool:
        """Waits until somebody else has started a workflow; False when nobody has."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if next(self.executions.list(workflow), None) is not None:
                return True
            time.sleep(POLL_SECONDS)
        return False

    def settle(self) -> list[DeployedExecution]:
        """Waits until nothing runs and every object has started what it triggers; returns all executions.

        Raises:
            UnavailableError: something still runs after ten minutes.
        """
        end, quiet_since = time.monotonic() + LONGEST_SECONDS, None
        while time.monotonic() < end:
            found = [one for name in self._definition.workflows for one in self.executions.list(name)]
            busy = any(not one.status.is_final for one in found) or self._untriggered(found)
            now = time.monotonic()
            quiet_since = None if busy else quiet_since or now
            if quiet_since is not None and now - quiet_since >= QUIET_SECONDS:
                return found
            time.sleep(POLL_SECONDS)
        raise UnavailableError("executions still run after ten minutes", hint="see `penstock status` and the logs")

    def _untriggered(self, found: list[DeployedExecution]) -> bool:
        """Tells whether there are objects for which nothing was started yet."""
        started: dict[str, int] = defaultdict(int)
        for one in found:
            started[one.workflow] += 1
        for trigger in self._definition.triggers.values():
            if sum(1 for _ in self.objects.list(f"raw/{trigger.table}/")) > started[trigger.workflow]:
                return True
        return False

    def remember(self) -> None:
        """Takes what is there now for what was there before."""
        self._known = {one.arn for one in self.settle()}
        self._objects_before = {one.key for one in self.objects.list()} if watched_tables(self._definition) else set()
        self._items_before = {name: set(map(repr, self._items(name))) for name in self._definition.hot_tables}
        self._messages()

    def play(self, scene: Scene, arrivals: Mapping[str, Arrival]) -> Observed:
        """Plays a scene and returns what it left, beside what was there before."""
        began_at = self._clock.now()
        roots = []
        for number, value in enumerate(scene.inputs if scene.workflow else ()):
            self._say(f"running {scene.workflow} with {json.dumps(value)}")
            name = f"{OWN_EXECUTION}{int(began_at)}-{number}"
            roots.append(self.executions.start(str(scene.workflow), name, msgspec.json.encode(value)))
            self.settle()
        for key, came in arrivals.items():
            self._say(f"dropping {came.name} into the bucket")
            self.objects.create(key, came.data)
        found = [one for one in self.settle() if one.arn not in self._known]
        return self._observe(found, roots, self._log(began_at), began_at)

    def _log(self, since: float) -> list[str]:
        groups = [f"/aws/lambda/{name}" for name in self._outputs["functions"].values()]
        return [line.message for line in CloudWatchLogs().read(groups, since)]

    def calls(self, since: float) -> list[Ended]:
        """Returns the calls of functions that ended since a time."""
        return list(ended_calls(self._log(since)))

    def _observe(self, found: list[DeployedExecution], roots: list[str], log: list[str], began_at: float) -> Observed:
        points = list(datapoints(log))
        if points:
            CloudWatchMetricStore(self._clock).publish(points)
        calls = defaultdict(list)
        for call in ended_calls(log):
            calls[call.execution].append(call)
        numbers = {one.name: roots.index(one.arn) + 1 if one.arn in roots else 0 for one in found}
        neutral = Neutral(numbers, began_at, self._clock.now())
        objects = [one.key for one in self.objects.list() if one.key not in self._objects_before]
        executions = sorted(self._ran(self.executions.describe(one.arn), calls[one.name], neutral) for one in found)
        by_chance = raced(self._definition, executions)
        observed = Observed(
            executions=executions,
            objects={neutral.text(key): neutral.records(self.objects.get(key)) for key in objects},
            items={name: self._new_items(name, neutral) for name in self._definition.hot_tables},
            metrics=_series(points, by_chance),
            alarms={one.alarm: str(one.state) for one in CloudWatchAlarms(self._definition.name, "").states()},
        )
        names = {call.execution: call.error for of_one in calls.values() for call in of_one if call.error}
        heard = ((t, s, _with_error(b, names)) for t, s, b in self._messages())
        sort_messages(((t, neutral.text(s), neutral.text(b)) for t, s, b in heard), observed)
        return observed

    def _ran(self, one: DeployedExecution, calls: list[Ended], neutral: Neutral) -> Ran:
        entered = {str(e.details["name"]) for e in self.history(one.arn) if e.type.endswith("StateEntered")}
        # The emulator's history has no states of branches; the functions' logs have them.
        entered |= {call.state for call in calls}
        logged = next((call.error for call in calls if call.error), NAMELESS)
        error = logged if one.error == NAMELESS else one.error
        told = one.output if error is None else msgspec.json.encode(error)
        return Ran(one.workflow, str(one.status), tuple(sorted(entered)), neutral.document(json.loads(told or b"null")))

    def history(self, arn: str) -> list[HistoryEvent]:
        """Returns an execution's history."""
        return list(self.executions.history(arn))

    def _items(self, name: str) -> list[dict[str, Any]]:
        table, items, after = self._definition.hot_tables[name], [], None
        while True:
            page = self._hot.scan(table, after=after)
            items += page.items
            after = page.after
            if after is None:
                return items

    def _new_items(self, name: str, neutral: Neutral) -> list[str]:
        before = self._items_before.get(name, set())
        return sorted(neutral.document(item) for item in self._items(name) if repr(item) not in before)

    def _messages(self) -> list[tuple[str, str, str]]:
        sqs = client("sqs")
        url = sqs.get_queue_url(QueueName=INBOX)["QueueUrl"]
        topics = {arn: name for name, arn in self._outputs.get("topics", {}).items()}
        heard = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for one in found:
                envelope = json.loads(one["Body"])
                heard.append((topics[envelope["TopicArn"]], envelope.get("Subject", ""), text_of(envelope["Message"])))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return heard


def _with_error(text: str, names: Mapping[str, str]) -> str:
    """Puts the name of an execution's error to where the emulator has none."""
    for execution, error in names.items():
        if execution in text:
            return text.replace(NAMELESS, error)
    return text


def text_of(message: str) -> str:
    """Returns the text of a message: queues get it as a document."""
    try:
        return str(json.loads(message)["body"])
    except (ValueError, TypeError, KeyError):
        return message


def _series(points: list[Datapoint], by_chance: set[str]) -> dict[str, str]:
    found: dict[Any, list[float]] = defaultdict(list)
    for point in points:
        found[point.metric] += [point.value] * int(point.count)
    return {
        label_of(metric): "some values"
        if label_of(metric) in by_chance
        else summary(values, measured=is_measured(metric))
        for metric, values in found.items()
    }
