"""A machine: a home with some pipelines, put together and run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.local.invoke import ProcessInvoker
from penstock.adapters.local.owners import Owner
from penstock.adapters.local.parquet_rows import ParquetRows
from penstock.errors import NotFoundError, PenstockError, UsageError
from penstock.model.pipeline import Definition
from penstock.ports.invoke import Call, Invoker, Reply
from penstock.ports.journal import Execution, Recorded, Status
from penstock.runtime.invoke import TaskCaller
from penstock.runtime.machine.arrivals import inbox_trigger
from penstock.runtime.machine.dispatcher import Dispatcher
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.map_runs import SOURCE as MAP_SOURCE
from penstock.runtime.machine.map_runs import MapRunner
from penstock.runtime.machine.metered import FlushingCaller, metered
from penstock.runtime.machine.opening import PortsOpener
from penstock.runtime.machine.promoted import refuse_promoted
from penstock.runtime.machine.recovery import Recovery
from penstock.runtime.machine.scheduler import Scheduler, slot_execution
from penstock.runtime.machine.supervisor import Supervisor
from penstock.runtime.machine.watcher import Watcher
from penstock.runtime.machine.worker import Observer, WorkflowWorker
from penstock.runtime.names import manual_id, object_id, slot_of
from penstock.states import Redriven

GRACE_SECONDS = 30.0
MakeInvoker = Callable[[Callable[[Call], Reply]], Invoker]


class Machine:
    """Runs pipelines in a home. Construct it while the process has one thread: it forks.

    Args:
        home: not opened yet; its databases must not be shared with the forked processes.
        definitions: the pipelines.
        scheduled: follow schedules and the inbox too; otherwise only what is started here, and what follows from it.
        observers: told of each change of an execution.
        warn: told of what a person should know.
        make_invoker: how tasks are called; in processes of their own when absent.
    """

    def __init__(
        self,
        home: Home,
        definitions: Mapping[str, Definition],
        *,
        scheduled: bool = False,
        observers: Sequence[Observer] = (),
        warn: Callable[[str], None] = lambda text: None,
        make_invoker: MakeInvoker | None = None,
    ) -> None:
        self.home = home
        self.definitions = definitions
        self.stop = threading.Event()
        self.hurry = threading.Event()
        token = home.entropy.token()
        opener = PortsOpener(home.path, token, meter=home.is_metered)
        caller = TaskCaller(definitions, opener)
        make = make_invoker or (lambda perform: ProcessInvoker(perform, workers=home.settings.workers))
        self._invoker = make(FlushingCaller(caller, opener.flush) if home.is_metered else caller)
        self._owner = Owner(home.owners, token)
        self._check_home()
        self._register()
        # Only now: what is forked before must not share the meter's database.
        self._invoker, observers = metered(home, self._invoker, definitions, observers)
        self._worker = WorkflowWorker(
            journal=home.journal,
            invoker=self._invoker,
            metrics=home.metrics,
            map_runs=self._map_runner(token),
            clock=home.clock,
            definitions=definitions,
            owner=token,
            observers=observers,
        )
        dispatcher = Dispatcher(
            journal=home.journal,
            bus=home.bus,
            events=home.events,
            objects=home.objects,
            clock=home.clock,
            definitions=definitions,
            owner=token,
        )
        self._dispatcher = dispatcher
        self._watcher = Watcher(
            journal=home.journal,
            metrics=home.metrics,
            alarms=home.alarms,
            outbox=home.outbox,
            clock=home.clock,
            definitions=definitions,
        )
        self._notifier = home.notifier()
        self._recovery = Recovery(home.journal, home.map_runs, dispatcher, self._owner.living)
        self._notifying: threading.Thread | None = None
        self._warn = warn
        self._sealer = home.lake_sealer(definitions, warn) if scheduled else None
        self._supervisor = Supervisor(
            worker=self._worker,
            dispatcher=dispatcher,
            recovery=self._recovery,
            invoker=self._invoker,
            journal=home.journal,
            clock=home.clock,
            others_may_die=not home.is_alone,
            **self._scheduled_parts(token, warn) if scheduled else {},
        )

    def start(self, pipeline: str, value: Any, workflow: str | None = None, *, source: str = "manual") -> Execution:
        """Journals a new execution and begins it.

        Args:
            value: the workflow's input, of what JSON can hold. Its ``slot``, an ISO 8601 time, is the logical time.
        """
        definition = self.definitions[pipeline]
        chosen = workflow or main_workflow(definition)
        if chosen not in definition.workflows:
            raise NotFoundError(
                f"pipeline {pipeline!r} has no workflow {chosen!r}",
                hint=f"its workflows are: {', '.join(definition.workflows) or 'none'}",
            )
        now = self.home.clock.now()
        execution = Execution(
            id="",
            pipeline=pipeline,
            workflow=chosen,
            version=definition.workflows[chosen].version,
            input=msgspec.json.encode(value),
            source=source,
            root="",
            created_at=now,
            slot=slot_of(value),
            owner=self._owner.token,
        )
        while True:
            # Two that are started in one millisecond may draw the same id.
            execution.id = execution.root = manual_id(pipeline, chosen, now, self.home.entropy.token())
            if self._worker.create(execution):
                return execution

    def find(self, execution: str) -> Execution | None:
        """Returns the execution of exactly this id, or None."""
        return self.home.journal.get(execution) if self._exists(execution) else None

    def start_slot(self, pipeline: str, schedule: str, at: float, *, source: str) -> None:
        """Begins the one execution of a schedule's slot; nothing where it is there already.

        Args:
            at: the slot, in seconds since the epoch.
            source: begins what the execution says of why it was started; the schedule's name follows.
        """
        definition = self.definitions[pipeline]
        chosen = definition.schedules[schedule]
        version = definition.workflows[chosen.workflow].version
        execution = slot_execution(pipeline, chosen, version, at, self.home.clock.now(), self._owner.token)
        execution.source = f"{source}{schedule}"
        self._worker.create(execution)

    def start_with(self, pipeline: str, path: Path, workflow: str | None = None) -> Execution:
        """Puts a file into the pipeline's inbox, and begins what it starts: again, where it has arrived before.

        Raises:
            UsageError: no inbox, or more than one, could be meant; or the file cannot be read.
        """
        definition = self.definitions[pipeline]
        trigger = inbox_trigger(definition, workflow)
        arrived = self.home.arrivals({pipeline: definition}, self._owner.token).take(trigger.inbox, path)
        known = object_id(pipeline, trigger.name, arrived.key)
        is_new = not self._exists(known)
        while created := self._dispatcher.tick():
            self._worker.admit(created)
        if is_new and self._exists(known):
            return self.home.journal.get(known)
        return self.start(pipeline, arrived.event, trigger.workflow, source=f"object:{arrived.key}")

    def _exists(self, execution: str) -> bool:
        try:
            self.home.journal.get(execution)
        except NotFoundError:
            return False
        return True

    def redrive(self, execution: str) -> None:
        """Continues a failed execution from where it failed.

        Raises:
            UsageError: it is not over, it succeeded, or it is one of a distributed Map's.
        """
        found = self.home.journal.get(execution)
        if found.status not in {Status.FAILED, Status.TIMED_OUT, Status.ABORTED}:
            raise UsageError(f"{found.id} is {found.status}", hint="only what failed can be put through again")
        if found.source.startswith(MAP_SOURCE):
            raise UsageError(
                f"{found.id} belongs to a distributed Map, which decides about it",
                hint=f"redrive the execution with the Map: of {found.root} or what it started",
            )
        sequence = len(self.home.journal.events(found.id))
        event = msgspec.json.encode(Redriven(at=self.home.clock.now()))
        with self.home.journal.transaction():
            self.home.journal.append([(found.id, Recorded(sequence, event))])
            self.home.journal.reopen(found.id)
        self._worker.claim()

    def unfinished(self) -> int:
        """Counts the executions of these pipelines that dead processes left."""
        self._recovery.tick()
        self._worker.claim()
        return self._worker.active

    def run(self, root: str) -> None:
        """Drives an execution, all that follows from it, and what dead processes left; then looks at the alarms."""
        self._supervisor.run(lambda: self._is_over(root), self.stop)
        if self.stop.is_set():
            self._supervisor.drain(GRACE_SECONDS, self.hurry)
        self._watcher.evaluate()
        self._notifier.deliver_due()

    def step(self, root: str) -> bool:
        """Gives every part one turn; True when an execution and all that follows from it is over."""
        self._supervisor.turn()
        return self._is_over(root)

    def turn(self) -> None:
        """Gives every part one turn."""
        self._supervisor.turn()

    @property
    def active(self) -> int:
        """How many executions are being driven."""
        return self._worker.active

    def is_idle(self) -> bool:
        """Tells whether nothing is being driven and nothing is due."""
        return self._worker.is_idle() and self._dispatcher.is_idle()

    def stop_execution(self, execution: str, error: str = "", cause: str = "") -> bool:
        """Ends an execution, running or parked, whoever drives it; False if it is over already."""
        return self._worker.stop(execution, error, cause)

    def next_due_at(self) -> float | None:
        """Returns when the next timer fires, in seconds since the epoch."""
        return None if self._worker.calling else self._worker.next_due_at()

    def next_moment(self) -> float | None:
        """Returns when a part has something to do, but for calls in flight and sealing, in seconds since the epoch."""
        return self._supervisor.next_due_at()

    def sealing_due_at(self) -> float | None:
        """Returns when a partition is to be sealed, by what objects there are now, in seconds since the epoch."""
        return self._supervisor.sealing_due_at()

    def deliver(self) -> int:
        """Delivers the notifications that are due; returns how many."""
        return self._notifier.deliver_due()

    def look_at_alarms(self) -> int:
        """Evaluates every alarm now; returns how many changed."""
        return self._watcher.evaluate()

    def alarm_states(self, pipeline: str) -> dict[str, str]:
        """Returns the state of each alarm that was evaluated."""
        return self._watcher.states(pipeline)

    def up(self) -> None:
        """Follows schedules, triggers and alarms until ``stop`` is set; then lets calls in flight end."""
        from penstock.runtime.machine.collecting import BackgroundCollecting

        self._notifying = threading.Thread(target=self._notifier.run, args=(self.stop,), name="notifier", daemon=True)
        self._notifying.start()
        collecting = BackgroundCollecting(
            self.home, self.definitions, self.stop, writer=self._owner.token, warn=self._warn
        )
        try:
            self._supervisor.run(lambda: False, self.stop)
            self._supervisor.drain(GRACE_SECONDS, self.hurry)
        finally:
            self.stop.set()
            collecting.finish()

    def request_stop(self) -> None:
        """Asks the loop to stop; asked twice, it does not wait for calls in flight. Safe in a signal handler."""
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()
        self._invoker.wake()

    def abandon(self) -> None:
        """Lets go of everything as a process does that is killed: nothing is given back, and nothing is finished."""
        self.stop.set()
        self._invoker.close()
        self._owner.abandon()

    def close(self) -> None:
        """Stops everything; what is unfinished goes on when a machine is started again."""
        self.stop.set()
        self._invoker.close()
        if self._sealer is not None:
            self._sealer.close()
        if self._notifying is not None:
            self._notifier.wake()
            self._notifying.join()
        self.home.journal.release(self._owner.token)
        self.home.map_runs.release(self._owner.token)
        self._owner.close()
        if self.home.meter is not None:
            self.home.meter.observe(self.home.clock.now())
        self.home.close()

    def _is_over(self, root: str) -> bool:
        if self._worker.calling:
            return False
        return self._dispatcher.is_idle() and not self.home.journal.unfinished(root=root)

    def _check_home(self) -> None:
        """Looks once this process is among those that use the home: a promotion that begins later then sees it."""
        try:
            self.home.check_usable()
            refuse_promoted(self.home.path, self.definitions)
            self._keep_schemas()
        except PenstockError:
            self._invoker.close()
            self._owner.close()
            raise

    def _keep_schemas(self) -> None:
        tables = (table for one in self.definitions.values() for table in one.lake_tables.values())
        self.home.schema_history.keep(tables, self.home.clock.now())

    def _register(self) -> None:
        for name, definition in self.definitions.items():
            self.home.journal.register(name, list(definition.workflows.values()), self.home.clock.now())

    def _map_runner(self, token: str) -> MapRunner:
        home = self.home
        return MapRunner(
            journal=home.journal,
            map_runs=home.map_runs,
            objects=home.objects,
            clock=home.clock,
            definitions=self.definitions,
            owner=token,
            rows=ParquetRows(home.lake),
        )

    def _scheduled_parts(self, token: str, warn: Callable[[str], None]) -> dict[str, Any]:
        home = self.home
        return {
            "watcher": self._watcher,
            "scheduler": Scheduler(
                journal=home.journal,
                ledgers=home.ledger,
                clock=home.clock,
                definitions=self.definitions,
                owner=token,
                warn=warn,
            ),
            "inbox": home.file_inbox(self.definitions, token, warn),
            "housekeeper": home.housekeeper(self.definitions),
            "retention": home.retention(self.definitions, warn),
            "sealer": self._sealer,
        }


def main_workflow(definition: Definition) -> str:
    """Returns the workflow that ``run`` means when none is named.

    Raises:
        UsageError: there is more than one that it could be, or none.
    """
    triggered = {trigger.workflow for trigger in definition.triggers.values()}
    triggered |= {trigger.workflow for trigger in definition.event_triggers.values()}
    candidates = [name for name in definition.workflows if name not in triggered] or list(definition.workflows)
    if definition.name in definition.workflows:
        return definition.name
    if len(candidates) == 1:
        return candidates[0]
    names = ", ".join(candidates)
    raise UsageError(
        f"pipeline {definition.name!r} has {len(candidates)} workflows to run", hint=f"choose one: {names or 'none'}"
    )
