"""What every resource of a kind has, whatever the pipeline: the seeds' security section, and AWS's limits."""

from __future__ import annotations

from typing import Any

import pytest
from tests.deployments import everything, inner, metrics, named, resources, site, text

from penstock.deploy.hcl import Block, Expression
from penstock.model.pipeline import Definition

BOTH = pytest.mark.parametrize("make", [metrics, everything])
DEAD_LETTERS = Expression("aws_sqs_queue.dead_letters.arn")
DAY, WEEK = 86_400, 604_800


@pytest.fixture(scope="module")
def whole() -> Definition:
    return everything()


class TestFunctions:
    @BOTH
    def test_each_has_a_dead_letter_queue_retries_and_a_log_that_forgets(self, make: Any) -> None:
        definition = make()
        logs, retries = (
            named(definition, "aws_cloudwatch_log_group"),
            named(definition, "aws_lambda_function_event_invoke_config"),
        )
        functions = named(definition, "aws_lambda_function")
        assert len(functions) == len(definition.tasks)
        for name, function in functions.items():
            assert [one.body["target_arn"] for one in inner(function, "dead_letter_config")] == [DEAD_LETTERS]
            [logging] = inner(function, "logging_config")
            assert logging.body["log_group"] == Expression(f"aws_cloudwatch_log_group.task_{name}.name")
            assert logs[f"task_{name}"].body["retention_in_days"] == Expression("var.log_retention_days")
            assert function.body["depends_on"] == [Expression(f"aws_iam_role_policy.task_{name}")]
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html: 0 to 2
            assert retries[name].body["maximum_retry_attempts"] == 2

    @BOTH
    def test_memory_and_timeout_are_those_of_the_task_in_whole_seconds(self, make: Any) -> None:
        definition = make()
        functions = named(definition, "aws_lambda_function")
        for task in definition.tasks.values():
            body = functions[task.name.replace("-", "_")].body
            assert body["memory_size"] == task.memory_mb
            assert isinstance(body["timeout"], int)
            assert task.timeout_seconds <= body["timeout"] < task.timeout_seconds + 1

    def test_variables_name_what_was_granted_and_nothing_else(self, whole: Definition) -> None:
        made = named(whole, "aws_lambda_function")
        variables = {
            name: inner(one, "environment")[0].body["variables"].arguments[0].keys() for name, one in made.items()
        }
        assert variables == {
            "take": {"PENSTOCK_TASK", "PENSTOCK_LAKE_BUCKET", "PENSTOCK_HOT_TABLES"},
            "tell": {"PENSTOCK_TASK", "PENSTOCK_TOPICS"},
            "hand_on": {"PENSTOCK_TASK", "PENSTOCK_QUEUES", "PENSTOCK_EVENT_BUSES"},
        }

    def test_tracing_and_network_are_chosen(self, whole: Definition) -> None:
        plain = everything(tracing=False, vpc=False)
        for definition, count in ((whole, 1), (plain, 0)):
            for function in resources(definition, "aws_lambda_function"):
                assert len(inner(function, "tracing_config")) == count
                assert len(inner(function, "vpc_config")) == count

    @BOTH
    def test_no_log_is_kept_for_ever(self, make: Any) -> None:
        logs = resources(make(), "aws_cloudwatch_log_group")
        assert logs
        assert {text(one.body["retention_in_days"]) for one in logs} == {"var.log_retention_days"}


class TestBuckets:
    @BOTH
    def test_each_is_closed_encrypted_versioned_tidied_and_over_tls(self, make: Any) -> None:
        definition = make()
        buckets = named(definition, "aws_s3_bucket")
        assert buckets.keys() == {"lake", "results", "logs"} | ({"replica"} if make is everything else set())
        closed = named(definition, "aws_s3_bucket_public_access_block")
        encrypted = named(definition, "aws_s3_bucket_server_side_encryption_configuration")
        versioned = named(definition, "aws_s3_bucket_versioning")
        tidied = named(definition, "aws_s3_bucket_lifecycle_configuration")
        for name in buckets:
            switches = {key: value for key, value in closed[name].body.items() if key not in {"bucket", "provider"}}
            assert switches == dict.fromkeys(
                ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
            )
            [default] = inner(encrypted[name], "rule", "apply_server_side_encryption_by_default")
            assert default.body == {"sse_algorithm": "AES256"}
            assert [v.body for v in inner(versioned[name], "versioning_configuration")] == [{"status": "Enabled"}]
            assert inner(tidied[name], "rule", "abort_incomplete_multipart_upload")
            assert inner(tidied[name], "rule", "noncurrent_version_expiration")

    @BOTH
    def test_each_refuses_what_does_not_come_over_tls(self, make: Any) -> None:
        definition = make()
        policies = named(definition, "aws_s3_bucket_policy")
        for name in named(definition, "aws_s3_bucket"):
            document = self._document(definition, name)
            assert policies[name].body["policy"] == Expression(f"data.aws_iam_policy_document.{name}_bucket.json")
            [statement] = inner(document, "statement", "content")
            assert statement.body["effect"] == "Deny"
            assert statement.body["actions"] == ["s3:*"]
            arn = f"aws_s3_bucket.{name}.arn"
            assert [text(one) for one in statement.body["resources"]] == [arn, f"${{{arn}}}/*"]
            [condition] = inner(statement, "condition")
            assert condition.body == {"test": "Bool", "variable": "aws:SecureTransport", "values": ["false"]}

    @BOTH
    def test_requests_are_logged_but_for_those_that_cannot_be(self, make: Any) -> None:
        # The bucket of logs would log its own logs; a bucket's log stays in its region.
        definition = make()
        assert named(definition, "aws_s3_bucket_logging").keys() == {"lake", "results"}

    def test_whoever_writes_logs_does_it_for_this_account(self, whole: Definition) -> None:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        allowed = {s.body["sid"]: s for s in inner(self._document(whole, "logs"), "statement") if "sid" in s.body}
        conditions = [c.body["variable"] for c in inner(allowed["AccessLogs"], "condition")]
        assert conditions == ["aws:SourceArn", "aws:SourceAccount"]
        [resource] = allowed["TrailWrites"].body["resources"]
        assert text(resource) == "${aws_s3_bucket.logs.arn}/AWSLogs/${local.account}/*"

    def test_the_copy_forgets_when_the_lake_forgets(self, whole: Definition) -> None:
        lifecycles = named(whole, "aws_s3_bucket_lifecycle_configuration")
        lake, copy = (inner(lifecycles[name], "rule") for name in ("lake", "replica"))
        assert copy == lake
        assert [rule.body["id"] for rule in lake] == ["raw-orders", "quarantine-orders", "archive-orders", "tidy"]

    def test_all_of_the_copy_is_in_the_other_region(self, whole: Definition) -> None:
        there = [one for one in resources(whole) if one.labels[0].startswith("aws_s3") and one.labels[1] == "replica"]
        assert len(there) == 6
        assert {text(one.body.get("provider")) for one in there} == {"aws.replica"}

    def test_tiers_and_end_of_a_table(self, whole: Definition) -> None:
        rule = inner(named(whole, "aws_s3_bucket_lifecycle_configuration")["lake"], "rule")[0]
        assert [one.body for one in inner(rule, "filter")] == [{"prefix": "raw/orders/"}]
        assert [one.body for one in inner(rule, "transition")] == [
            {"days": 30, "storage_class": "STANDARD_IA"},
            {"days": 60, "storage_class": "GLACIER"},
        ]
        assert [one.body for one in inner(rule, "expiration")] == [{"days": 365}]

    def _document(self, definition: Definition, name: str) -> Block:

        from penstock.deploy.registry import CAPABILITIES

        blocks = [b for one in CAPABILITIES.values() for made in one.blocks(site(definition)).values() for b in made]
        [found] = [b for b in blocks if b.address == f"data.aws_iam_policy_document.{name}_bucket"]
        return found


