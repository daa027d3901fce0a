"""What a rehearsal says of each alarm: what it would have done, whether it can fire, whether it flaps, what to set."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from penstock.model.alarms import Alarm, AlarmState, Comparison, CompositeAlarm, MissingData
from penstock.model.pipeline import Definition
from penstock.watch.evaluate import EXTRA_PERIODS
from penstock.watch.rehearsal import Transition, Values, transitions
from penstock.watch.windows import Value, check_window, series

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
# So often, and mostly sooner after it has ended than this many of its periods, an alarm comes back that flaps.
FLAPS = 3
SOON_PERIODS = 3
PERCENT = 100.0


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """Another setting of an alarm, and what it would have done with it."""

    setting: str
    fired: int
    mails: int


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm would have done.

    Attributes:
        fired: how often it came into ALARM.
        mails: messages to subscribers, of every change that tells somebody.
        close_mails: those of them within an hour of another one.
        alarm_seconds: how long it was in ALARM.
        cannot_fire: why it never can; empty when it can.
        unheard: why nobody hears of it; empty when somebody does.
        flaps: it comes back soon after it has ended, again and again.
    """

    alarm: str
    fired: int
    mails: int
    close_mails: int
    alarm_seconds: float
    cannot_fire: str = ""
    unheard: str = ""
    flaps: bool = False
    advice: tuple[Advice, ...] = ()
    text: str = ""


def rehearse(definition: Definition, values: Values, start: float, end: float) -> list[Rehearsed]:
    """Returns what each alarm of a pipeline would have done, in the order of the definition."""
    alarms = list(definition.alarms.values())
    found = transitions(alarms, definition.composite_alarms, values, start, end)
    by_alarm: dict[str, list[Transition]] = {}
    for change in found:
        by_alarm.setdefault(change.alarm, []).append(change)
    subscribers = {name: len(topic.subscriptions) for name, topic in definition.topics.items()}
    return [
        *(_of_metric(alarm, by_alarm.get(alarm.name, []), values, subscribers, start, end) for alarm in alarms),
        *(
            _counted(alarm, by_alarm.get(name, []), subscribers, start, end)
            for name, alarm in definition.composite_alarms.items()
        ),
    ]


def _of_metric(
    alarm: Alarm,
    changes: Sequence[Transition],
    values: Values,
    subscribers: Mapping[str, int],
    start: float,
    end: float,
) -> Rehearsed:
    counted = _counted(alarm, changes, subscribers, start, end)
    found = values(alarm.metric)
    cannot_fire = "" if counted.fired else _cannot_fire(alarm, found)
    flaps = not alarm.derived and _flaps(alarm, changes)
    advice = tuple(_advice(alarm, counted, values, subscribers, start, end)) if flaps else ()
    return msgspec.structs.replace(counted, cannot_fire=cannot_fire, flaps=flaps, advice=advice)


def _counted(
    alarm: Alarm | CompositeAlarm, changes: Sequence[Transition], subscribers: Mapping[str, int], start: float,
    end: float,
) -> Rehearsed:  # fmt: skip
    times = [change.at for change in changes for topic in change.notified for _ in range(subscribers.get(topic, 0))]
    # One message to several people is not one after the other.
    messages = sorted({change.at for change in changes if change.notified})
    near = _near(messages)
    fired = sum(change.state is AlarmState.ALARM for change in changes if change.previous is not change.state)
    counted = Rehearsed(
        alarm=alarm.name,
        fired=fired,
        mails=len(times),
        close_mails=sum(at in near for at in times),
        alarm_seconds=_seconds_in_alarm(changes, end),
        unheard=_unheard(alarm, subscribers),
    )
    return msgspec.structs.replace(counted, text=_text(counted, end - start))


def _near(messages: Sequence[float]) -> set[float]:
    """Returns the moments within an hour of another one."""
    near: set[float] = set()
    for before, after in itertools.pairwise(messages):
        if after - before <= HOUR_SECONDS:
            near |= {before, after}
    return near


def _seconds_in_alarm(changes: Sequence[Transition], end: float) -> float:
    total = 0.0
    since: float | None = None
    for change in changes:
        is_alarm = change.state is AlarmState.ALARM
        if since is None and is_alarm:
            since = change.at
        elif since is not None and not is_alarm:
            total, since = total + change.at - since, None
    return total if since is None else total + end - since


