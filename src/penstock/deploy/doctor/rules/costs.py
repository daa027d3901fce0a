"""What costs by the hour, or by the value of a dimension. Prices are those of us-east-1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock.deploy.doctor.finding import Fault, Rule, Severity
from penstock.deploy.doctor.plan import Plan
from penstock.deploy.doctor.resource import sequence
from penstock.deploy.resources.alarm import NAMESPACE

HOURS = 730
NAT_USD_AN_HOUR = 0.045
# https://aws.amazon.com/cloudwatch/pricing/: a custom metric is one set of dimension values.
METRIC_USD_A_MONTH = 0.30
SERIES_LIMIT = 4
Metric = tuple[str, str]
Series = tuple[tuple[str, str], ...]


def nat_gateway(plan: Plan) -> Iterator[Fault]:
    """Yields NAT gateways."""
    for gateway in plan.of("aws_nat_gateway"):
        message = f"it costs ${HOURS * NAT_USD_AN_HOUR:.0f} a month before the first byte, then $0.045 for each GB"
        yield Fault(gateway.address, message)


def filter_dimensions(plan: Plan) -> Iterator[Fault]:
    """Yields log filters that make a metric of each value in the log."""
    for one in plan.of("aws_cloudwatch_log_metric_filter"):
        for made in one.blocks("metric_transformation"):
            names = ", ".join(sorted(made.table("dimensions")))
            if names:
                message = f"each value of {names} in the log becomes a metric at ${METRIC_USD_A_MONTH:.2f} a month"
                yield Fault(one.address, message)


def fan_out(plan: Plan) -> Iterator[Fault]:
    """Yields custom metrics that alarms and dashboards look at by many values of their dimensions."""
    found: dict[Metric, dict[Series, str]] = {}
    for address, metric, series in _series(plan):
        # Tasks and datasets are as many as the definition says.
        if metric[0] == NAMESPACE:
            continue
        found.setdefault(metric, {}).setdefault(series, address)
    for (namespace, name), seen in found.items():
        if len(seen) > SERIES_LIMIT:
            cost = len(seen) * METRIC_USD_A_MONTH
            message = (
                f"{namespace} {name} is watched by {len(seen)} sets of dimensions: ${cost:.2f} a month for metrics"
            )
            yield Fault(next(iter(seen.values())), message)


def _series(plan: Plan) -> Iterator[tuple[str, Metric, Series]]:
    for alarm in plan.of("aws_cloudwatch_metric_alarm"):
        metrics = [metric for query in alarm.blocks("metric_query") for metric in query.blocks("metric")]
        for one in (alarm, *metrics):
            namespace, name = one.text("namespace"), one.text("metric_name")
            if namespace and name and not namespace.startswith("AWS/"):
                yield alarm.address, (namespace, name), _sorted(one.table("dimensions"))
    for dashboard in plan.of("aws_cloudwatch_dashboard"):
        for row in _rows(dashboard.text("dashboard_body") or ""):
            namespace, name, rest = row[0], row[1], row[2:]
            if not namespace.startswith("AWS/"):
                yield dashboard.address, (namespace, name), _sorted(dict(zip(rest[::2], rest[1::2], strict=False)))


def _sorted(dimensions: dict[str, Any]) -> Series:
    return tuple(sorted((name, str(value)) for name, value in dimensions.items()))


def _rows(body: str) -> Iterator[list[str]]:
    """Yields the metrics of a dashboard's widgets, each as namespace, name, and dimensions by turns.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    try:
        widgets = json.loads(body).get("widgets")
    except (ValueError, AttributeError, RecursionError):
        return
    for widget in sequence(widgets):
        properties = widget.get("properties") if isinstance(widget, dict) else None
        rows = sequence(properties.get("metrics")) if isinstance(properties, dict) else []
        above: list[str] = []
        for row in rows:
            above = _spelled_out([word for word in sequence(row) if isinstance(word, str)], above)
            if len(above) >= 2:
                yield above


def _spelled_out(words: list[str], above: list[str]) -> list[str]:
    """Returns a metric with its dots replaced: one for the word above it, three for all that are left out."""
    if words[:1] == ["..."]:
        return above[: max(0, len(above) - len(words) + 1)] + words[1:]
    return [above[place] if word == "." and place < len(above) else word for place, word in enumerate(words)]


def scan_without_limit(plan: Plan) -> Iterator[Fault]:
    """Yields workgroups of Athena in which one query may read everything."""
    for group in plan.of("aws_athena_workgroup"):
        if group.is_absent("configuration", 0, "bytes_scanned_cutoff_per_query"):
            yield Fault(group.address, "one query may scan the whole lake, at $5 for each TB")


def kept_warm(plan: Plan) -> Iterator[Fault]:
    """Yields what is paid for while nothing runs."""
    for one in plan.of("aws_lambda_provisioned_concurrency_config"):
        yield Fault(one.address, "its functions are paid for while they wait")
    for table in plan.of("aws_dynamodb_table"):
        if table.text("billing_mode") == "PROVISIONED":
            hint = 'write billing_mode = "PAY_PER_REQUEST"'
            yield Fault(table.address, "its capacity is paid for while nobody reads or writes", hint)


RULES = (
    Rule(
        code="nat-gateway",
        severity=Severity.WARNING,
        what="A NAT gateway",
        why="About $33 a month each, more than a small pipeline costs in all",
        mend="remove it: endpoints of S3 and DynamoDB cost nothing, and functions outside a network need none",
        page="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-pricing.html",
        check=nat_gateway,
    ),
    Rule(
        code="metric-per-dimension",
        severity=Severity.WARNING,
        what="A log metric filter with dimensions",
        why="Each value that appears in the log is a custom metric at $0.30 a month",
        mend="remove dimensions; what has many values belongs in the lake",
        page="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html",
        check=filter_dimensions,
    ),
    Rule(
        code="metric-fan-out",
        severity=Severity.WARNING,
        what="A custom metric that is watched by more than four sets of dimension values",
        why="Each set is a custom metric at $0.30 a month, and each alarm on it costs $0.10",
        mend="publish one metric for all of them, and find the culprit in the lake or the hot table",
        page="https://aws.amazon.com/cloudwatch/pricing/",
        check=fan_out,
    ),
    Rule(
        code="scan-without-limit",
        severity=Severity.WARNING,
        what="An Athena workgroup without a scan limit",
        why="One query without a partition reads everything, and everything is paid for",
        mend="write bytes_scanned_cutoff_per_query = var.scan_limit_mb * 1048576",
        page="https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html",
        check=scan_without_limit,
    ),
    Rule(
        code="paid-while-idle",
        severity=Severity.INFO,
        what="Provisioned concurrency or provisioned capacity",
        why="A pipeline that runs every few hours pays for the hours in between",
        mend="remove it",
        page="https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html",
        check=kept_warm,
    ),
)
