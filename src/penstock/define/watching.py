"""Declaring who is told and what is watched: topics, metrics, alarms, dashboards."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from penstock.define.parts import Parts
from penstock.define.places import caller_place
from penstock.define.units import minutes, seconds, whole_seconds
from penstock.model.access import Grant, Kind, MetricAction
from penstock.model.alarms import Alarm, Comparison, CompositeAlarm, MissingData, Severity
from penstock.model.dashboards import Dashboard, Widget
from penstock.model.metrics import Metric, Unit, dimensions
from penstock.model.topics import Subscription, Topic


class Watching(Parts):
    """The part of a pipeline that people hear of."""

    def topic(self, name: str, *endpoints: str) -> Topic:
        """Declares a topic and who is told: ``mailto:…``, ``slack://…`` and the like."""
        subscriptions = tuple(Subscription(endpoint) for endpoint in endpoints)
        return self._add("topics", Topic(name=name, subscriptions=subscriptions, place=caller_place()))

    def metric(
        self, name: str, unit: Unit = "None", *, namespace: str | None = None, **dimension_values: str
    ) -> Metric:
        """Declares a metric; keyword arguments are its dimensions."""
        metric = Metric(namespace or self._namespace, name, dimensions(dimension_values), unit, caller_place())
        return self._add("metrics", metric, name=metric.label)

    @property
    def publish(self) -> Grant:
        """The grant to publish any metric of this pipeline's namespace."""
        return Grant(Kind.NAMESPACE, self._namespace, MetricAction.PUBLISH)

    def alarm(
        self,
        name: str,
        *,
        metric: Metric,
        above: float | None = None,
        at_least: float | None = None,
        below: float | None = None,
        at_most: float | None = None,
        statistic: str = "Average",
        period: timedelta = minutes(1),
        for_periods: int = 1,
        datapoints: int | None = None,
        missing: Literal["missing", "ignore", "breaching", "notBreaching"] = "missing",
        severity: Severity = "WARNING",
        notify: Topic | None = None,
        notify_ok: bool = False,
        notify_insufficient_data: bool = False,
        description: str = "",
    ) -> Alarm:
        """Declares an alarm: give exactly one of ``above``, ``at_least``, ``below`` and ``at_most``."""
        place = caller_place()
        limits = {
            Comparison.GREATER: above,
            Comparison.GREATER_OR_EQUAL: at_least,
            Comparison.LESS: below,
            Comparison.LESS_OR_EQUAL: at_most,
        }
        given = [(comparison, limit) for comparison, limit in limits.items() if limit is not None]
        if len(given) != 1:
            self._find(place, "alarm-threshold", f"alarm {name!r} has {len(given)} thresholds",
                       "give exactly one of above=, at_least=, below= and at_most=")  # fmt: skip
        comparison, limit = given[0] if given else (Comparison.GREATER, 0.0)
        topics = (notify.name,) if notify else ()
        alarm = Alarm(
            name=name,
            metric=metric,
            threshold=float(limit),
            comparison=comparison,
            statistic=statistic,
            period_seconds=whole_seconds(period) or 0,
            evaluation_periods=for_periods,
            datapoints_to_alarm=for_periods if datapoints is None else datapoints,
            missing=MissingData(missing),
            severity=severity,
            description=description,
            on_alarm=topics,
            on_ok=topics if notify_ok else (),
            on_insufficient_data=topics if notify_insufficient_data else (),
            place=place,
        )
        return self._add("alarms", alarm)

    def composite_alarm(
        self,
        name: str,
        rule: str,
        *,
        severity: Severity = "HIGH",
        notify: Topic | None = None,
        notify_ok: bool = False,
        suppressor: Alarm | None = None,
        suppressor_wait: timedelta = seconds(0),
        suppressor_extension: timedelta = seconds(0),
        description: str = "",
    ) -> CompositeAlarm:
        """Declares an alarm over others, by CloudWatch's rule: ``ALARM("a") AND NOT OK("b")``."""
        topics = (notify.name,) if notify else ()
        alarm = CompositeAlarm(
            name=name,
            rule=rule,
            severity=severity,
            description=description,
            on_alarm=topics,
            on_ok=topics if notify_ok else (),
            suppressor=suppressor.name if suppressor else None,
            suppressor_wait_seconds=whole_seconds(suppressor_wait) or 0,
            suppressor_extension_seconds=whole_seconds(suppressor_extension) or 0,
            place=caller_place(),
        )
        return self._add("composite_alarms", alarm)

    def dashboard(self, name: str, *widgets: Widget) -> Dashboard:
        """Declares a dashboard."""
        return self._add("dashboards", Dashboard(name=name, widgets=widgets, place=caller_place()))
