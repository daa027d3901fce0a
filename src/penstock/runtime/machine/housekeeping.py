"""Housekeeping: what has outlived its use is deleted, a little at a time."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.events import EventStore
from penstock.ports.hot import HotStore
from penstock.ports.metrics import MetricStore
from penstock.ports.notify import OutboxStore
from penstock.ports.queues import ExpiringQueues

INTERVAL_SECONDS = 3600.0
# CloudWatch keeps metrics for 15 months: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
METRIC_SECONDS = 455 * 86_400
DELIVERED_SECONDS = 90 * 86_400
BATCH = 1000


class Housekeeper:
    """Deletes what is past its TTL or its retention, and what was delivered or dispatched long ago."""

    def __init__(
        self,
        *,
        hot: HotStore,
        metrics: MetricStore,
        outbox: OutboxStore,
        queues: ExpiringQueues,
        events: EventStore,
        clock: Clock,
        definitions: Mapping[str, Definition],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._hot = hot
        self._metrics = metrics
        self._outbox = outbox
        self._queues = queues
        self._events = events
        self._clock = clock
        self._tables = [table for definition in definitions.values() for table in definition.hot_tables.values()]
        self._due_at = float("-inf")

    def tick(self) -> None:
        """Cleans once an hour; sooner while there is more than a batch to delete."""
        if self._clock.monotonic() < self._due_at:
            return
        now = self._clock.now()
        expired = [self._hot.expire(table, now, BATCH) for table in self._tables]
        self._metrics.expire(now - METRIC_SECONDS)
        self._outbox.forget_delivered(now - DELIVERED_SECONDS)
        self._queues.expire()
        self._events.forget_dispatched(now - DELIVERED_SECONDS)
        is_done = all(count < BATCH for count in expired)
        self._due_at = self._clock.monotonic() + (self._interval_seconds if is_done else 1.0)
