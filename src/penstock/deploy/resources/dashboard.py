"""Dashboards. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""

from __future__ import annotations

from typing import Any

from penstock.deploy.hcl import Block, Expression, identifier, json_of, resource
from penstock.deploy.kit import Capability, Concern, Site, named
from penstock.deploy.resources.alarm import alarm_address, deployed, namespace
from penstock.errors import Finding
from penstock.model.dashboards import Dashboard, Widget
from penstock.model.pipeline import Definition

WIDTH, HEIGHT, COLUMNS = 8, 6, 3
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
METRICS_LIMIT = 500


def blocks(site: Site) -> dict[Concern, list[Block]]:
    """Returns the dashboards."""
    return {"watch": [_dashboard(site.definition, one) for one in site.definition.dashboards.values()]}


def limits(definition: Definition) -> list[Finding]:
    """Returns what CloudWatch would refuse."""
    return [
        Finding(
            dashboard.place,
            "too-many-metrics",
            f"widget {widget.title!r} of dashboard {dashboard.name!r} has {len(widget.metrics)} metrics",
            f"CloudWatch shows {METRICS_LIMIT} in one widget",
        )
        for dashboard in definition.dashboards.values()
        for widget in dashboard.widgets
        if len(widget.metrics) > METRICS_LIMIT
    ]


def _dashboard(definition: Definition, dashboard: Dashboard) -> Block:
    widgets = [_widget(definition, number, widget) for number, widget in enumerate(dashboard.widgets)]
    return resource(
        "aws_cloudwatch_dashboard",
        identifier(dashboard.name),
        {"dashboard_name": named(dashboard.name), "dashboard_body": json_of({"widgets": widgets})},
    )


def _widget(definition: Definition, number: int, widget: Widget) -> dict[str, Any]:
    kind, properties = _properties(definition, widget)
    return {
        "type": kind,
        "x": number % COLUMNS * WIDTH,
        "y": number // COLUMNS * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": properties,
    }


def _properties(definition: Definition, widget: Widget) -> tuple[str, dict[str, Any]]:
    match widget.view:
        case "text":
            return "text", {"markdown": widget.text}
        case "alarms":
            there = deployed(definition)
            arns = [Expression(f"{alarm_address(definition, name)}.arn") for name in widget.alarms if name in there]
            return "alarm", {"title": widget.title, "alarms": arns}
    return "metric", {
        "title": widget.title,
        "view": "timeSeries" if widget.view == "line" else "singleValue",
        "stat": widget.statistic,
        "period": widget.period_seconds,
        "region": Expression("local.region"),
        "metrics": [
            [namespace(metric.namespace), metric.name, *(part for pair in metric.dimensions for part in pair)]
            for metric in widget.metrics
        ],
    }


CAPABILITY = Capability(
    name="dashboard",
    purpose="Metrics and alarms that people look at together",
    blocks=blocks,
    limits=limits,
)
