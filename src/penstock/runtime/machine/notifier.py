"""Delivers what the outbox holds: retries, backoff, dead letters.

One thread does all the book-keeping; channels are called in lanes, one lane a scheme, so that a mail server that does
not answer holds up mail and nothing else.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from penstock.errors import DeliveryError, PenstockError
from penstock.faultpoints import fault_point
from penstock.model.endpoints import redact, scheme_of
from penstock.ports.clock import Clock
from penstock.ports.notify import Channel, Delivery, OutboxStore

MAX_ATTEMPTS = 8
BACKOFF_SECONDS = 30.0
BACKOFF_FACTOR = 4.0
LEASE_SECONDS = 120.0

Channels = Callable[[str], Channel] | Mapping[str, Channel]


def backoff_seconds(attempts: int, chance: random.Random) -> float:
    """Returns the pause after a number of failed attempts: exponential, with full jitter.

    Uniform between 0 and 30 s · 4^(attempts - 1). Eight attempts stretch over 23 hours on average.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return chance.uniform(0.0, BACKOFF_SECONDS * BACKOFF_FACTOR ** (attempts - 1))


class Notifier:
    """Takes deliveries from an outbox and gives them to their channels.

    Args:
        channels: endpoint → channel, or a mapping by scheme.
        chance: draws the jitter.
        lanes: how many channels may be at work at once; 1 delivers in the caller's thread, one after the other.
        poll_seconds: how often :meth:`run` looks for messages of other processes.
    """

    def __init__(
        self,
        outbox: OutboxStore,
        channels: Channels,
        clock: Clock,
        *,
        chance: random.Random | None = None,
        lanes: int = 4,
        max_attempts: int = MAX_ATTEMPTS,
        lease_seconds: float = LEASE_SECONDS,
        poll_seconds: float = 1.0,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._chance = chance or random.Random()
        self._lanes = lanes
        self._max_attempts = max_attempts
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._news = threading.Event()

    def wake(self) -> None:
        """Makes :meth:`run` look at once: a message was stored, or it is to stop."""
        self._news.set()

    def deliver_due(self) -> int:
        """Tries everything that is due, once; returns how many were delivered. Blocks until it is done."""
        with _Lanes(self._lanes, self._send, self.wake) as lanes:
            delivered = 0
            while True:
                self._news.clear()
                delivered += self._settle(lanes)
                if not self._begin(lanes):
                    if not lanes.busy:
                        return delivered
                    self._news.wait()

    def run(self, stop: threading.Event) -> None:
        """Delivers until ``stop`` is set, then finishes what is under way. Call :meth:`wake` to be heard at once.

        A busy database or a full disk is waited out. What was sent meanwhile may be sent again.
        """
        with _Lanes(self._lanes, self._send, self.wake) as lanes:
            while not stop.is_set():
                self._news.clear()
                try:
                    self._settle(lanes)
                    pause_seconds = 0.0 if self._begin(lanes) else self._pause_seconds(lanes)
                except PenstockError as error:
                    if not error.retryable:
                        raise
                    pause_seconds = self._poll_seconds
                if pause_seconds:
                    self._news.wait(pause_seconds)
            lanes.wait()
            self._settle(lanes)

    def _pause_seconds(self, lanes: _Lanes) -> float:
        if lanes.full:
            return self._poll_seconds
        due_at = self._outbox.next_due_at(except_schemes=lanes.busy)
        if due_at is None:
            return self._poll_seconds
        return min(max(due_at - self._clock.now(), 0.01), self._poll_seconds)

    def _begin(self, lanes: _Lanes) -> bool:
        """Starts one delivery in a free lane; returns whether there was one."""
        if lanes.full:
            return False
        claimed = self._outbox.claim(
            self._clock.now(), lease_seconds=self._lease_seconds, except_schemes=tuple(lanes.busy)
        )
        for delivery in claimed:
            if delivery.attempts > self._max_attempts:
                self._outbox.failed(delivery, f"given up: {self._max_attempts} attempts ended with the process", None)
                continue
            fault_point("notifier.before_deliver")
            lanes.start(delivery)
        return bool(claimed)

    def _settle(self, lanes: _Lanes) -> int:
        """Records what has come of finished deliveries; returns how many were made."""
        made = 0
        for delivery, failure in lanes.finished():
            if failure is None:
                fault_point("notifier.after_deliver")
                fault_point("notifier.before_mark")
                self._outbox.delivered(delivery, self._clock.now())
                made += 1
            else:
                fault_point("notifier.before_mark")
                self._outbox.failed(delivery, _text(failure), self._retry_at(delivery, failure))
        return made

    def _retry_at(self, delivery: Delivery, failure: PenstockError) -> float | None:
        if failure.data.get("permanent") or delivery.attempts >= self._max_attempts:
            return None
        return self._clock.now() + backoff_seconds(delivery.attempts, self._chance)

    def _send(self, delivery: Delivery) -> PenstockError | None:
        try:
            self._channel(delivery.endpoint).deliver(delivery.message, delivery.endpoint)
        except PenstockError as error:
            return error
        except Exception as error:  # noqa: BLE001  its text is unknown and may hold a secret: only its type is told
            return DeliveryError(f"{redact(delivery.endpoint)}: {type(error).__name__} while sending", permanent=False)
        return None

    def _channel(self, endpoint: str) -> Channel:
        if not isinstance(self._channels, Mapping):
            return self._channels(endpoint)
        channel = self._channels.get(scheme_of(endpoint))
        if channel is None:
            raise DeliveryError(f"no channel delivers to {redact(endpoint)}", permanent=False)
        return channel


class _Lanes:
    """Deliveries under way, at most one a scheme."""

    def __init__(self, width: int, send: Callable[[Delivery], PenstockError | None], tell: Callable[[], None]) -> None:
        self._width = width
        self._send = send
        self._tell = tell
        self._under_way: dict[str, tuple[Delivery, Future[PenstockError | None]]] = {}
        self._executor: Executor | None = (
            ThreadPoolExecutor(width, thread_name_prefix="penstock-notifier") if width > 1 else None
        )

    def __enter__(self) -> _Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True)

    @property
    def busy(self) -> frozenset[str]:
        """The schemes with a delivery under way."""
        return frozenset(self._under_way)

    @property
    def full(self) -> bool:
        return len(self._under_way) >= self._width

    def start(self, delivery: Delivery) -> None:
        future: Future[PenstockError | None]
        if self._executor is None:
            future = Future()
            future.set_result(self._send(delivery))
        else:
            future = self._executor.submit(self._send, delivery)
        self._under_way[scheme_of(delivery.endpoint)] = (delivery, future)
        future.add_done_callback(lambda _: self._tell())

    def finished(self) -> list[tuple[Delivery, PenstockError | None]]:
        """Removes and returns the deliveries that have ended, oldest first."""
        done = [(scheme, *pair) for scheme, pair in self._under_way.items() if pair[1].done()]
        for scheme, _, _ in done:
            del self._under_way[scheme]
        return [(delivery, future.result()) for _, delivery, future in done]

    def wait(self) -> None:
        """Waits for everything that is under way."""
        for _, future in self._under_way.values():
            future.exception()


def _text(error: PenstockError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
