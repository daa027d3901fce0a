"""The definition API: what users write. Every call only records model values; ``build`` checks them as a whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, overload

import msgspec

from penstock.define import asl
from penstock.define.arriving import Arriving
from penstock.define.asking import Translate
from penstock.define.keys import as_key
from penstock.define.messaging import listed
from penstock.define.places import caller_place
from penstock.define.rehearsing import Rehearsing
from penstock.define.simulating import Simulating
from penstock.define.tables import aged, column_names
from penstock.define.transforming import Transforming
from penstock.define.units import minutes, rate, seconds, whole_seconds
from penstock.define.warehousing import Warehousing
from penstock.define.workflow import Invoke, Stepped
from penstock.errors import DefinitionError, by_place, report
from penstock.model.access import Grant
from penstock.model.buses import EventBus
from penstock.model.datasets import HotTable, Index, Key, LakeTable, Zone
from penstock.model.deployment import Deployment
from penstock.model.inboxes import Inbox
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.model.schedule import CatchUp, Overlap, Schedule
from penstock.model.task import Task
from penstock.model.workflow import EventTrigger, InboxTrigger, ObjectTrigger, Workflow

Handler = Callable[[Any, Any], Any]
Target = Stepped | Workflow


class Pipeline(Arriving, Warehousing, Rehearsing, Simulating, Transforming):
    """A pipeline under definition.

    Args:
        name: lower-case letters, digits and hyphens.
        namespace: the namespace of its metrics; its name when absent.
        region: the AWS region that messages and ARNs name.
        tags: put on everything that is deployed.
    """

    def __init__(
        self,
        name: str,
        *,
        description: str = "",
        namespace: str | None = None,
        region: str = "us-east-1",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(namespace or name)
        self.name = name
        self.place = caller_place()
        self._description = description
        self._region = region
        self._tags = dict(tags or {})
        self._deployment = Deployment()

    # -- data -------------------------------------------------------------------------------------

    def lake(
        self,
        name: str,
        record: type[Any],
        *,
        partition: Literal["hour", "day"] = "hour",
        seal_after: timedelta = minutes(10),
        retain: timedelta | Mapping[Zone, timedelta] | None = None,
        infrequent_after: timedelta | Mapping[Zone, timedelta] | None = None,
        archive_after: timedelta | None = None,
        sort: str | Sequence[str] = (),
        unique: str | Sequence[str] = (),
        time: str | None = None,
        compress: bool = False,
    ) -> LakeTable:
        """Declares a table of the lake whose records are of one type. ``LakeTable`` says what each option means."""
        table = LakeTable(
            name=name,
            record=record,
            partition=partition,
            seal_after_seconds=whole_seconds(seal_after) or 0,
            archive_after_seconds=whole_seconds(archive_after),
            sort=column_names(sort),
            unique=column_names(unique),
            time=time,
            compress=compress,
            place=caller_place(),
        )
        return self._add("lake_tables", aged(table, retain, infrequent_after))

    def hot_table(
        self,
        name: str,
        *,
        key: str | Key | tuple[str | Key, str | Key],
        indexes: Sequence[Index] = (),
        ttl: timedelta | None = None,
        ttl_attribute: str = "expires_at",
        throttles: Metric | None = None,
    ) -> HotTable:
        """Declares a hot table. ``key`` is its partition key, or its partition and sort key."""
        partition, sort = key if isinstance(key, tuple) else (key, None)
        table = HotTable(
            name=name,
            partition=as_key(partition),
            sort=None if sort is None else as_key(sort),
            indexes=tuple(indexes),
            ttl_attribute=ttl_attribute if ttl else None,
            ttl_seconds=whole_seconds(ttl),
            throttles=throttles,
            place=caller_place(),
        )
        return self._add("hot_tables", table)

    # -- work -------------------------------------------------------------------------------------

    @overload
    def task(self, handler: Handler) -> Task: ...
    @overload
    def task(
        self,
        *,
        name: str | None = None,
        memory: int = 128,
        timeout: timedelta = seconds(30),
        may: Sequence[Grant] = (),
        errors: Metric | None = None,
        duration: Metric | None = None,
    ) -> Callable[[Handler], Task]: ...
    def task(
        self,
        handler: Handler | None = None,
        *,
        name: str | None = None,
        memory: int = 128,
        timeout: timedelta = seconds(30),
        may: Sequence[Grant] = (),
        errors: Metric | None = None,
        duration: Metric | None = None,
    ) -> Task | Callable[[Handler], Task]:
        """Makes a function a task. ``may`` lists everything that it may touch; there is no other way to a grant."""
        place = caller_place()

        def register(function: Handler) -> Task:
            label = name or str(getattr(function, "__name__", "task"))
            grants = self._grants(label, may, place)
            task = Task(
                name=label,
                handler=function,
                memory_mb=memory,
                timeout_seconds=timeout.total_seconds(),
                grants=grants,
                errors=errors,
                duration=duration,
                description=(inspect.getdoc(function) or "").partition("\n")[0],
                place=place,
            )
            return self._add("tasks", task)

        return register if handler is None else register(handler)

    def workflow(self, name: str, definition: Stepped | Path | str, *, may: Sequence[Grant] = ()) -> Workflow:
        """Declares a workflow from steps, or from an ``.asl.json`` file.

        Args:
            may: everything that its states may do without a task, such as ``latest.put`` for a state that calls
                ``dynamodb:putItem``. To call the pipeline's own tasks needs no grant.
        """
        place = caller_place()
        if isinstance(definition, Path | str):
            document = self._read(Path(definition), place)
        else:
            document = asl.emit(self.name, definition)
        grants = self._grants(name, may, place)
        return self._add("workflows", Workflow(name=name, definition=document, may=grants, place=place))

    def every(self, interval: timedelta, target: Target, **options: Any) -> Schedule:
        """Starts a workflow at a fixed rate. Options as for ``schedule``."""
        return self.schedule(rate(interval), target, **options)

    def cron(self, expression: str, target: Target, **options: Any) -> Schedule:
        """Starts a workflow by EventBridge's six-field cron, such as ``0 8 ? * MON-FRI *``."""
        return self.schedule(f"cron({expression})", target, **options)

    def schedule(
        self,
        expression: str,
        target: Target,
        *,
        name: str | None = None,
        timezone: str = "UTC",
        jitter: timedelta = seconds(0),
        catch_up: Literal["skip", "latest", "all"] = "latest",
        overlap: Literal["allow", "skip", "queue"] = "allow",
        input: Mapping[str, Any] | None = None,  # noqa: A002 - Amazon States Language's word
        may: Sequence[Grant] = (),
    ) -> Schedule:
        """Starts a workflow by ``rate(…)``, ``cron(…)`` or ``at(…)``.

        Args:
            may: of the workflow, when ``target`` is steps: what its states may do without a task.
            name: the workflow's name when ``target`` is steps; the pipeline's name when absent.
            catch_up: of the slots missed while nobody was watching, run none, the latest or all.
            overlap: while the last run goes on, allow another, skip the slot, or queue it.
        """
        place = caller_place()
        workflow = self._target(name or self.name, target, may, place)
        schedule = Schedule(
            name=name or workflow.name,
            workflow=workflow.name,
            expression=expression,
            timezone=timezone,
            jitter_seconds=whole_seconds(jitter) or 0,
            catch_up=CatchUp(catch_up),
            overlap=Overlap(overlap),
            input=dict(input or {}),
            place=place,
        )
        return self._add("schedules", schedule)

    def on_object(
        self, table: LakeTable | Inbox, target: Target, *, name: str | None = None, may: Sequence[Grant] = ()
    ) -> ObjectTrigger | InboxTrigger:
        """Starts a workflow for each new object of a table or file of an inbox, at least once. ``may`` as for
        ``schedule``.

        A task alone is tried three times, as Lambda tries an asynchronous call, ten seconds apart and more.
        """
        place = caller_place()
        workflow = self._target(name or _task_name(target) or f"on-{table.name}", _retried(target), may, place)
        label, started = name or workflow.name, workflow.name
        if isinstance(table, Inbox):
            arrival = InboxTrigger(name=label, inbox=table.name, workflow=started, place=place)
            return self._add("inbox_triggers", arrival)
        trigger = ObjectTrigger(name=label, table=table.name, workflow=started, place=place)
        return self._add("triggers", trigger)

    def on_event(
        self,
        bus: EventBus,
        target: Target,
        *,
        source: str | Sequence[str] = (),
        detail_type: str | Sequence[str] = (),
        name: str | None = None,
        may: Sequence[Grant] = (),
    ) -> EventTrigger:
        """Starts a workflow for each event of a bus that matches, at least once; its input is the whole event.

        A task alone is tried three times, as ``on_object`` does. ``may`` as for ``schedule``.

        Args:
            source, detail_type: what an event must have, one of these values each; any where none is given.
        """
        place = caller_place()
        workflow = self._target(name or _task_name(target) or f"on-{bus.name}", _retried(target), may, place)
        trigger = EventTrigger(
            name=name or workflow.name,
            bus=bus.name,
            workflow=workflow.name,
            source=listed(source),
            detail_type=listed(detail_type),
            place=place,
        )
        return self._add("event_triggers", trigger)

    def aws(self, **choices: Any) -> None:
        """Chooses what is optional in an AWS account, such as ``tracing=True`` or ``replica_region="eu-west-1"``.

        The choices are the attributes of ``penstock.model.deployment.Deployment``.
        """
        try:
            self._deployment = msgspec.convert({**msgspec.structs.asdict(self._deployment), **choices}, Deployment)
        except msgspec.ValidationError as error:
            known = ", ".join(Deployment.__struct_fields__)
            self._find(caller_place(), "deployment", f"aws(…) has a choice that cannot be: {error}",
                       f"the choices are {known}")  # fmt: skip

    # -- the whole --------------------------------------------------------------------------------

    def build(self, *, translate: Translate | None = None) -> Definition:
        """Returns the checked definition.

        Args:
            translate: translates the named queries, to check them; for who has translations that are known.

        Raises:
            DefinitionError: with every mistake at once, each with its place and its mend.
        """
        from penstock.define.checks import check
        from penstock.define.derived import with_dead_man_alarms

        definition = self.declared()
        findings = self._findings + check(definition, self.place, translate)
        if not findings:
            return with_dead_man_alarms(definition)
        findings = sorted(set(findings), key=by_place)
        count = f"{len(findings)} mistake{'s' if len(findings) > 1 else ''}"
        raise DefinitionError(
            f"pipeline {self.name!r} has {count}:\n{report(findings)}",
            hint="mend these, then run `penstock ls` again",
            findings=[{"where": f.where, "code": f.code, "message": f.message, "hint": f.hint} for f in findings],
        )

    def declared(self) -> Definition:
        """Returns the definition without checks and without what is derived: where ``build`` has passed before."""
        parts: dict[str, Any] = dict(self._parts)
        return Definition(
            name=self.name,
            namespace=self._namespace,
            description=self._description,
            region=self._region,
            tags=self._tags,
            deployment=self._deployment,
            rehearsal=self._rehearsal,
            simulation=self._simulation,
            shown=self._shown,
            **parts,
        )

    def _target(self, name: str, target: Target, may: Sequence[Grant], place: str) -> Workflow:
        """Returns what is to be started: a workflow as it is, steps as a new one."""
        if not isinstance(target, Workflow):
            return self.workflow(name, target, may=may)
        if may:
            self._find(place, "misplaced-grant", f"may= is for steps, not for workflow {target.name!r} as it is",
                       "give may= to the workflow(…) that declares it")  # fmt: skip
        return target

    def _grants(self, name: str, may: Sequence[Grant], place: str) -> tuple[Grant, ...]:
        grants = []
        things: Sequence[Any] = may
        for thing in things:
            if isinstance(thing, Grant):
                grants.append(thing)
            else:
                kind = type(thing).__name__
                self._find(place, "not-a-grant", f"may= of {name!r} holds a {kind}",
                           "name the action too, such as raw.append, latest.put or alerts.publish")  # fmt: skip
        return tuple(grants)

    def _read(self, path: Path, place: str) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            self._find(place, "workflow-file", f"cannot read {path}: {error.strerror}", "give the path of an .asl.json")
            return b"{}"


def _task_name(target: Target) -> str:
    return target.name if isinstance(target, Task) else ""


def _retried(target: Target) -> Target:
    """Returns a task as Lambda calls it asynchronously: with two more attempts."""
    return Invoke(target).retry(times=2, every=seconds(10)) if isinstance(target, Task) else target
