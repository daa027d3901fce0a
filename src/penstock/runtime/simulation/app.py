"""The simulation, put together and run: a machine whose time jumps from one thing to do to the next."""

from __future__ import annotations

import contextlib
import functools
import gc
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.virtual.clock import SeededEntropy, VirtualClock
from penstock.adapters.virtual.invoke import VirtualInvoker
from penstock.errors import HomeError
from penstock.faultpoints import Killed, watch
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call, Reply
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.app import Machine
from penstock.runtime.simulation.courses import Courses
from penstock.runtime.simulation.home import SimulatedHome
from penstock.runtime.simulation.hot import HotProcess, beside
from penstock.runtime.simulation.kills import Kills
from penstock.runtime.simulation.plan import DAY_SECONDS, Plan, in_simulation
from penstock.runtime.simulation.sealing import SealerBeside, SealingProcess, can_be_beside
from penstock.runtime.simulation.skew import Skew
from penstock.runtime.simulation.workers import Workers

# So often, and no more, may a machine take turns without time going on.
TURNS_AT_ONE_MOMENT = 10_000
# More than a batch of records takes, with its items.
ALLOCATIONS_BETWEEN_COLLECTIONS = 100_000
# From so many on, it pays to call tasks in processes of their own.
LARGE_INSTANCES = 50
# Up to so many processes are best used by one that calls tasks and one that writes hot tables.
WITH_HOT_BESIDE = 3