def _text(counted: Rehearsed, seconds: float) -> str:
    days = f"{seconds / DAY_SECONDS:.3g} day{'' if seconds == DAY_SECONDS else 's'}"
    if not counted.mails:
        return f"no mail in {days}"
    text = f"{counted.mails} mail{'s' if counted.mails > 1 else ''} in {days}"
    return f"{text}, {counted.close_mails} of them within an hour of another" if counted.close_mails else text


def _unheard(alarm: Alarm | CompositeAlarm, subscribers: Mapping[str, int]) -> str:
    if not alarm.on_alarm:
        return "it tells no topic"
    if not any(subscribers.get(topic, 0) for topic in alarm.on_alarm):
        return f"nobody has subscribed to {', '.join(alarm.on_alarm)}"
    return ""


def _cannot_fire(alarm: Alarm, values: Sequence[Value]) -> str:
    """Returns why an alarm never fires with what was recorded; empty when it can."""
    mistake = check_window(alarm.period_seconds, alarm.evaluation_periods)
    if mistake and not alarm.derived:
        return mistake
    if alarm.missing is MissingData.BREACHING:
        return ""
    if not values:
        return f"{alarm.metric.label} was never published in this time"
    is_percent = alarm.metric.unit == "Percent" and alarm.statistic not in {"Sum", "SampleCount"}
    if is_percent and alarm.comparison is Comparison.GREATER and alarm.threshold >= PERCENT:
        return f"no percentage is above {alarm.threshold:g}"
    return _too_sparse(alarm, values)


def _too_sparse(alarm: Alarm, values: Sequence[Value]) -> str:
    """Returns that a metric is published too seldom for the alarm's periods, or nothing."""
    minutes = sorted({at // 60 * 60 for at, _, _ in values})
    if len(minutes) < 2:
        return ""
    gap = statistics.median(after - before for before, after in itertools.pairwise(minutes))
    span = (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period_seconds
    possible = max(1, int(span // max(gap, alarm.period_seconds)))
    if possible >= alarm.datapoints_to_alarm:
        return ""
    return (
        f"{alarm.metric.label} is published every {gap:.0f} s: of periods of {alarm.period_seconds} s no"
        f" {alarm.datapoints_to_alarm} have data at a time"
    )


def _flaps(alarm: Alarm, changes: Sequence[Transition]) -> bool:
    fired = [change.at for change in changes if change.state is AlarmState.ALARM]
    ended = [change.at for change in changes if change.previous is AlarmState.ALARM and change.state is AlarmState.OK]
    pauses = [min(at - end for end in ended if end <= at) for at in fired if any(end <= at for end in ended)]
    soon = sum(pause <= SOON_PERIODS * alarm.period_seconds for pause in pauses)
    return len(fired) >= FLAPS and soon >= FLAPS - 1 and soon * 2 >= len(pauses)


def _advice(
    alarm: Alarm, counted: Rehearsed, values: Values, subscribers: Mapping[str, int], start: float, end: float
) -> Iterator[Advice]:
    """Yields other settings with which the alarm still fires, with fewer mails; the fewest mails last."""
    best = counted.mails
    for setting, other in _settings(alarm, values(alarm.metric), start, end):
        changes = transitions([other], {}, values, start, end)
        found = _counted(other, changes, subscribers, start, end)
        if found.fired > 0 and found.mails < best:
            best = found.mails
            yield Advice(setting=setting, fired=found.fired, mails=found.mails)


def _settings(alarm: Alarm, values: Sequence[Value], start: float, end: float) -> Iterator[tuple[str, Alarm]]:
    for more in (1, 2):
        periods = alarm.evaluation_periods + more
        if check_window(alarm.period_seconds, periods):
            break
        # More periods to look at, of which as many must breach: a short pause does not end the alarm.
        wider = msgspec.structs.replace(alarm, evaluation_periods=periods)
        yield f"for_periods={periods}, datapoints={alarm.datapoints_to_alarm}", wider
        longer = msgspec.structs.replace(alarm, evaluation_periods=periods, datapoints_to_alarm=periods)
        yield f"for_periods={periods}", longer
    breaching = sorted(series(values, alarm.statistic, alarm.period_seconds, start, end).values())
    if alarm.comparison in {Comparison.GREATER, Comparison.GREATER_OR_EQUAL} and breaching:
        higher = round(breaching[int(0.99 * (len(breaching) - 1))], 1)
        if higher > alarm.threshold:
            yield f"above={higher:g}", msgspec.structs.replace(alarm, threshold=higher)
