"""The scene on this machine's engine, with every task as a Lambda function: the second oracle of a rehearsal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.session import client
from penstock.ports.invoke import Report
from penstock.ports.journal import Filter
from penstock.rehearsal.figures import TaskFigures, figures, reports_of
from penstock.rehearsal.function_log import datapoints
from penstock.rehearsal.here import MANY, finish, ran
from penstock.rehearsal.lambda_deployment import Names
from penstock.rehearsal.lambda_home import LambdaHome, Say
from penstock.rehearsal.observed import Neutral, Observed, is_measured, label_of, raced, sort_messages, summary
from penstock.rehearsal.scene import Arrival, Scene
from penstock.rehearsal.there import text_of
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home

INBOX = "penstock-rehearsal"


class PlayedAsLambda(msgspec.Struct, kw_only=True):
    """What came of it."""

    observed: Observed
    tasks: list[TaskFigures]


def play(
    scene: Scene, reference: str, folder: Path, arrivals: Mapping[str, Arrival], say: Say = lambda text: None
) -> PlayedAsLambda:
    """Plays a scene and returns what it left.

    Args:
        reference: where the pipeline is, as the bundler takes it.
        folder: for zips and the home; new.
        arrivals: by key, the files that arrive.
    """
    folder.mkdir(parents=True)
    definition = scene.definition
    lambda_home = LambdaHome(definition, reference, folder, say)
    with lambda_home.open() as names:
        home = Home(folder / "home")
        began_at = home.clock.now()
        _listen(names)
        machine = Machine(home, {definition.name: definition}, make_invoker=lambda_home.make_invoker(home))
        try:
            for value in scene.inputs if scene.workflow is not None else ():
                finish(machine, machine.start(definition.name, value, scene.workflow).id)
            for key, came in arrivals.items():
                S3ObjectStore(names.bucket).create(key, came.data)
            lambda_home.announce(home)
            finish(machine)
            return _observe(home, machine, scene, names, began_at)
        finally:
            machine.close()


def _observe(home: Home, machine: Machine, scene: Scene, names: Names, began_at: float) -> PlayedAsLambda:
    definition = scene.definition
    found = sorted(home.journal.find(Filter(limit=MANY)), key=lambda one: one.created_at)
    roots = [one.id for one in found if one.root == one.id and one.workflow == scene.workflow]
    neutral = Neutral(
        {one.id: roots.index(one.id) + 1 if one.id in roots else 0 for one in found}, began_at, home.clock.now()
    )
    executions = sorted(ran(home, one, neutral) for one in found)
    reports = reports_of(home, found)
    bucket = S3ObjectStore(names.bucket)
    observed = Observed(
        executions=executions,
        objects={neutral.text(info.key): neutral.records(bucket.get(info.key)) for info in bucket.list()},
        items={name: sorted(map(neutral.document, _items(home, scene, name))) for name in definition.hot_tables},
        metrics=_publish(home, reports, raced(definition, executions)),
    )
    machine.look_at_alarms()
    observed.alarms = machine.alarm_states(definition.name)
    # Alarms tell through this machine's outbox, tasks through SNS.
    told = {row.message.id: row.message for row in home.outbox.rows(limit=MANY)}
    of_alarms = [(one.topic, one.subject, one.body) for one in told.values()]
    heard = [*of_alarms, *_heard(names)]
    sort_messages(((t, neutral.text(s), neutral.text(b)) for t, s, b in heard), observed)
    return PlayedAsLambda(observed=observed, tasks=figures(definition, reports))


def _publish(home: Home, reports: list[tuple[str, Report]], by_chance: set[str]) -> dict[str, str]:
    points = list(datapoints(line for _, report in reports for line in report.log.splitlines()))
    if points:
        home.metrics.publish(points)
    found: dict[Any, list[float]] = {}
    for point in points:
        found.setdefault(point.metric, []).extend([point.value] * int(point.count))
    return {
        label_of(metric): "some values"
        if label_of(metric) in by_chance
        else summary(values, measured=is_measured(metric))
        for metric, values in found.items()
    }


def _items(home: Home, scene: Scene, name: str) -> list[dict[str, Any]]:
    store, table = DynamoDbHotStore(home.clock), scene.definition.hot_tables[name]
    items: list[dict[str, Any]] = []
    after = None
    while True:
        page = store.scan(table, after=after)
        items += page.items
        after = page.after
        if after is None:
            return items


def _listen(names: Names) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=INBOX)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in names.topics.values():
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)


def _heard(names: Names) -> Iterator[tuple[str, str, str]]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=INBOX)["QueueUrl"]
    topics = {arn: name for name, arn in names.topics.items()}
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for one in found:
            envelope = json.loads(one["Body"])
            yield topics[envelope["TopicArn"]], envelope.get("Subject", ""), text_of(envelope["Message"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
