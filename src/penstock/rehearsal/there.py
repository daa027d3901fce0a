"""The scene in an account: the deployed workflows run the deployed functions."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.alarms import CloudWatchAlarms
from penstock.adapters.aws.executions import DeployedExecution, HistoryEvent, StepFunctionsExecutions
from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.logs import CloudWatchLogs
from penstock.adapters.aws.metrics import CloudWatchMetricStore
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.queues import SqsQueueStore
from penstock.deploy.kit import has_bucket
from penstock.deploy.resources.glue_job import CODE
from penstock.errors import NotFoundError, UnavailableError
from penstock.lake.inbox_keys import inbox_prefix
from penstock.lake.layout import table_prefix
from penstock.model.metrics import Datapoint
from penstock.model.pipeline import Definition
from penstock.ports.clock import Clock
from penstock.ports.hot import scan_all
from penstock.rehearsal.alarms import state_there
from penstock.rehearsal.databases import Databases
from penstock.rehearsal.function_log import Ended, datapoints, ended_calls
from penstock.rehearsal.here import waiting
from penstock.rehearsal.observed import Neutral, Observed, Ran, raced, series, sort_messages
from penstock.rehearsal.scene import Arrival, Scene, visible_states
from penstock.rehearsal.topic_inbox import TopicInbox
from penstock.rehearsal.warehouse_rows import rows

POLL_SECONDS = 0.5
# What is triggered begins a moment after what triggers it: quiet is what stays so.
QUIET_SECONDS = 3.0
LONGEST_SECONDS = 600.0
# A trigger that has not fired by then is broken: what it would have started is missing in the comparison.
TRIGGER_SECONDS = 60.0
# What the emulator calls every exception of a function; AWS has the name of its class.
NAMELESS = "Runtime.HandlerError"
OWN_EXECUTION = "rehearsal-"
# https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
OF_JOBS = "/aws-glue/jobs/output"


class Deployed:
    """A deployed pipeline, seen from outside.

    Args:
        outputs: of its Terraform.
        say: told what is waited for.
        databases: of its warehouses; needed where it has any.
    """

    def __init__(
        self,
        definition: Definition,
        outputs: Mapping[str, Any],
        clock: Clock,
        say: Callable[[str], None],
        databases: Databases | None = None,
    ) -> None:
        self.databases = databases
        self._definition = definition
        self._outputs = outputs
        self._clock = clock
        self._say = say
        self._prefix = str(outputs.get("name_prefix", ""))
        self.executions = StepFunctionsExecutions(outputs["state_machines"])
        self._hot = DynamoDbHotStore(clock, names=outputs.get("hot_tables", {}))
        self._inbox = TopicInbox(outputs.get("topics", {}))
        self._queues = SqsQueueStore(outputs.get("queues", {}))
        self._known: set[str] = set()

    @property
    def objects(self) -> S3ObjectStore:
        """The lake. There is none without lake tables."""
        return S3ObjectStore(self._outputs["lake_bucket"])

    def listen(self) -> None:
        """Subscribes a queue to every topic, to hear what people would be told."""
        self._inbox.open()

    def wait_for(self, workflow: str, seconds: float, count: int = 1) -> bool:
        """Waits until somebody else has started a workflow so many times; False when nobody has."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if sum(1 for _ in self.executions.list(workflow)) >= count:
                return True
            time.sleep(POLL_SECONDS)
        return False

    def settle(self) -> list[DeployedExecution]:
        """Waits until nothing runs and every object has started what it triggers; returns all executions.

        Raises:
            UnavailableError: something still runs after ten minutes.
        """
        began, idle_since, quiet_since = time.monotonic(), None, None
        while (now := time.monotonic()) < began + LONGEST_SECONDS:
            found = [one for name in self._definition.workflows for one in self.executions.list(name)]
            running = [one for one in found if not one.status.is_final]
            idle_since = None if running else idle_since or now
            given_up = idle_since is not None and now - idle_since >= TRIGGER_SECONDS
            is_quiet = not running and (given_up or not self._untriggered(found))
            quiet_since = (quiet_since or now) if is_quiet else None
            if quiet_since is not None and now - quiet_since >= QUIET_SECONDS:
                return found
            time.sleep(POLL_SECONDS)
        names = ", ".join(sorted({one.workflow for one in running})) or "a trigger"
        raise UnavailableError(
            f"{names} still runs in the emulator after ten minutes",
            hint="give the rehearsal inputs with which it waits less: pipeline.rehearse(…)",
        )

    def _untriggered(self, found: list[DeployedExecution]) -> bool:
        """Tells whether there are objects for which nothing was started yet."""
        started = Counter(
            one.workflow for one in found if one.arn not in self._known and not one.name.startswith(OWN_EXECUTION)
        )
        due: Counter[str] = Counter()
        for trigger in self._definition.triggers.values():
            due[trigger.workflow] += sum(1 for _ in self.objects.list(table_prefix(trigger.table)))
        for arriving in self._definition.inbox_triggers.values():
            due[arriving.workflow] += sum(1 for _ in self.objects.list(inbox_prefix(arriving.inbox)))
        return any(count > started[workflow] for workflow, count in due.items())

    def start_afresh(self) -> None:
        """Removes what earlier executions left, as a home on a machine is empty at first."""
        known = {one.arn for one in self.settle()}
        for key in self._keys():
            self.objects.delete(key)
        for name, table in self._definition.hot_tables.items():
            for item in list(scan_all(self._hot, self._definition.hot_tables[name])):
                self._hot.delete(table, {key.name: item[key.name] for key in (table.partition, table.sort) if key})
        if self.databases is not None:
            self.databases.empty()
        self._inbox.read()
        for queue in self._definition.queues.values():
            self._queues.purge(queue)
        self._known = known

    def stop_listening(self) -> None:
        """Removes the queue that heard the topics."""
        self._inbox.close()

    def _keys(self) -> list[str]:
        if not has_bucket(self._definition):
            return []
        # What was deployed into the bucket is no data.
        return [one.key for one in self.objects.list() if not one.key.startswith(CODE)]

    def play(self, scene: Scene, arrivals: Mapping[str, Arrival], *, earlier: Neutral | None = None) -> Observed:
        """Plays a scene and returns what it left. What was there before counts as its: see ``start_afresh``.

        Args:
            arrivals: by key, the files that arrive.
            earlier: of the run that made those files.
        """
        began_at = self._clock.now()
        roots = []
        for number, one in enumerate(scene.starts):
            self._say(f"running {one.workflow} with {json.dumps(one.input)}")
            name = f"{OWN_EXECUTION}{int(began_at)}-{number}"
            roots.append(self.executions.start(one.workflow, name, msgspec.json.encode(one.input)))
            self.settle()
        for key, came in arrivals.items():
            self._say(f"dropping {came.name} into the bucket")
            self.objects.create(key, came.data)
        found = [one for one in self.settle() if one.arn not in self._known]
        numbers = {one.name: roots.index(one.arn) + 1 if one.arn in roots else 0 for one in found}
        return self._observe(found, self.log(began_at), Neutral(numbers, began_at, self._clock.now(), earlier))

    def log(self, since: float) -> list[str]:
        """Returns the lines that functions and jobs have logged since a time."""
        groups = [f"/aws/lambda/{name}" for name in self._outputs["functions"].values()]
        lines = [line.message for line in CloudWatchLogs().read(groups, since)]
        if self._definition.deployment.jobs:
            # The first run makes it.
            with contextlib.suppress(NotFoundError):
                lines += [line.message for line in CloudWatchLogs().read([OF_JOBS], since)]
        return lines

    def calls(self, since: float) -> list[Ended]:
        """Returns the calls of functions that ended since a time."""
        return list(ended_calls(self.log(since)))

    def _observe(self, found: list[DeployedExecution], log: list[str], neutral: Neutral) -> Observed:
        points = list(datapoints(log))
        if points:
            CloudWatchMetricStore(self._clock).publish(points)
        calls = defaultdict(list)
        for call in ended_calls(log):
            calls[call.execution].append(call)
        executions = sorted(self._ran(self.executions.describe(one.arn), calls[one.name], neutral) for one in found)
        known = [self._own(point) for point in points]
        databases = self.databases
        observed = Observed(
            executions=executions,
            objects=neutral.objects((key, self.objects.get(key)) for key in self._keys()),
            items={
                name: sorted(neutral.item(table, one) for one in scan_all(self._hot, table))
                for name, table in self._definition.hot_tables.items()
            },
            rows=rows(lambda: databases.store, self._definition, neutral) if databases is not None else {},
            waiting=waiting(self._queues, self._definition, neutral),
            metrics=series(known),
            by_chance=raced(self._definition, executions),
            alarms=self._alarms(known),
        )
        names = {call.execution: call.error for of_one in calls.values() for call in of_one if call.error}
        heard = ((t, self._unprefixed(s), _with_error(b, names)) for t, s, b in self._inbox.read())
        alarms = {*self._definition.alarms, *self._definition.composite_alarms}
        sort_messages(((t, neutral.text(s), neutral.said(b)) for t, s, b in heard), observed, alarms)
        return observed

    def _alarms(self, points: list[Datapoint]) -> dict[str, str]:
        found = CloudWatchAlarms(self._definition.name, self._prefix).states()
        now = self._clock.now()
        return {one.alarm: state_there(self._definition, one.alarm, str(one.state), points, now) for one in found}

    def _own(self, point: Datapoint) -> Datapoint:
        """Returns a datapoint under the name that its metric has in the definition."""
        namespace = point.metric.namespace.removeprefix(self._prefix)
        return msgspec.structs.replace(point, metric=msgspec.structs.replace(point.metric, namespace=namespace))

    def _unprefixed(self, subject: str) -> str:
        """Returns the subject of an alarm's message with the alarm's name in the definition."""
        return subject.replace(f': "{self._prefix}', ': "', 1) if self._prefix else subject

    def _ran(self, one: DeployedExecution, calls: list[Ended], neutral: Neutral) -> Ran:
        entered = {str(e.details["name"]) for e in self.history(one.arn) if e.type.endswith("StateEntered")}
        # The emulator's history has no states of branches; the functions' logs have them.
        entered |= {call.state for call in calls}
        entered &= visible_states(self._definition.workflows[one.workflow].definition)
        logged = next((call.error for call in calls if call.error), NAMELESS)
        error = logged if one.error == NAMELESS else one.error
        told = one.output if error is None else msgspec.json.encode(error)
        output = neutral.outcome(self._named(json.loads(told or b"null")))
        return Ran(one.workflow, str(one.status), tuple(sorted(entered)), output)

    def _named(self, value: Any) -> Any:
        """Returns an output with the names that workflows have in the definition."""
        text = json.dumps(value)
        for name, arn in self._outputs["state_machines"].items():
            text = text.replace(json.dumps(arn), json.dumps(name))
        return json.loads(text)

    def history(self, arn: str) -> list[HistoryEvent]:
        """Returns an execution's history."""
        return list(self.executions.history(arn))


def _with_error(text: str, names: Mapping[str, str]) -> str:
    """Puts the name of an execution's error to where the emulator has none."""
    spoken_of = [error for execution, error in names.items() if execution in text]
    return text.replace(NAMELESS, spoken_of[0]) if len(set(spoken_of)) == 1 else text
