"""What starts workflows in an account, switched off and on: rules of EventBridge, schedules of EventBridge Scheduler.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DisableRule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-state.html
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.adapters.aws.session import calling, client

# What GetSchedule tells beside what UpdateSchedule takes.
TOLD = frozenset({"Arn", "CreationDate", "LastModificationDate", "ResponseMetadata"})


class EventBridgeTriggers:
    """Rules and schedules of a deployment, by their names in the account. Switching twice is a no-op.

    A rule that was disabled may match events for a short while yet. Raises NotFoundError for what is not there.

    Args:
        rules: on the default event bus.
        schedules: in the default group.
    """

    def __init__(self, rules: Sequence[str], schedules: Sequence[str], *, region: str | None = None) -> None:
        self._rules, self._schedules = tuple(rules), tuple(schedules)
        self._events = client("events", region=region)
        self._scheduler = client("scheduler", region=region)

    def disabled(self) -> list[str]:
        """Returns the names of rules and schedules that are disabled."""
        found = []
        for name in self._rules:
            with calling(f"look at rule {name}"):
                if self._events.describe_rule(Name=name)["State"] == "DISABLED":
                    found.append(name)
        for name in self._schedules:
            with calling(f"look at schedule {name}"):
                if self._scheduler.get_schedule(Name=name)["State"] == "DISABLED":
                    found.append(name)
        return found

    def disable(self) -> None:
        """Disables the schedules, then the rules."""
        self._set_schedules("DISABLED")
        for name in self._rules:
            with calling(f"disable rule {name}"):
                self._events.disable_rule(Name=name)

    def enable(self) -> None:
        """Enables the rules, then the schedules."""
        for name in self._rules:
            with calling(f"enable rule {name}"):
                self._events.enable_rule(Name=name)
        self._set_schedules("ENABLED")

    def _set_schedules(self, state: str) -> None:
        for name in self._schedules:
            with calling(f"update schedule {name}"):
                found = self._scheduler.get_schedule(Name=name)
                if found["State"] != state:
                    # An update replaces the whole schedule.
                    kept = {key: value for key, value in found.items() if key not in TOLD}
                    self._scheduler.update_schedule(**{**kept, "State": state})
