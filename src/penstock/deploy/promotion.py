"""Promotion: a pipeline of a machine's home goes on in the account where it is deployed, with all that it has.

What starts workflows is switched off in the account until everything is there, so that no carried object is taken for
a new one; and the home keeps a note that stops the pipeline from running in both.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from penstock.adapters.aws.executions import StepFunctionsExecutions
from penstock.adapters.aws.hot import DynamoDbHotStore
from penstock.adapters.aws.metrics import CloudWatchMetricStore
from penstock.adapters.aws.objects import S3ObjectStore
from penstock.adapters.aws.triggers import EventBridgeTriggers
from penstock.adapters.local.owners import Owner
from penstock.deploy import carry
from penstock.deploy.carry import ObjectSurvey
from penstock.deploy.destination import Destination
from penstock.deploy.promotion_plan import messages, obstacles, own_metrics, own_prefixes, survey_lake
from penstock.errors import NotFoundError, PenstockError, PortError, UnavailableError, UsageError
from penstock.faultpoints import fault_point
from penstock.model.pipeline import Definition
from penstock.ports.journal import Status
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.promoted import Carried, Promotion, read_promotions, write_promotion

# Events on new objects arrive in seconds, but can take a minute or longer:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
SETTLE_SECONDS = 120.0
POLL_SECONDS = 5.0
# Half an hour: twice as long as a function can run.
LONGEST_POLLS = 360
TOLD_OBJECTS = 1000


class Promoter:
    """Carries one pipeline of a home into an account. Everything can be broken off, and done again.

    Args:
        say: told of each step.
        pause: waits for some seconds.
        settle_seconds: how long events may take to arrive.
        leave_messages: messages in queues stay in the home, instead of standing in the way.
    """

    def __init__(
        self,
        definition: Definition,
        home: Home,
        destination: Destination,
        *,
        say: Callable[[str], None] = lambda text: None,
        pause: Callable[[float], None] = time.sleep,
        settle_seconds: float = SETTLE_SECONDS,
        leave_messages: bool = False,
    ) -> None:
        self._leave_messages = leave_messages
        self._definition, self._home, self._destination = definition, home, destination
        self._say, self._pause, self._settle_seconds = say, pause, settle_seconds
        region = destination.region
        self._triggers = EventBridgeTriggers(
            list(destination.rules.values()), list(destination.schedules.values()), region=region
        )
        self._hot = DynamoDbHotStore(home.clock, names=destination.hot_tables, region=region)
        self._prefixes = own_prefixes(definition)
        self._carried_at = 0.0

    def run(self) -> Promotion:
        """Carries what is not in the account yet, compares both sides, and lets the account go on.

        Raises:
            UsageError: the home is in use or has work left, or the pipeline is on its way to another account.
            AlreadyExistsError: an object is in the account with other bytes.
            PortError: something could not be carried or differs at the end. Nothing runs there until it is mended.
        """
        name, path = self._definition.name, self._home.path
        before = read_promotions(path).get(name)
        if before is not None and before.holds and _place(before) != self._destination.place:
            raise UsageError(
                f"pipeline {name!r} goes from this home to account {before.account}, {before.region} already",
                hint="promote to the same deployment, or give it up with --undo while that one is in --out",
            )
        if before is not None and before.promoted_at is not None and before.holds:
            return before
        with _used_by_others(self._home) as others:
            promotion = self._begin(before)
            try:
                self._refuse(others, is_fresh=promotion is not before)
            except PenstockError:
                if promotion is not before:
                    write_promotion(path, name, before)
                raise
            try:
                return self._carry(promotion)
            except (PenstockError, KeyboardInterrupt):
                self._say("rules and schedules stay disabled in the account until the promotion is done or undone")
                raise

    def _begin(self, before: Promotion | None) -> Promotion:
        """Keeps the note that stops the pipeline here, before anybody looks whether it runs: neither can be missed."""
        if before is not None and before.holds:
            self._say("going on with what was begun")
            return before
        account, region, bucket = self._destination.place
        promotion = Promotion(
            account=account, region=region, bucket=bucket, begun_at=self._home.clock.now(),
            disabled=self._triggers.disabled(),
        )  # fmt: skip
        if before is not None and _place(before) == self._destination.place:
            promotion.disabled = before.disabled
            # What CloudWatch counted once it would count again.
            promotion.position = before.position
            promotion.carried.datapoints = before.carried.datapoints
        self._keep(promotion)
        return promotion

    def _refuse(self, others: list[str], *, is_fresh: bool) -> None:
        name = self._definition.name
        _refuse_others(self._home, others)
        found = obstacles(self._definition, self._home, leave_messages=self._leave_messages)
        if found:
            way = f"`penstock run {name}` or `penstock up {name}` finishes them"
            if not self._leave_messages and messages(self._definition, self._home):
                way += "; messages are to be received or purged first (`penstock queue`), or left: --leave-messages"
            raise UsageError(
                f"pipeline {name!r} has work left in this home: {'; '.join(found)}",
                hint=way if is_fresh else f"give up with `penstock promote {name} --undo`; then {way}",
            )
        different = self._survey_objects().different
        if different:
            raise carry.other_bytes(different)

    def _carry(self, promotion: Promotion) -> Promotion:
        self._switch_off()
        self._carry_objects()
        self._carry_items()
        self._carry_datapoints(promotion)
        newest_at = self._verify(promotion)
        self._wait_for_events(newest_at)
        fault_point("promotion.before_enable")
        self._triggers.enable()
        fault_point("promotion.after_enable")
        self._say("rules and schedules are enabled in the account")
        promotion.promoted_at = self._home.clock.now()
        self._keep(promotion)
        return promotion

    def _switch_off(self) -> None:
        names = {*self._destination.rules.values(), *self._destination.schedules.values()}
        off = set(self._triggers.disabled())
        self._triggers.disable()
        if names - off:
            self._say(f"disabled {', '.join(sorted(names - off))}; {self._settle_seconds:.0f} s until none starts")
            self._pause(self._settle_seconds)
        executions = StepFunctionsExecutions(self._destination.state_machines, region=self._destination.region)
        for _ in range(LONGEST_POLLS):
            running = [
                one.name for name in self._destination.state_machines for one in executions.list(name, Status.RUNNING)
            ]
            if not running:
                return
            self._say(f"waiting for {len(running)} executions in the account, such as {running[0]}")
            self._pause(POLL_SECONDS)
        raise UnavailableError(
            f"{len(running)} executions still run in the account, such as {running[0]}",
            hint="wait or stop them, then do the same again",
        )

    def _carry_objects(self) -> None:
        done = size = 0

        def carried(data_bytes: int) -> None:
            nonlocal done, size
            done, size = done + 1, size + data_bytes
            if done % TOLD_OBJECTS == 0:
                self._say(f"{done} objects carried, {size} bytes")

        if self._prefixes:
            count = carry.carry_objects(self._home.objects, self._lake(), self._prefixes, carried)
            self._say(f"lake: {count} objects carried, {size} bytes")
            self._carried_at = self._home.clock.now() if count else 0.0

    def _carry_items(self) -> None:
        for name, table in self._definition.hot_tables.items():
            count = carry.carry_items(table, self._home.hot, self._hot, lambda written: None)
            self._say(f"hot table {name}: {count} items carried")

    def _carry_datapoints(self, promotion: Promotion) -> None:
        def carried(position: int, count: int) -> None:
            promotion.position = position
            promotion.carried.datapoints += count
            self._keep(promotion)

        clock = self._home.clock
        target = CloudWatchMetricStore(clock, region=self._destination.region)
        wanted = own_metrics(self._definition)
        carry.carry_datapoints(self._home.metrics, target, wanted, promotion.position, clock.now, carried)
        self._say(f"metrics: {promotion.carried.datapoints} datapoints carried")

    def _verify(self, promotion: Promotion) -> float:
        """Compares both sides, keeps the counts, and returns when the newest carried object was written."""
        objects = self._survey_objects()
        if objects.different:
            raise carry.other_bytes(objects.different)
        items = {
            name: carry.survey_items(table, self._home.hot, self._hot)
            for name, table in self._definition.hot_tables.items()
        }
        missing = {name: one.missing for name, one in items.items() if one.missing}
        if objects.missing or missing:
            told = [f"{objects.missing} objects"] if objects.missing else []
            told += [f"{count} items of {name}" for name, count in missing.items()]
            raise PortError(
                f"{', '.join(told)} are not in the account after all",
                hint="does somebody delete there? do the same again",
            )
        promotion.carried = Carried(
            objects=objects.objects,
            bytes=objects.bytes,
            items=sum(one.items for one in items.values()),
            items_kept=sum(one.different for one in items.values()),
            datapoints=promotion.carried.datapoints,
        )
        self._say(f"compared: {objects.objects} objects, {objects.bytes} bytes, {promotion.carried.items} items")
        return objects.newest_at

    def _wait_for_events(self, newest_at: float) -> None:
        # The one is by the clock of S3, the other by that of this machine, and only of this attempt.
        left = max(newest_at, self._carried_at) + self._settle_seconds - self._home.clock.now()
        if left > 0 and self._destination.rules:
            self._say(f"{left:.0f} s until the last events of carried objects have passed")
            self._pause(left)

    def _survey_objects(self) -> ObjectSurvey:
        return survey_lake(self._home, self._destination, self._prefixes)

    def _lake(self) -> S3ObjectStore:
        return S3ObjectStore(self._destination.bucket, region=self._destination.region)

    def _keep(self, promotion: Promotion) -> None:
        write_promotion(self._home.path, self._definition.name, promotion)


def undo(definition: Definition, home: Home, destination: Destination | None) -> Promotion:
    """Switches a promoted pipeline off in the account and lets it run in the home again. Nothing is carried back.

    Args:
        destination: None when it is deployed no more.

    Raises:
        NotFoundError: it was not promoted from this home.
        UsageError: it was promoted to another account, or the home is in use.
    """
    with _used_by_others(home) as others:
        _refuse_others(home, others)
        return _undo(definition, home, destination)


def _undo(definition: Definition, home: Home, destination: Destination | None) -> Promotion:
    promotion = read_promotions(home.path).get(definition.name)
    if promotion is None or not promotion.holds:
        raise NotFoundError(
            f"pipeline {definition.name!r} was not promoted from {home.path}", hint="it runs here; or give --home"
        )
    if destination is not None:
        if _place(promotion) != destination.place:
            raise UsageError(
                f"pipeline {definition.name!r} was promoted to account {promotion.account}, {promotion.region}",
                hint="log in there, and give the --out of that deployment",
            )
        names = list(destination.rules.values()), list(destination.schedules.values())
        EventBridgeTriggers(*names, region=destination.region).disable()
    promotion.undone_at, promotion.promoted_at = home.clock.now(), None
    write_promotion(home.path, definition.name, promotion)
    return promotion


@contextlib.contextmanager
def _used_by_others(home: Home) -> Iterator[list[str]]:
    """Makes this process one of those that use a home, and yields the process ids of the others."""
    owner = Owner(home.owners, home.entropy.token())
    others = []
    try:
        for token in owner.living():
            if token != owner.token:
                with contextlib.suppress(OSError):
                    others.append((home.owners / token).read_text().strip())
        yield others
    finally:
        owner.close()


def _refuse_others(home: Home, others: list[str]) -> None:
    if others:
        raise UsageError(
            f"the home {home.path} is in use by process {', '.join(others)}",
            hint="stop it: Ctrl-C in its terminal, or `kill` with its number",
        )


def _place(promotion: Promotion) -> tuple[str, str, str]:
    return promotion.account, promotion.region, promotion.bucket
