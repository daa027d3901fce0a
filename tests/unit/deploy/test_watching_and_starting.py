"""What watches and what starts, whatever the pipeline: alarms, composites, schedules, triggers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.deployments import HOSTILE, everything, inner, metrics, named, resources, text, with_alarm

from penstock import Pipeline
from penstock.deploy.hcl import Block, Call, Expression
from penstock.deploy.resources import queue
from penstock.deploy.resources.schedule import aligned
from penstock.deploy.terraform import limits
from penstock.model.pipeline import Definition

BOTH = pytest.mark.parametrize("make", [metrics, everything])
DEAD_LETTERS = Expression("aws_sqs_queue.dead_letters.arn")
DAY, WEEK = 86_400, 604_800


@pytest.fixture(scope="module")
def whole() -> Definition:
    return everything()


class TestAlarms:
    @BOTH
    def test_windows_are_those_that_cloudwatch_takes(self, make: Any) -> None:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        for alarm in resources(make(), "aws_cloudwatch_metric_alarm"):
            period, count = alarm.body["period"], alarm.body["evaluation_periods"]
            assert period in {10, 20, 30} or period % 60 == 0
            assert period * count <= (WEEK if period >= 3600 else DAY), alarm.address
            assert alarm.body.get("datapoints_to_alarm", 1) <= count
            kinds = [alarm.body.get(name) for name in ("statistic", "extended_statistic")]
            assert kinds.count(None) == 1, alarm.address

    @pytest.mark.parametrize(("period", "count"), [(3600, 169), (60, 1441), (45, 1), (90, 1)])
    def test_a_window_that_it_does_not_take_is_left_out_and_told(
        self, period: int, count: int, whole: Definition
    ) -> None:
        definition = with_alarm(whole, name="Too long", period_seconds=period, evaluation_periods=count)
        assert "Too_long" not in named(definition, "aws_cloudwatch_metric_alarm")
        assert [f.code for f in limits(definition) if "Too long" in f.message] == ["alarm-window"]

    @pytest.mark.parametrize(("period", "count"), [(3600, 168), (60, 1440), (30, 1)])
    def test_the_longest_windows_are_deployed(self, period: int, count: int, whole: Definition) -> None:
        definition = with_alarm(whole, name="Long", period_seconds=period, evaluation_periods=count)
        assert "Long" in named(definition, "aws_cloudwatch_metric_alarm")

    def test_composites_of_what_is_left_out_are_left_out_and_told(self, whole: Definition) -> None:
        definition = with_alarm(whole, name="Late > 5", period_seconds=3600, evaluation_periods=169)
        assert not resources(definition, "aws_cloudwatch_composite_alarm")
        assert [f.message for f in limits(definition) if "composite" in f.message] == [
            "composite alarm 'Both' is left out in AWS, as Late > 5 is not there"
        ]
        [widget] = [
            one["properties"]
            for one in resources(definition, "aws_cloudwatch_dashboard")[0]
            .body["dashboard_body"]
            .arguments[0]["widgets"]
            if one["type"] == "alarm"
        ]
        assert widget["alarms"] == []

    def test_each_deployment_watches_its_own_metrics(self, whole: Definition) -> None:
        watched = {text(a.body["namespace"]) for a in resources(whole, "aws_cloudwatch_metric_alarm")}
        assert watched == {"${local.prefix}shop", "${local.prefix}Penstock", "Penstock", "AWS/SQS"}
        # The one without a prefix has it in the metric's name.
        [killed] = [a for a in resources(whole, "aws_cloudwatch_metric_alarm") if a.body["namespace"] == "Penstock"]
        assert text(killed.body["metric_name"]) == "${local.prefix}shop-killed"
        [dashboard] = resources(whole, "aws_cloudwatch_dashboard")
        shown = [
            w["properties"]["metrics"]
            for w in dashboard.body["dashboard_body"].arguments[0]["widgets"]
            if w["type"] == "metric"
        ]
        assert [[text(part) for part in one] for [one] in shown] == [["${local.prefix}shop", "Late", "Shop", "north"]]

    def test_a_composites_rule_refers_to_the_alarms(self, whole: Definition) -> None:
        [both] = resources(whole, "aws_cloudwatch_composite_alarm")
        assert text(both.body["alarm_rule"]) == (
            'NOT (ALARM("${aws_cloudwatch_metric_alarm.Late___5.alarm_name}") '
            'AND OK("${aws_cloudwatch_metric_alarm.p99_of_late.alarm_name}")) OR FALSE'
        )
        [suppressor] = inner(both, "actions_suppressor")
        assert text(suppressor.body["alarm"]) == "aws_cloudwatch_metric_alarm.p99_of_late.alarm_name"

    @BOTH
    def test_a_killed_function_and_a_dead_letter_are_told_to_every_topic(self, make: Any) -> None:
        definition = make()
        alarms = named(definition, "aws_cloudwatch_metric_alarm")
        topics = [f"aws_sns_topic.{name.replace('-', '_')}.arn" for name in definition.topics]
        for name in ("killed", "dead_letters"):
            assert [text(arn) for arn in alarms[name].body["alarm_actions"]] == topics
        filters = resources(definition, "aws_cloudwatch_log_metric_filter")
        assert len(filters) == len(definition.tasks)
        counted = {text(one.body["name"]) for block in filters for one in inner(block, "metric_transformation")}
        assert counted == {text(alarms["killed"].body["metric_name"])}


class TestSchedulesAndTriggers:
    @pytest.mark.parametrize(
        ("expression", "deployed"),
        [
            # The machine's slots are multiples of the interval since the epoch, in UTC; these have the same.
            ("rate(1 minute)", "cron(* * * * ? *)"),
            ("rate(5 minutes)", "cron(0/5 * * * ? *)"),
            ("rate(60 minutes)", "cron(0 * * * ? *)"),
            ("rate(120  minutes)", "cron(0 0/2 * * ? *)"),
            ("rate(1 hour)", "cron(0 * * * ? *)"),
            ("rate(3 hours)", "cron(0 0/3 * * ? *)"),
            ("rate(24 hours)", "cron(0 0 * * ? *)"),
            ("rate(1 day)", "cron(0 0 * * ? *)"),
            # These drift against hours and days: no cron expression has their slots.
            ("rate(7 minutes)", "rate(7 minutes)"),
            ("rate(5 hours)", "rate(5 hours)"),
            ("rate(2 days)", "rate(2 days)"),
            ("cron(0 8 ? * MON-FRI *)", "cron(0 8 ? * MON-FRI *)"),
            ("at(2026-02-20T07:57:00)", "at(2026-02-20T07:57:00)"),
        ],
    )
    def test_rates_have_the_slots_of_the_machine(self, expression: str, deployed: str) -> None:
        assert aligned(expression) == deployed

    def test_rates_are_counted_in_utc_and_crons_in_their_zone(self, whole: Definition) -> None:
        zones = {name: one.body["schedule_expression_timezone"] for name, one in self._schedules(whole)}
        assert zones == {"mornings": "Europe/Berlin", "hourly": "UTC"}

    @BOTH
    def test_each_starts_its_workflow_with_its_slot_tries_again_and_keeps_what_failed(self, make: Any) -> None:
        definition = make()
        for name, one in self._schedules(definition):
            [target] = inner(one, "target")
            started = json.loads(target.body["input"])
            assert started == {**definition.schedules[name].input, "slot": "<aws.scheduler.scheduled-time>"}
            assert [d.body["arn"] for d in inner(target, "dead_letter_config")] == [DEAD_LETTERS]
            assert [r.body["maximum_retry_attempts"] for r in inner(target, "retry_policy")] == [3]

    def test_jitter_is_a_flexible_window(self, whole: Definition) -> None:
        windows = {name: inner(one, "flexible_time_window")[0].body for name, one in self._schedules(whole)}
        assert windows == {
            "mornings": {"mode": "FLEXIBLE", "maximum_window_in_minutes": 5},
            "hourly": {"mode": "OFF"},
        }

    def test_a_trigger_watches_its_table_and_gives_the_input_of_the_machine(self, whole: Definition) -> None:
        pattern = named(whole, "aws_cloudwatch_event_rule")["tell"].body["event_pattern"]
        assert isinstance(pattern, Call)
        assert pattern.arguments[0]["detail"]["object"] == {"key": [{"prefix": "raw/orders/"}]}
        target = named(whole, "aws_cloudwatch_event_target")["tell"]
        [transformer] = inner(target, "input_transformer")
        filled = re.sub("<key>", '"k"', transformer.body["input_template"]).replace("<size>", "3")
        assert json.loads(filled) == {"table": "orders", "key": "k", "size": 3}
        assert [d.body["arn"] for d in inner(target, "dead_letter_config")] == [DEAD_LETTERS]

    def test_a_trigger_on_a_bus_matches_its_lists_and_gives_the_whole_event(self, whole: Definition) -> None:
        rule, target = (named(whole, f"aws_cloudwatch_event_{kind}")["hand_on"] for kind in ("rule", "target"))
        pattern = rule.body["event_pattern"]
        assert isinstance(pattern, Call)
        assert pattern.arguments[0] == {"source": ["shop.orders", HOSTILE], "detail-type": ["Order placed"]}
        assert (
            rule.body["event_bus_name"]
            == target.body["event_bus_name"]
            == Expression("aws_cloudwatch_event_bus.shop_events.name")
        )
        assert target.body["arn"] == Expression("aws_sfn_state_machine.hand_on.arn")
        assert inner(target, "input_transformer") == []
        assert [d.body["arn"] for d in inner(target, "dead_letter_config")] == [DEAD_LETTERS]

    def test_rules_of_a_bus_may_put_what_failed_into_the_dead_letters(self, whole: Definition) -> None:
        [policy] = resources(whole, "aws_sqs_queue_policy")
        [allowed] = policy.body["policy"].arguments[0]["Statement"]
        rules = [Expression(f"aws_cloudwatch_event_rule.{name}.arn") for name in ("tell", "hand_on")]
        assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": rules}}

    def test_a_queue_is_encrypted_and_keeps_what_it_says(self, whole: Definition) -> None:
        plain = everything(encryption_key=False)
        for definition, key, managed in ((whole, Expression("aws_kms_key.messages.id"), None), (plain, None, True)):
            body = named(definition, "aws_sqs_queue")["jobs"].body
            assert (body["kms_master_key_id"], body["sqs_managed_sse_enabled"]) == (key, managed)
            assert (body["visibility_timeout_seconds"], body["message_retention_seconds"]) == (120, 86_400)

    def test_a_queue_cannot_be_called_as_that_of_the_dead_letters(self) -> None:
        pipeline = Pipeline("shop")
        pipeline.queue("shop-dead-letters")
        assert [finding.code for finding in queue.limits(pipeline.build())] == ["queue-name"]

    def _schedules(self, definition: Definition) -> Iterator[tuple[str, Block]]:
        yield from named(definition, "aws_scheduler_schedule").items()
