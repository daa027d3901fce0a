"""How the doctor reads a plan: what is unknown is never held against it, and what is allowed is not found."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.deploy.access import DELIVER_LOGS, JOIN_NETWORK, TRACES
from penstock.deploy.doctor import RULES, Severity, examine, report, unread
from penstock.deploy.doctor.cadence import Cadence
from penstock.deploy.doctor.rules.permissions import WITHOUT_RESOURCE
from penstock.errors import UsageError

if TYPE_CHECKING:
    from conftest import Deployment

ROOT = Path(__file__).parents[4]
PLAN = json.loads((Path(__file__).parent / "plan.json").read_text())
TOPIC = "aws_sns_topic.infra_monitoring_alerts"
FUNCTION = "aws_lambda_function.collect_cpu"
QUEUE_POLICY = "aws_sqs_queue_policy.dead_letters"
CPU = "aws_cloudwatch_metric_alarm.HighCPUUtilization"


def resource(address: str, after: dict[str, Any] | None = None, **unknown: bool) -> dict[str, Any]:
    kind, name = address.partition("[")[0].split(".")[-2:]
    change = {"actions": ["create"], "after": after or {}, "after_unknown": unknown}
    return {"address": address, "mode": "managed", "type": kind, "name": name, "change": change}


def written(address: str, **references: list[str]) -> dict[str, Any]:
    expressions = {name: {"references": words} for name, words in references.items()}
    kind, name = address.split(".")
    return {"address": address, "mode": "managed", "type": kind, "name": name, "expressions": expressions}


def codes(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one.code, one.address) for one in examine(document)}


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": "000000000000"}},
        {"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::metrics-*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-a1b2c3d4e5/*"]}},
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}},
    ],
)
def test_everybody_with_a_condition_on_the_caller_is_not_everybody(plan: Deployment, condition: dict[str, Any]) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": condition,
    }
    plan.edit(QUEUE_POLICY, policy=json.dumps({"Statement": statement}))
    assert plan.found() == set()


@pytest.mark.parametrize(
    "variables",
    [
        {"DB_PASSWORD": "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf"},
        {"DB_PASSWORD_ARN": "db", "SECRET_NAME": "penstock/db", "TOKEN_URL": "https://example.com/token"},
        {"MAX_TOKENS": "4096", "USE_TOKEN": "true", "MONKEY": "banana", "SECRETARY": "Ms. Smith"},
        {"WHERE": "postgres://db.internal:5432/orders", "MAIL": "smtp://ops@example.com"},
    ],
)
def test_what_only_sounds_like_a_secret_is_none(plan: Deployment, variables: dict[str, str]) -> None:
    plan.edit(FUNCTION, environment=[{"variables": variables}])
    assert plan.found() == set()


def test_a_secret_is_never_repeated(plan: Deployment) -> None:
    plan.edit(FUNCTION, environment=[{"variables": {"DB_PASSWORD": "hunter2-hunter2"}}])
    plan.document["variables"]["task_environment"] = {"value": {"collect_cpu": {"DB_PASSWORD": "hunter2-hunter2"}}}
    plan.add("aws_ssm_parameter.it", type="SecureString", value="hunter2-hunter2")
    assert {one.code for one in plan.findings()} == {"secret-shown", "secret-in-variable", "secret-in-state"}
    assert "hunter2" not in report(plan.findings())
    assert "collect_cpu.DB_PASSWORD" in report(plan.findings())


def test_write_only_attributes_and_plain_parameters_are_not_kept_in_the_state(plan: Deployment) -> None:
    plan.add("aws_secretsmanager_secret_version.chat", secret_string=None, secret_string_wo_version=1)
    plan.add("aws_ssm_parameter.mode", type="String", value="fast")
    plan.add(
        "aws_db_instance.orders", manage_master_user_password=True, storage_encrypted=True, deletion_protection=True
    )
    assert plan.found() == set()


def test_resources_without_a_level_may_be_everything() -> None:
    for statement in (DELIVER_LOGS, TRACES, JOIN_NETWORK):
        assert {action.lower() for action in statement.actions} <= WITHOUT_RESOURCE


def test_policy_documents_are_read_before_the_apply(plan: Deployment) -> None:
    wide = {"effect": "Allow", "actions": ["s3:GetObject"], "resources": ["*"], "sid": "Wide"}
    plan.add("data.aws_iam_policy_document.mine", statement=[wide])
    references = ["data.aws_iam_policy_document.mine.json", "data.aws_iam_policy_document.mine"]
    plan.add("aws_iam_role_policy.mine", {"policy": references}, name="mine", role="r")
    (found,) = plan.findings()
    assert (found.code, found.address) == ("iam-resource-wildcard", "aws_iam_role_policy.mine")
    assert found.message == "statement Wide allows s3:GetObject on *"


def test_policies_that_are_not_known_yet_are_named(plan: Deployment, replan: Deployment) -> None:
    found = unread(plan.document)
    assert len(found) == 13  # eleven roles' policies, the topic's and the queue's: jsonencode of ARNs to come
    assert QUEUE_POLICY in found
    assert "aws_s3_bucket_policy.lake[0]" not in found
    assert unread(replan.document) == []


def test_a_topic_in_a_module_is_subscribed_from_outside() -> None:
    topic, subscription = "aws_sns_topic.it", "aws_sns_topic_subscription.mail"
    module = {
        "resources": [written(topic)],
        "outputs": {"arn": {"expression": {"references": [f"{topic}.arn", topic]}}},
    }
    root = {
        "module_calls": {"alerts": {"module": module}},
        "resources": [written(subscription, topic_arn=["module.alerts.arn", "module.alerts"])],
    }
    changes = [resource(f"module.alerts.{topic}", {"name": "it"}, arn=True), resource(subscription, topic_arn=True)]
    document = {"resource_changes": changes, "configuration": {"root_module": root}}
    assert codes(document) == set()
    assert codes({**document, "resource_changes": changes[:1]}) == {("topic-unsubscribed", f"module.alerts.{topic}")}


def test_a_topic_is_given_to_a_module_by_a_variable() -> None:
    topic, subscription = "aws_sns_topic.it", "aws_sns_topic_subscription.mail"
    call = {
        "expressions": {"topic": {"references": [f"{topic}.arn", topic]}},
        "module": {"resources": [written(subscription, topic_arn=["var.topic"])], "variables": {"topic": {}}},
    }
    root = {"resources": [written(topic)], "module_calls": {"mail": call}}
    changes = [resource(topic, {"name": "it"}, arn=True), resource(f"module.mail.{subscription}", topic_arn=True)]
    assert codes({"resource_changes": changes, "configuration": {"root_module": root}}) == set()


def test_each_instance_is_looked_at_by_its_key() -> None:
    topic, subscription = "aws_sns_topic.team", "aws_sns_topic_subscription.mail"
    references = [f'{topic}["a"].arn', f'{topic}["a"]', topic]
    changes = [
        resource(f'{topic}["a"]', {"name": "a"}, arn=True),
        resource(f'{topic}["b"]', {"name": "b"}, arn=True),
        resource(subscription, topic_arn=True),
    ]
    root = {"resources": [written(topic), written(subscription, topic_arn=references)]}
    document = {"resource_changes": changes, "configuration": {"root_module": root}}
    assert codes(document) == {("topic-unsubscribed", f'{topic}["b"]')}


def test_a_subscription_that_may_be_anybodys_clears_every_topic() -> None:
    subscription = "aws_sns_topic_subscription.mail"
    root = {"resources": [written("aws_sns_topic.it"), written(subscription, topic_arn=["local.topics"])]}
    changes = [resource("aws_sns_topic.it", {"name": "it"}, arn=True), resource(subscription, topic_arn=True)]
    assert codes({"resource_changes": changes, "configuration": {"root_module": root}}) == set()


def test_an_alarm_that_a_composite_alarm_speaks_of_needs_no_action_of_its_own(plan: Deployment) -> None:
    plan.edit(CPU, alarm_actions=[])
    told = {"alarm_actions": [f"{TOPIC}.arn", TOPIC]}
    plan.add("aws_cloudwatch_composite_alarm.any", told, alarm_name="any", alarm_rule='ALARM("HighCPUUtilization")')
    assert plan.found() == set()


def test_hints_say_what_to_write(plan: Deployment) -> None:
    plan.edit("aws_cloudwatch_metric_alarm.dead_man_task_collect_cpu", evaluation_periods=11, datapoints_to_alarm=11)
    (found,) = plan.findings()
    assert found.message == (
        "it fires after 11 empty periods of 900 s, but aws_scheduler_schedule.metrics leaves up to 11 empty between "
        "two runs (3 h apart): a false alarm in every cycle"
    )
    assert found.hint == "write evaluation_periods = 24, which is two cadences"


@pytest.mark.parametrize(
    ("slots", "window_seconds", "period_seconds", "empty"),
    [
        ((0.0, 10_800.0, 21_600.0), 0.0, 900.0, 11),  # runs in the 1st and the 13th quarter of an hour
        ((0.0, 10_800.0), 900.0, 900.0, 12),
        ((0.0, 3_600.0, 3_600.0 * 15), 0.0, 3_600.0, 13),  # the night counts
        ((0.0, 60.0), 0.0, 3_600.0, -1),  # both in one period
        ((), 0.0, 900.0, 11),
        ((), 0.0, 1_000.0, 10),  # any phase: 10 800 s hold 10 whole periods of 1000 s, and no more for sure
    ],
)
def test_empty_periods_between_two_runs(
    slots: tuple[float, ...], window_seconds: float, period_seconds: float, empty: int
) -> None:
    rhythm = Cadence(
        schedule="s", shortest_seconds=10_800, longest_seconds=10_800, window_seconds=window_seconds, slots=slots
    )
    assert rhythm.empty_periods(period_seconds) == empty


def test_rules_are_silenced_everywhere_or_at_one_resource(plan: Deployment) -> None:
    plan.edit("aws_s3_bucket.lake", force_destroy=True)
    plan.edit("aws_s3_bucket.results", force_destroy=True)
    assert len(examine(plan.document)) == 2
    assert examine(plan.document, silenced=["bucket-force-destroy"]) == []
    (left,) = examine(plan.document, silenced={"bucket-force-destroy:aws_s3_bucket.results"})
    assert left.address == "aws_s3_bucket.lake"
    with pytest.raises(UsageError, match="no rule 'bucket-force-destory'"):
        examine(plan.document, silenced=["bucket-force-destory"])


def test_the_worst_comes_first(plan: Deployment) -> None:
    plan.edit("aws_s3_bucket.lake", force_destroy=True)
    plan.edit("aws_scheduler_schedule.metrics", state="DISABLED")
    plan.edit("aws_cloudwatch_log_group.task_collect_cpu", retention_in_days=0)
    assert [one.severity for one in plan.findings()] == [Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert report(plan.findings()).splitlines()[:2] == [
        "1. error: aws_s3_bucket.lake: force_destroy = true: `terraform destroy` deletes every object in it"
        " [bucket-force-destroy]",
        "   → write delete_data_on_destroy = false in terraform.tfvars",
    ]


@pytest.mark.parametrize("document", [{}, {"format_version": "1.0"}, [], "plan"])
def test_what_is_no_plan_is_refused(document: Any) -> None:
    with pytest.raises(UsageError, match="neither planned values nor a state"):
        examine(document)


def test_values_of_a_module_in_a_state_are_read() -> None:
    bucket = {"address": "module.a.aws_s3_bucket.b", "mode": "managed", "type": "aws_s3_bucket", "name": "b"}
    child = {"resources": [{**bucket, "values": {"bucket": "b", "force_destroy": True}}]}
    found = codes({"values": {"root_module": {"child_modules": [child]}}})
    assert ("bucket-force-destroy", bucket["address"]) in found


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "*", "arn:", "{", "aws_s3_bucket.lake"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["references", "Statement", "x"]), inner)
    ),
    max_leaves=5,
)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for key, one in items for leaf in _leaves(one, (*path, key)))]


PLACES = _leaves(PLAN)[1:]


@settings(max_examples=100, deadline=None)
@given(edits=st.lists(st.tuples(st.sampled_from(PLACES), JUNK), min_size=1, max_size=20))
def test_no_plan_makes_the_doctor_fall(edits: list[tuple[tuple[Any, ...], Any]]) -> None:
    document = copy.deepcopy(PLAN)
    for path, junk in edits:
        at: Any = document
        try:
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = copy.deepcopy(junk)
        except (TypeError, KeyError, IndexError):
            continue  # an earlier edit took the place away
    examine(document)
    unread(document)


def test_every_rule_is_documented() -> None:
    lines = (ROOT / "docs" / "reference" / "doctor-aws.md").read_text().splitlines()
    rows = {line.split("|")[1].strip().strip("`"): line for line in lines if line.startswith("| `")}
    assert rows == {
        rule.code: f"| `{rule.code}` | {rule.severity} | [{rule.what}]({rule.page}) | {rule.why} | {rule.mend} |"
        for rule in RULES.values()
    }