class TestTopicsAndQueues:
    @BOTH
    def test_every_topic_has_subscriptions_from_the_variable_by_mail(self, make: Any) -> None:
        definition = make()
        topics, subscriptions = named(definition, "aws_sns_topic"), named(definition, "aws_sns_topic_subscription")
        assert topics.keys() == subscriptions.keys()
        for topic in definition.topics.values():
            body = subscriptions[topic.name.replace("-", "_")].body
            assert body["for_each"] == Expression(f'toset(lookup(var.subscriptions, "{topic.name}", []))')
            assert (body["protocol"], text(body["endpoint"])) == ("email", "each.value")
            assert text(body["topic_arn"]) == f"aws_sns_topic.{topic.name.replace('-', '_')}.arn"

    @BOTH
    def test_only_alarms_of_this_account_publish_by_the_topics_policy(self, make: Any) -> None:
        for policy in resources(make(), "aws_sns_topic_policy"):
            [statement] = policy.body["policy"].arguments[0]["Statement"]
            assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": Expression("local.account")}}

    def test_a_key_of_ones_own_encrypts_topics_and_queues(self, whole: Definition) -> None:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        key = Expression("aws_kms_key.messages.id")
        for kind in ("aws_sns_topic", "aws_sqs_queue"):
            assert {one.body["kms_master_key_id"] for one in resources(whole, kind)} == {key}
        [made] = resources(whole, "aws_kms_key")
        _, alarms, rules = made.body["policy"].arguments[0]["Statement"]
        assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": Expression("local.account")}}
        # EventBridge names no account to KMS.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
        assert rules["Principal"] == {"Service": "events.amazonaws.com"}
        assert "Condition" not in rules
        assert alarms["Action"] == rules["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]

    def test_without_a_key_queues_are_encrypted_by_sqs(self) -> None:
        [queue] = resources(metrics(), "aws_sqs_queue")
        assert queue.body["sqs_managed_sse_enabled"] is True


class TestHotTables:
    @BOTH
    def test_each_is_paid_by_request_protected_encrypted_and_can_be_restored(self, make: Any) -> None:
        for table in resources(make(), "aws_dynamodb_table"):
            assert table.body["billing_mode"] == "PAY_PER_REQUEST"
            assert table.body["deletion_protection_enabled"] == Expression("!var.delete_data_on_destroy")
            assert [one.body for one in inner(table, "point_in_time_recovery")] == [{"enabled": True}]
            assert [one.body for one in inner(table, "server_side_encryption")] == [{"enabled": True}]

    def test_keys_indexes_and_expiry_are_those_of_the_definition(self, whole: Definition) -> None:
        [table] = resources(whole, "aws_dynamodb_table")
        assert (table.body["hash_key"], table.body["range_key"]) == ("item", "day")
        attributes = [(one.body["name"], one.body["type"]) for one in inner(table, "attribute")]
        assert attributes == [("item", "S"), ("day", "N"), ("seller", "S")]
        assert [one.body["hash_key"] for one in inner(table, "global_secondary_index")] == ["seller"]
        assert [one.body["attribute_name"] for one in inner(table, "ttl")] == ["expires_at"]

    def test_the_copy_is_where_the_lakes_is(self, whole: Definition) -> None:
        [table] = resources(whole, "aws_dynamodb_table")
        assert [one.body["region_name"] for one in inner(table, "replica")] == [Expression("var.replica_region")]
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html
        assert table.body["stream_view_type"] == "NEW_AND_OLD_IMAGES"
