"""Dashboards: which metrics and alarms people look at together."""

from __future__ import annotations

from typing import Literal

import msgspec

from penstock.model.metrics import Metric

View = Literal["line", "number", "alarms", "text"]


class Widget(msgspec.Struct, frozen=True, kw_only=True):
    """One panel. ``alarms`` names alarms for the view ``alarms``; ``text`` is Markdown."""

    title: str
    view: View = "line"
    metrics: tuple[Metric, ...] = ()
    statistic: str = "Average"
    period_seconds: int = 300
    alarms: tuple[str, ...] = ()
    text: str = ""


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of widgets."""

    name: str
    widgets: tuple[Widget, ...] = ()
    place: str = ""