Progress = Callable[[float, float], None]


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation came to.

    Attributes:
        home: the folder.
        kills: how often the process was killed.
        warnings: what a person would have been told.
        turns: how often the parts of the machine took turns.
    """

    home: Path
    plan: Plan
    kills: int = 0
    warnings: tuple[str, ...] = ()
    turns: int = 0


def simulate(
    definition: Definition, folder: Path, plan: Plan, *, progress: Progress = lambda seconds, whole: None
) -> Simulated:
    """Plays a pipeline for a time, and leaves a home that looks as if it had run there.

    Args:
        folder: of the home; empty, or not there yet.
        progress: told of the seconds played, and of all, at most once a day of the simulation.
    """
    with _rare_collections():
        simulation = Simulation(in_simulation(definition, plan), folder, plan)
        try:
            simulation.run(progress)
        finally:
            simulation.close()
    return Simulated(
        home=folder,
        plan=plan,
        kills=simulation.kills.count,
        warnings=tuple(dict.fromkeys(simulation.warnings)),
        turns=simulation.turns,
    )


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Has Python look seldom for garbage in cycles: records and items are none, and would be looked through again."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


class Simulation:
    """A pipeline under a virtual clock.

    Args:
        definition: with the inputs of the simulation.
    """

    def __init__(self, definition: Definition, folder: Path, plan: Plan) -> None:
        self._definition = definition
        self._folder = folder
        self._plan = plan
        self._clock = VirtualClock(plan.begin)
        self._entropy = SeededEntropy(plan.seed)
        self.kills = Kills(plan)
        self._skew = Skew(plan.faults)
        self.warnings: list[str] = []
        self.turns = 0
        self._sealing: SealingProcess | None = None
        if plan.workers > 1 and can_be_beside({definition.name: definition}, plan):
            self._sealing = SealingProcess(definition, folder, plan, self.warnings.append)
        self._workers: Workers | None = None
        self._hot: HotProcess | None = None
        is_large = (plan.instances or definition.simulation.instances) >= LARGE_INSTANCES
        if is_large and 1 < plan.workers <= WITH_HOT_BESIDE and not plan.faults:
            self._hot = HotProcess(definition, folder, plan)
        elif is_large and plan.workers > 1:
            self._workers = Workers(definition, folder, plan)
        self._may_have_written = True
        self._seals_at: float | None = None
        self._open()

    def run(self, progress: Progress) -> None:
        """Plays until the end of the plan."""
        told_at = self._plan.start
        self._gather()
        while True:
            moment = self._go_on()
            if moment >= self._plan.end:
                break
            self._clock.advance_to(moment)
            self._clock.skew_seconds = self._skew.at(moment)
            if moment - told_at >= DAY_SECONDS:
                told_at = moment
                self._gather()
                progress(moment - self._plan.start, self._plan.seconds)
        # What was measured reaches to here, though nothing more happened.
        self._clock.advance_to(self._plan.end)
        progress(self._plan.seconds, self._plan.seconds)

    def close(self) -> None:
        """Ends everything; the home stays."""
        watch(None)
        for processes in (self._workers, self._sealing, self._hot):
            if processes is not None:
                processes.close()
        self._machine.close()

    def _gather(self) -> None:
        """Has what was written committed, and the next day's with the next call: where nobody else reads or kills."""
        if self._workers is None and not self._plan.faults:
            stores: list[Any] = [self._home.database, self._home.metrics]
            if self._hot is None:
                stores.append(self._home.hot)
            for store in stores:
                store.gather()

    def _go_on(self) -> float:
        """Does what is to be done at this moment, whoever is killed meanwhile; returns the next one."""
        while True:
            try:
                self.kills.arm(self._clock.true_now)
                return self._settle()
            except Killed:
                self._machine.abandon()
                self._home.close()
                self._open()
            finally:
                watch(None)

    def _settle(self) -> float:
        for _ in range(TURNS_AT_ONE_MOMENT):
            self._machine.turn()
            self.turns += 1
            due_at = self._home.outbox.next_due_at()
            if due_at is not None and due_at <= self._clock.now():
                self._machine.deliver()
                due_at = self._home.outbox.next_due_at()
            moment = self._next_moment(due_at)
            if moment > self._clock.true_now:
                return moment
        raise HomeError(
            f"the simulation stands still at {self._clock.now():.3f}", hint="this is a defect of Penstock: report it"
        )

    def _next_moment(self, delivery_at: float | None) -> float:
        """Returns when there is something to do next, in seconds of the true time."""
        now = self._clock.true_now
        skew = self._clock.skew_seconds
        moments = [self._skew.next_change(now), self._home.events_due_at()]
        if moments[1] is not None:
            # The machine asks for these once a second.
            moments[1] = max(moments[1], now + 1.0)
        for moment in (self._machine.next_moment(), delivery_at, self._sealing_at()):
            moments.append(None if moment is None else moment - skew)
        moments.append(self._invoker.next_due_at())
        return max(now, min((moment for moment in moments if moment is not None), default=math.inf))

    def _sealing_at(self) -> float | None:
        """Returns when a partition is to be sealed. It is asked for anew when tasks may have written something."""
        if self._may_have_written or (self._seals_at is not None and self._seals_at <= self._clock.now()):
            self._may_have_written = False
            self._seals_at = self._machine.sealing_due_at()
        return self._seals_at

    def _open(self) -> None:
        self._may_have_written = True
        self._home = home = SimulatedHome(self._folder, self._plan, clock=self._clock, entropy=self._entropy)
        if self._hot is not None:
            home.beside_hot = beside(self._hot, self._clock)
        if self._sealing is not None:
            home.make_sealer = functools.partial(SealerBeside, self._sealing)
        definitions = {self._definition.name: self._definition}
        caller = TaskCaller(definitions, lambda: home.ports(home.writer))
        courses = Courses(self._definition, self._plan.faults, self._clock, home.chance)

        def perform_all(calls: Sequence[Call]) -> list[Reply]:
            self._may_have_written |= bool(calls)
            if self._sealing is not None:
                self._sealing.settle_before(calls, self._clock.now())
            if self._workers is not None:
                return self._workers.perform_all(home, calls)
            return [self._perform(caller, call) for call in calls]

        self._invoker = VirtualInvoker(self._clock, perform_all, courses)
        self._machine = Machine(
            home,
            definitions,
            scheduled=True,
            warn=self.warnings.append,
            make_invoker=lambda _: self._invoker,
        )

    def _perform(self, caller: TaskCaller, call: Call) -> Reply:
        self._home.begin_call(call)
        try:
            return caller(call)
        finally:
            self._home.trouble.begin("")
