"""From a definition to a folder: what is written, what is refused, and how things are named."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from tests.deployments import everything, files, metrics, resources, with_alarm

from penstock import Pipeline
from penstock.deploy.hcl import Block, Expression, Template
from penstock.deploy.terraform import REFUSED, limits
from penstock.errors import DefinitionError
from penstock.model.datasets import Index, Key
from penstock.model.metrics import Metric
from penstock.model.pipeline import Definition
from penstock.model.schedule import Overlap
from penstock.model.topics import Subscription, Topic

# Where a kind of resource has its name, if not in `name`.
NAME_OF = {
    "aws_s3_bucket": "bucket",
    "aws_lambda_function": "function_name",
    "aws_lambda_layer_version": "layer_name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_cloudwatch_composite_alarm": "alarm_name",
    "aws_cloudwatch_dashboard": "dashboard_name",
}
# Parts of another resource, or named by AWS.
UNNAMED = {
    "aws_cloudwatch_event_target", "aws_glue_catalog_table", "aws_iam_role_policy", "aws_kms_key",
    "aws_lambda_function_event_invoke_config", "aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_logging",
    "aws_s3_bucket_notification", "aws_s3_bucket_policy", "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_replication_configuration", "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning", "aws_s3_object", "aws_sns_topic_policy", "aws_sns_topic_subscription",
    "aws_sqs_queue_policy", "aws_vpc_endpoint",
}  # fmt: skip
PREFIXES = ("local.prefix", "local.bucket_prefix", "local.lake_bucket")
DAY = 86_400


def text(value: Any) -> str:
    return value.text if isinstance(value, Expression | Template) else str(value)


def codes(definition: Definition) -> list[str]:
    return [finding.code for finding in limits(definition)]


def changed(definition: Definition, kind: str, /, **changes: Any) -> Definition:
    """Returns a definition whose first thing of a kind is another."""
    things = dict(getattr(definition, kind))
    name = next(iter(things))
    things[name] = msgspec.structs.replace(things[name], **changes)
    return msgspec.structs.replace(definition, **{kind: things})


def renamed(definition: Definition, kind: str, name: str) -> Definition:
    """Returns a definition that has a second thing of a kind, which differs in its name alone."""
    things = getattr(definition, kind)
    another = msgspec.structs.replace(next(iter(things.values())), name=name)
    return msgspec.structs.replace(definition, **{kind: {**things, name: another}})


@pytest.fixture(scope="module")
def whole() -> Definition:
    return everything()


class TestFolder:
    def test_one_file_a_concern(self) -> None:
        written = {path for path in files(metrics()) if not path.startswith("queries/")}
        assert written == {
            "access.tf", "catalog.tf", "compute.tf", "main.tf", "outputs.tf", "storage.tf", "terraform.tfvars",
            "variables.tf", "watch.tf", "workflow.tf", "workflows/log-processor.asl.json", "workflows/metrics.asl.json",
        }  # fmt: skip

    def test_a_network_only_where_it_was_chosen(self, whole: Definition) -> None:
        assert "network.tf" in files(whole)
        assert "network.tf" not in files(everything(vpc=False))

    def test_is_the_same_bytes_for_the_same_definition(self) -> None:
        assert files(metrics()) == files(metrics())
        assert files(everything()) == files(everything())

    def test_workflows_are_the_documents_that_ran_on_the_machine(self) -> None:
        definition = metrics()
        written = files(definition)
        for workflow in definition.workflows.values():
            template = written[f"workflows/{workflow.name}.asl.json"]
            assert b"${" in template
            assert template.replace(b"${prefix}", b"") == workflow.definition

    def test_provider_and_terraform_are_pinned(self) -> None:
        main = files(metrics())["main.tf"].decode()
        assert 'required_version = ">= 1.11"' in main
        assert 'version = "~> 5.100"' in main

    def test_a_pipeline_with_nothing_but_a_task(self) -> None:
        bare = Pipeline("bare")

        @bare.task
        def only(event: Any, context: Any) -> None: ...

        written = files(bare.build())
        assert "catalog.tf" not in written
        assert b"aws_lambda_function" in written["compute.tf"]


class TestNames:
    @pytest.mark.parametrize("make", [metrics, everything])
    def test_every_physical_name_begins_with_the_deployment(self, make: Any) -> None:
        for block in resources(make()):
            kind = block.labels[0]
            if kind not in UNNAMED:
                name = text(block.body[NAME_OF.get(kind, "name")])
                assert any(prefix in name for prefix in PREFIXES), (block.address, name)

    def test_addresses_that_fall_together_are_refused(self, whole: Definition) -> None:
        with pytest.raises(DefinitionError, match=r"aws_sns_topic\.a_b\b"):
            files(renamed(renamed(whole, "topics", "a-b"), "topics", "a_b"))

    def test_alarms_that_every_pipeline_has_are_not_taken_over(self, whole: Definition) -> None:
        with pytest.raises(DefinitionError, match=r"aws_cloudwatch_metric_alarm\.dead_letters") as caught:
            files(with_alarm(whole, name="dead-letters"))
        assert "dead_letters" in caught.value.hint

    @pytest.mark.parametrize("kind", ["tasks", "workflows", "schedules", "triggers"])
    def test_names_that_a_role_cannot_have_are_refused(self, kind: str, whole: Definition) -> None:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: 64 characters
        suffix = {"tasks": "", "workflows": "-workflow", "schedules": "-schedule", "triggers": "-trigger"}[kind]
        room = 64 - len("shop-") - len(suffix)
        assert codes(renamed(whole, kind, "x" * room)).count("name-too-long") == 0
        assert codes(renamed(whole, kind, "x" * (room + 1))).count("name-too-long") == 1

    def test_names_that_a_bucket_cannot_have_are_refused(self, whole: Definition) -> None:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html: 63 characters
        assert len("p" * 27 + "-results-" + "0" * 12 + "-ap-northeast-1") == 63
        far = msgspec.structs.replace(whole, region="ap-northeast-1", triggers={}, schedules={}, workflows={})
        assert "name-too-long" not in codes(msgspec.structs.replace(far, name="p" * 27))
        assert "name-too-long" in codes(msgspec.structs.replace(far, name="p" * 28))


class TestRefusals:
    """Each is refused by AWS, so that nothing is written."""

    CASES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
        ("infrequent after 29 days", "lake_tables", {"infrequent_after_seconds": 29 * DAY}, "lifecycle-too-early"),
        ("archived 29 days later", "lake_tables", {"archive_after_seconds": 59 * DAY}, "lifecycle-too-early"),
        ("expired as it is archived", "lake_tables", {"retain_seconds": 60 * DAY}, "lifecycle-order"),
        ("too little memory", "tasks", {"memory_mb": 127}, "memory"),
        ("too much memory", "tasks", {"memory_mb": 10_241}, "memory"),
        ("more than 15 minutes", "tasks", {"timeout_seconds": 900.5}, "timeout"),
        ("every few seconds", "schedules", {"expression": "rate(30 seconds)"}, "schedule-too-often"),
        ("more than a megabyte", "workflows", {"definition": b" " * (1024 * 1024 + 1)}, "workflow-too-long"),
        ("21 indexes", "hot_tables",
         {"indexes": tuple(Index(f"I{number}", Key("k")) for number in range(21))}, "too-many-indexes"),
    )  # fmt: skip

    @pytest.mark.parametrize(("kind", "changes", "code"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
    def test_before_anything_is_written(self, kind: str, changes: dict[str, Any], code: str, whole: Definition) -> None:
        definition = changed(whole, kind, **changes)
        assert code in REFUSED
        assert codes(definition).count(code) == 1
        with pytest.raises(DefinitionError, match=re.escape(f"[{code}]")):
            files(definition)

    @pytest.mark.parametrize(
        ("kind", "changes"),
        [
            ("lake_tables", {"infrequent_after_seconds": None, "archive_after_seconds": 0}),
            ("lake_tables", {"infrequent_after_seconds": None, "archive_after_seconds": None, "retain_seconds": DAY}),
            ("tasks", {"memory_mb": 10_240, "timeout_seconds": 900}),
        ],
    )
    def test_what_aws_takes_is_not_refused(self, kind: str, changes: dict[str, Any], whole: Definition) -> None:
        assert not set(codes(changed(whole, kind, **changes))) & REFUSED

    @pytest.mark.parametrize(("days", "refused"), [(30, False), (3653, False), (31, True), (0, True)])
    def test_logs_are_kept_for_one_of_cloudwatchs_times(self, days: int, refused: bool, whole: Definition) -> None:
        chosen = msgspec.structs.replace(whole.deployment, log_retention_days=days)
        assert ("log-retention" in codes(msgspec.structs.replace(whole, deployment=chosen))) is refused

    def test_a_copy_in_the_same_region_is_refused(self, whole: Definition) -> None:
        assert codes(msgspec.structs.replace(whole, region="eu-west-1")) == ["replica-region"]
        assert "replica-region" in REFUSED

    @pytest.mark.parametrize("dimensions", [(("Late", "x"),), (("_aws", "x"),)])
    def test_metrics_that_a_log_cannot_hold_are_refused(self, dimensions: Any, whole: Definition) -> None:
        metric = Metric("shop", "Late", dimensions)
        assert "metric-name" in codes(msgspec.structs.replace(whole, metrics={metric.label: metric}))
        assert "metric-name" in REFUSED

    def test_names_that_an_alarms_rule_cannot_hold_are_refused(self, whole: Definition) -> None:
        odd = with_alarm(whole, name='a "quoted" name')
        [both] = odd.composite_alarms.values()
        rule = msgspec.structs.replace(both, rule='ALARM("a \\"quoted\\" name")')
        assert "alarm-name" in codes(msgspec.structs.replace(odd, composite_alarms={"Both": rule}))
        assert "alarm-name" in REFUSED

    def test_the_metrics_pipeline_is_not_refused(self) -> None:
        assert not set(codes(metrics())) & REFUSED

    def test_differences_are_told_and_deployed(self, whole: Definition) -> None:
        definition = changed(whole, "schedules", overlap=Overlap.SKIP, expression="rate(7 minutes)")
        assert {"overlap-not-in-aws", "rate-not-aligned"} <= set(codes(definition))
        assert files(definition)

    def test_channels_that_sns_has_not_are_told(self, whole: Definition) -> None:
        topic = Topic(name="people", subscriptions=(Subscription("slack://secret/token/x"),))
        [finding] = [f for f in limits(msgspec.structs.replace(whole, topics={"people": topic}))
                     if f.code == "subscription-not-in-aws"]  # fmt: skip
        assert "secret" not in finding.message


class TestEveryReference:
    """What a block refers to is there. Terraform's own validation says the same where it is installed."""

    @pytest.mark.parametrize("make", [metrics, everything])
    def test_is_to_a_resource_that_is_written(self, make: Any) -> None:
        definition = make()
        there = {block.address for block in resources(definition)}
        written = "\n".join(data.decode() for path, data in files(definition).items() if path.endswith(".tf"))
        named = set(re.findall(r"\b(?<!data\.)(aws_[a-z0-9_]+\.[A-Za-z0-9_]+)\b", written))
        assert named
        assert named <= there

    def test_blocks_are_of_a_kind_and_a_name(self, whole: Definition) -> None:
        assert all(isinstance(block, Block) and len(block.labels) == 2 for block in resources(whole))
