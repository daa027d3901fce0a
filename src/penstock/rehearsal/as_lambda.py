"""The scene on this machine's engine, with every task as a Lambda function: the second oracle of a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.deploy.release import Built
from penstock.model.metrics import Datapoint, Metric
from penstock.model.pipeline import Definition
from penstock.ports.hot import scan_all
from penstock.ports.invoke import Report
from penstock.ports.journal import Execution
from penstock.rehearsal.figures import TaskFigures, figures, reports_of
from penstock.rehearsal.function_log import datapoints
from penstock.rehearsal.here import MANY, audible, executions_of, finish, numbered, ran, start_all, waiting
from penstock.rehearsal.lambda_deployment import Names
from penstock.rehearsal.lambda_home import LambdaHome, Say
from penstock.rehearsal.observed import Neutral, Observed, raced, series, sort_messages
from penstock.rehearsal.scene import Arrival, Scene
from penstock.rehearsal.topic_inbox import TopicInbox
from penstock.rehearsal.warehouse_rows import rows
from penstock.runtime.machine.app import Machine
from penstock.runtime.machine.home import Home


class PlayedAsLambda(msgspec.Struct, kw_only=True):
    """What came of it."""

    observed: Observed
    tasks: list[TaskFigures]
    built: Built


def play(
    scene: Scene,
    reference: str,
    folder: Path,
    arrivals: Mapping[str, Arrival],
    say: Say = lambda text: None,
    *,
    earlier: Neutral | None = None,
) -> PlayedAsLambda:
    """Plays a scene and returns what it left.

    Args:
        reference: where the pipeline is, as the bundler takes it.
        folder: for zips and the home; new.
        arrivals: by key, the files that arrive.
        earlier: of the run that made those files.
    """
    folder.mkdir(parents=True)
    definition = scene.definition
    lambda_home = LambdaHome(definition, reference, folder, say)
    with lambda_home.open() as names:
        home = lambda_home.open_home(folder / "home")
        began_at = home.clock.now()
        inbox = TopicInbox(names.topics)
        inbox.open()
        machine = Machine(home, {definition.name: audible(definition)}, make_invoker=lambda_home.make_invoker(home))
        try:
            roots = start_all(machine, scene, lambda: lambda_home.announce(home))
            for key, came in arrivals.items():
                S3ObjectStore(names.bucket).create(key, came.data)
            lambda_home.announce(home)
            finish(machine)
            found = executions_of(home)
            neutral = Neutral(numbered(found, roots), began_at, home.clock.now(), earlier)
            observed, tasks = _observe(home, machine, scene, names, inbox, found, neutral)
            return PlayedAsLambda(observed=observed, tasks=tasks, built=lambda_home.built)
        finally:
            machine.close()


def _observe(
    home: Home,
    machine: Machine,
    scene: Scene,
    names: Names,
    inbox: TopicInbox,
    found: list[Execution],
    neutral: Neutral,
) -> tuple[Observed, list[TaskFigures]]:
    definition = scene.definition
    executions = sorted(ran(home, one, neutral) for one in found)
    reports = reports_of(home, found)
    bucket = S3ObjectStore(names.bucket)
    observed = Observed(
        executions=executions,
        objects=neutral.objects((info.key, bucket.get(info.key)) for info in bucket.list()),
        items={
            name: sorted(neutral.item(table, one) for one in scan_all(DynamoDbHotStore(home.clock), table))
            for name, table in definition.hot_tables.items()
        },
        rows=rows(lambda: home.warehouses, definition, neutral),
        waiting=waiting(home.queues, definition, neutral),
        metrics=_publish(home, definition, reports),
        by_chance=raced(definition, executions),
    )
    machine.look_at_alarms()
    observed.alarms = machine.alarm_states(definition.name)
    # Alarms tell through this machine's outbox, tasks through SNS.
    told = {row.message.id: row.message for row in home.outbox.rows(limit=MANY)}
    of_alarms = [(one.topic, one.subject, one.body) for one in told.values()]
    heard = [*of_alarms, *inbox.read()]
    sort_messages(
        ((t, neutral.text(s), neutral.said(b)) for t, s, b in heard),
        observed,
        {*definition.alarms, *definition.composite_alarms},
    )
    return observed, figures(definition, reports)


def _ends_of_jobs(definition: Definition) -> set[Metric]:
    """Returns what the ends of jobs mean, and of functions that share it: the engine counts both."""
    tasks = [definition.tasks[name] for name in definition.deployment.jobs]
    return {metric for task in tasks for metric in (task.errors, task.duration) if metric is not None}


def _points_of_jobs(home: Home, definition: Definition) -> Iterator[Datapoint]:
    """A job runs in the engine: what it publishes is there already, and in no function's log."""
    granted = {grant for name in definition.deployment.jobs for grant in definition.tasks[name].grants}
    ends = {metric.key for metric in _ends_of_jobs(definition)}
    for metric in home.metrics.series():
        if metric.publish in granted or metric.key in ends:
            for at, value, count in home.metrics.values(metric, 0, home.clock.now() + 1):
                yield Datapoint(metric, at, value, count)


def _publish(home: Home, definition: Definition, reports: list[tuple[str, Report]]) -> dict[str, str]:
    of_jobs = list(_points_of_jobs(home, definition))
    ends = {metric.key for metric in _ends_of_jobs(definition)}
    points = list(datapoints(line for _, report in reports for line in report.log.splitlines()))
    # What the ends of tasks mean this machine's worker has counted; twice, it would set off alarms.
    counted = {metric.key for metric in home.metrics.series()}
    new = [point for point in points if point.metric.key not in counted]
    if new:
        home.metrics.publish(new)
    return series([*(point for point in points if point.metric.key not in ends), *of_jobs])
