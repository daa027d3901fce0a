"""The watcher: evaluates alarms each minute, as CloudWatch does, and queues what people must be told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from penstock.faultpoints import fault_point
from penstock.model.alarms import Alarm, AlarmState, CompositeAlarm
from penstock.model.pipeline import Definition
from penstock.ports.alarms import AlarmChange, AlarmStore
from penstock.ports.clock import Clock
from penstock.ports.journal import Journal
from penstock.ports.metrics import MetricStore
from penstock.ports.notify import Message, OutboxStore
from penstock.watch import composite, message, windows
from penstock.watch.evaluate import Evaluation, decode_record, evaluate, window

EVALUATE_SECONDS = 60.0


class Watcher:
    """Evaluates the alarms of some pipelines."""

    def __init__(
        self,
        *,
        journal: Journal,
        metrics: MetricStore,
        alarms: AlarmStore,
        outbox: OutboxStore,
        clock: Clock,
        definitions: Mapping[str, Definition],
    ) -> None:
        self._journal = journal
        self._metrics = metrics
        self._alarms = alarms
        self._outbox = outbox
        self._clock = clock
        self._definitions = definitions
        self._evaluated_minute: float | None = None

    def tick(self) -> int:
        """Evaluates once in each minute; returns how many alarms changed."""
        minute = self._clock.now() // EVALUATE_SECONDS
        if minute == self._evaluated_minute:
            return 0
        self._evaluated_minute = minute
        return self._evaluate_all(minute * EVALUATE_SECONDS)

    def evaluate(self) -> int:
        """Evaluates every alarm as at the end of the present minute; returns how many changed."""
        return self._evaluate_all((self._clock.now() // EVALUATE_SECONDS + 1) * EVALUATE_SECONDS)

    def _evaluate_all(self, until: float) -> int:
        return sum(self._evaluate_pipeline(definition, until) for definition in self._definitions.values())

    def states(self, pipeline: str) -> dict[str, str]:
        """Returns the state of each alarm that was evaluated."""
        kept = self._alarms.records(pipeline)
        return {name: decode_record(raw).state.value for name, raw in kept.items()}

    def _evaluate_pipeline(self, definition: Definition, until: float) -> int:
        now = self._clock.now()
        changed = 0
        with self._journal.transaction():
            kept = self._alarms.records(definition.name)
            records = {name: decode_record(raw) for name, raw in kept.items()}
            for alarm in definition.alarms.values():
                points = self._points(alarm, until)
                evaluation = evaluate(alarm, records.get(alarm.name), points, until, now)
                records[alarm.name] = evaluation.record
                changed += self._keep(definition, alarm, evaluation, now, kept.get(alarm.name))
            states = {name: record.state for name, record in records.items()}
            for combined in composite.in_order(definition.composite_alarms):
                evaluation = composite.evaluate(combined, states, records.get(combined.name), now)
                states[combined.name] = evaluation.state
                changed += self._keep(definition, combined, evaluation, now, kept.get(combined.name))
        fault_point("watcher.after_evaluate")
        return changed

    def _points(self, alarm: Alarm, until: float) -> dict[float, float]:
        start, end = window(alarm, until)
        values = self._metrics.values(alarm.metric, start, end)
        return windows.series(values, alarm.statistic, alarm.period_seconds, start, end)

    def _keep(
        self,
        definition: Definition,
        alarm: Alarm | CompositeAlarm,
        evaluation: Evaluation,
        now: float,
        kept: bytes | None,
    ) -> bool:
        record = msgspec.json.encode(evaluation.record)
        if not evaluation.changed and not evaluation.notify:
            if record != kept:
                self._alarms.keep(definition.name, alarm.name, record, None)
            return False
        change = AlarmChange(
            pipeline=definition.name,
            alarm=alarm.name,
            at=now,
            previous=AlarmState(evaluation.previous).value,
            state=AlarmState(evaluation.state).value,
            reason=evaluation.reason,
            data=evaluation.reason_data,
            notified=evaluation.notify,
        )
        self._alarms.keep(definition.name, alarm.name, record, change)
        for topic in evaluation.notify:
            self._notify(definition, topic, alarm, evaluation, now)
        return evaluation.changed

    def _notify(
        self,
        definition: Definition,
        topic: str,
        alarm: Alarm | CompositeAlarm,
        evaluation: Evaluation,
        now: float,
    ) -> None:
        identity = f"{definition.name}/{alarm.name}/{topic}/{evaluation.state}/{now!r}"
        data = message.notification(alarm, evaluation, now, definition.region)
        self._outbox.enqueue(
            Message(
                id=hashlib.sha256(identity.encode()).hexdigest()[:32],
                topic=topic,
                subject=message.subject(alarm, evaluation, definition.region),
                body=message.text(alarm, evaluation, now, definition.region),
                data=data,
                severity=alarm.severity,
                created_at=now,
            ),
            [subscription.endpoint for subscription in definition.topics[topic].subscriptions],
        )
