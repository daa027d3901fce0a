"""States of the deployed alarms, in CloudWatch.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.adapters.aws.session import calling, client
from penstock.model.alarms import AlarmState
from penstock.ports.alarms import AlarmChange

# The service returns metric alarms only unless it is asked for both.
TYPES = ["MetricAlarm", "CompositeAlarm"]
PAGE = 100


class AlarmStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm says now.

    Attributes:
        alarm: its name in the definition.
        since: when its state last changed.
        is_composite: it watches other alarms.
    """

    alarm: str
    state: AlarmState
    reason: str
    since: float
    is_composite: bool


class CloudWatchAlarms:
    """The alarms of one deployed pipeline.

    Args:
        prefix: what the names of its alarms begin with in the account, before the name in the definition.
    """

    def __init__(self, pipeline: str, prefix: str, *, region: str | None = None) -> None:
        self._pipeline = pipeline
        self._prefix = prefix
        self._client = client("cloudwatch", region=region)

    def states(self) -> list[AlarmStatus]:
        """Returns what each alarm says now, in order of their names."""
        found = []
        which = {"AlarmNamePrefix": self._prefix} if self._prefix else {}
        with calling("describe the alarms"):
            for page in self._client.get_paginator("describe_alarms").paginate(AlarmTypes=TYPES, **which):
                found += [self._status(one, is_composite=False) for one in page.get("MetricAlarms", ())]
                found += [self._status(one, is_composite=True) for one in page.get("CompositeAlarms", ())]
        return sorted(found, key=lambda status: status.alarm)

    def history(self, alarm: str | None = None, *, limit: int = 50) -> list[AlarmChange]:
        """Returns changes of one alarm, or of all that exist, newest first. CloudWatch keeps 30 days of them."""
        names = [status.alarm for status in self.states()] if alarm is None else [alarm]
        found = [change for name in names for change in self._changes(name, limit)]
        return sorted(found, key=lambda change: change.at, reverse=True)[:limit]

    def _changes(self, alarm: str, limit: int) -> Iterator[AlarmChange]:
        with calling(f"read the history of alarm {alarm}"):
            pages = self._client.get_paginator("describe_alarm_history").paginate(
                AlarmName=self._prefix + alarm,
                AlarmTypes=TYPES,
                HistoryItemType="StateUpdate",
                ScanBy="TimestampDescending",
                PaginationConfig={"MaxItems": limit, "PageSize": min(limit, PAGE)},
            )
            for page in pages:
                for item in page["AlarmHistoryItems"]:
                    yield self._change(alarm, item)

    def _status(self, found: Mapping[str, Any], *, is_composite: bool) -> AlarmStatus:
        since = found.get("StateTransitionedTimestamp") or found["StateUpdatedTimestamp"]
        return AlarmStatus(
            alarm=str(found["AlarmName"]).removeprefix(self._prefix),
            state=AlarmState(found["StateValue"]),
            reason=found.get("StateReason", ""),
            since=since.timestamp(),
            is_composite=is_composite,
        )

    def _change(self, alarm: str, item: Mapping[str, Any]) -> AlarmChange:
        before, after = _told(item)
        return AlarmChange(
            pipeline=self._pipeline,
            alarm=alarm,
            at=item["Timestamp"].timestamp(),
            previous=before["stateValue"],
            state=after["stateValue"],
            reason=after.get("stateReason", item.get("HistorySummary", "")),
            data=after.get("stateReasonData") or {},
        )


def _told(item: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the states before and after a change."""
    try:
        data = msgspec.json.decode(item.get("HistoryData", ""))
        return data["oldState"], data["newState"]
    except (msgspec.DecodeError, KeyError):
        # The service cuts long data after 4095 characters; the summary always says "... from OK to ALARM".
        words = str(item.get("HistorySummary", "")).rpartition(" from ")[2].split(" to ")
        return {"stateValue": words[0]}, {"stateValue": words[-1]}
