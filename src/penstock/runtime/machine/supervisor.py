"""The supervisor: one loop in one thread that gives every part its turn, and stops them in order."""

from __future__ import annotations

import threading
from collections.abc import Callable

from penstock.ports.clock import Clock
from penstock.ports.invoke import Answer, Invoker
from penstock.ports.journal import Journal
from penstock.runtime.machine.dispatcher import Dispatcher
from penstock.runtime.machine.housekeeping import Housekeeper
from penstock.runtime.machine.inbox import Inbox
from penstock.runtime.machine.recovery import Recovery
from penstock.runtime.machine.retention import Retention
from penstock.runtime.machine.scheduler import Scheduler
from penstock.runtime.machine.sealing import LakeSealer
from penstock.runtime.machine.watcher import Watcher
from penstock.runtime.machine.worker import WorkflowWorker

POLL_SECONDS = 1.0
RECOVERY_SECONDS = 5.0


class Supervisor:
    """Runs the parts of a machine until it is told to stop.

    Args:
        scheduler, watcher, inbox, housekeeper, retention, sealer: absent where only what was asked for shall run.
        others_may_die: look every few seconds for what dead processes left; otherwise once.
    """

    def __init__(
        self,
        *,
        worker: WorkflowWorker,
        dispatcher: Dispatcher,
        recovery: Recovery,
        invoker: Invoker,
        journal: Journal,
        clock: Clock,
        scheduler: Scheduler | None = None,
        watcher: Watcher | None = None,
        inbox: Inbox | None = None,
        housekeeper: Housekeeper | None = None,
        retention: Retention | None = None,
        sealer: LakeSealer | None = None,
        others_may_die: bool = True,
    ) -> None:
        self._worker = worker
        self._dispatcher = dispatcher
        self._recovery = recovery
        self._invoker = invoker
        self._journal = journal
        self._clock = clock
        self._scheduler = scheduler
        self._watcher = watcher
        self._inbox = inbox
        self._housekeeper = housekeeper
        self._retention = retention
        self._sealer = sealer
        self._recovery_seconds = RECOVERY_SECONDS if others_may_die else float("inf")
        self._recover_at = self._poll_at = float("-inf")

    def run(self, until: Callable[[], bool], stop: threading.Event) -> None:
        """Takes turns until ``until()`` holds or ``stop`` is set."""
        while not stop.is_set() and not until():
            self.turn()

    def turn(self) -> None:
        """Gives every part one turn; waits at most a second for something to do."""
        monotonic = self._clock.monotonic()
        if monotonic >= self._recover_at:
            self._recover_at = monotonic + self._recovery_seconds
            self._recovery.tick()
        if monotonic >= self._poll_at:
            self._poll(monotonic)
        if self._scheduler is not None:
            self._worker.admit(self._scheduler.tick())
        if self._journal.has_changed():
            self._take_work()
        answers = self._invoker.wait(self._patience())
        self._feed(answers)
        if answers:
            # What the tasks wrote may have caused events, whichever connection they wrote through.
            self._take_work()

    def next_due_at(self) -> float | None:
        """Returns when a part has something to do, but for calls in flight and sealing, in seconds since the epoch."""
        moments = [part.next_due_at() for part in (self._worker, self._scheduler) if part is not None]
        if self._watcher is not None:
            moments.append(self._in_poll(self._watcher.next_due_at()))
        return min((moment for moment in moments if moment is not None), default=None)

    def sealing_due_at(self) -> float | None:
        """Returns when a partition is to be sealed, by what objects there are now, in seconds since the epoch."""
        return None if self._sealer is None else self._in_poll(self._sealer.next_due_at())

    def _in_poll(self, moment: float | None) -> float | None:
        """Returns the moment of the next poll from a moment on."""
        poll_at = self._clock.now() + self._poll_at - self._clock.monotonic()
        return None if moment is None else max(moment, poll_at)

    def drain(self, grace_seconds: float, hurry: threading.Event) -> bool:
        """Lets calls in flight end, starting nothing new from outside; True if all of them did."""
        until = self._clock.monotonic() + grace_seconds
        while self._worker.calling and not hurry.is_set():
            left = until - self._clock.monotonic()
            if left <= 0:
                return False
            self._feed(self._invoker.wait(min(left, 0.2)), waking=False)
        return not self._worker.calling

    def _poll(self, monotonic: float) -> None:
        """Looks at what tells nobody: folders, the state of alarms, the work of other processes."""
        self._poll_at = monotonic + POLL_SECONDS
        if self._inbox is not None:
            self._inbox.scan()
        if self._watcher is not None:
            self._watcher.tick()
        if self._housekeeper is not None:
            self._housekeeper.tick()
        if self._retention is not None:
            self._retention.tick()
        if self._sealer is not None:
            self._sealer.tick()
        if self._scheduler is not None:
            # The clock may have been set, or what a queued slot waited for may have ended elsewhere.
            self._worker.admit(self._scheduler.tick(everything=True))
        self._take_work()

    def _take_work(self) -> None:
        self._worker.claim()
        while created := self._dispatcher.tick():
            self._worker.admit(created)

    def _feed(self, answers: list[Answer], *, waking: bool = True) -> None:
        died = {self._worker.execution_of(answer.token) for answer in answers if answer.reply.output is None}
        self._worker.tick(answers, waking=waking)
        for execution in died - {None}:
            self._dispatcher.settle_execution(str(execution))

    def _patience(self) -> float:
        now = self._clock.now()
        moments = [self._worker.next_due_at()]
        if self._scheduler is not None:
            moments.append(self._scheduler.next_due_at())
        soonest = min((moment for moment in moments if moment is not None), default=now + POLL_SECONDS)
        return max(0.0, min(soonest - now, POLL_SECONDS, self._poll_at - self._clock.monotonic()))
