"""The watcher: evaluates alarms each minute, as CloudWatch does, and queues what people must be told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from penstock.faultpoints import fault_point
from penstock.model.alarms import Alarm, AlarmState, CompositeAlarm
from penstock.model.metrics import Statistics
from penstock.model.pipeline import Definition
from penstock.ports.alarms import AlarmChange, AlarmStore
from penstock.ports.clock import Clock
from penstock.ports.journal import Journal
from penstock.ports.metrics import NEWEST_SECONDS, WatchedMetrics
from penstock.ports.notify import Message, OutboxStore
from penstock.watch import composite, message, windows
from penstock.watch.evaluate import AlarmRecord, Evaluation, decode_record, evaluate, window
from penstock.watch.horizon import next_look

EVALUATE_SECONDS = 60


class Watcher:
    """Evaluates the alarms of some pipelines: each when what it looks at can have changed."""

    def __init__(
        self,
        *,
        journal: Journal,
        metrics: WatchedMetrics,
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
        self._seen: tuple[int, ...] | None = None
        # When each alarm is to be looked at again; one that is not here, at once.
        self._looks: dict[tuple[str, str], float | None] = {}

    def tick(self) -> int:
        """Evaluates once in each minute what can have changed; returns how many alarms did."""
        minute = self._clock.now() // EVALUATE_SECONDS
        if minute == self._evaluated_minute:
            return 0
        self._evaluated_minute = minute
        return self._evaluate_all(minute * EVALUATE_SECONDS)

    def next_due_at(self) -> float | None:
        """Returns the first minute in which ``tick`` can find a change, in seconds since the epoch."""
        if self._seen != self._metrics.version():
            return (self._clock.now() // EVALUATE_SECONDS + 1) * EVALUATE_SECONDS
        return min((look for look in self._looks.values() if look is not None), default=None)

    def evaluate(self) -> int:
        """Evaluates every alarm as at the end of the present minute; returns how many changed."""
        self._looks.clear()
        return self._evaluate_all((self._clock.now() // EVALUATE_SECONDS + 1) * EVALUATE_SECONDS)

    def _evaluate_all(self, until: float) -> int:
        version = self._metrics.version()
        if version != self._seen:
            self._looks.clear()
            self._seen = version
        return sum(
            self._evaluate_pipeline(definition, until)
            for definition in self._definitions.values()
            if any(self._is_due(definition, name, until) for name in (*definition.alarms, *definition.composite_alarms))
        )

    def _is_due(self, definition: Definition, alarm: str, until: float) -> bool:
        look = self._looks.get((definition.name, alarm), until)
        return look is not None and look <= until

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
                if not self._is_due(definition, alarm.name, until):
                    continue
                points, times = self._points(alarm, until)
                evaluation = evaluate(alarm, records.get(alarm.name), points, until, now)
                records[alarm.name] = record = evaluation.record
                self._looks[definition.name, alarm.name] = next_look(alarm, record, times, until)
                changed += self._keep(definition, alarm, evaluation, now, kept.get(alarm.name))
            states = {name: record.state for name, record in records.items()}
            for combined in composite.in_order(definition.composite_alarms):
                evaluation = composite.evaluate(combined, states, records.get(combined.name), now)
                states[combined.name] = evaluation.state
                self._looks[definition.name, combined.name] = _next_look(evaluation.record)
                changed += self._keep(definition, combined, evaluation, now, kept.get(combined.name))
        fault_point("watcher.after_evaluate")
        return changed

    def _points(self, alarm: Alarm, until: float) -> tuple[dict[float, float], list[float]]:
        """Returns the periods that have data, and the times of the data, those to come too."""
        start, end = window(alarm, until)
        ahead = end + NEWEST_SECONDS + EVALUATE_SECONDS
        if windows.is_of_sums(alarm.statistic) and alarm.period_seconds >= EVALUATE_SECONDS:
            # A minute is never parted, so that a thousand datapoints of one minute are one here.
            parts: list[Statistics] = self._metrics.statistics(alarm.metric, start, ahead, EVALUATE_SECONDS)
            points = windows.series_of_parts(parts, alarm.statistic, alarm.period_seconds, start, end)
            return points, [part.start for part in parts]
        values = self._metrics.values(alarm.metric, start, ahead)
        points = windows.series(values, alarm.statistic, alarm.period_seconds, start, end)
        return points, [at for at, _, _ in values]

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


def _next_look(record: AlarmRecord) -> float | None:
    """Returns when a composite alarm is to be looked at although none of its alarms has changed."""
    return record.held_until if record.held_from is not None else None
