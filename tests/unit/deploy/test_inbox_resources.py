"""Inboxes in the account: where files arrive, who may read them, what they start, and when they expire."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.deployments import files, inner, named, resources, text

from penstock import Context, Pipeline, days
from penstock.deploy.access import grant_statements
from penstock.deploy.hcl import Call, Expression
from penstock.model.pipeline import Definition

LAKE = "aws_s3_bucket.lake.arn"


@pytest.fixture(scope="module")
def shop() -> Definition:
    """A pipeline with inboxes, and no lake table."""
    pipeline = Pipeline("shop")
    letters, kept = pipeline.inbox("letters", retain=days(30)), pipeline.inbox("kept")

    @pipeline.task(may=[letters.read])
    def answer(event: Any, context: Context) -> None:
        """Answers letters."""

    @pipeline.task(may=[letters.list, kept.read])
    def count(event: Any, context: Context) -> None:
        """Counts letters."""

    pipeline.on_object(letters, answer, name="mail")
    pipeline.on_object(kept, count, name="keeping")
    return pipeline.build()


def test_a_grant_is_on_the_files_of_its_inbox_alone(shop: Definition) -> None:
    """amazon-s3-policy-keys.html: what may be listed is narrowed by the prefix that is asked for."""
    (read,) = grant_statements(shop, shop.tasks["answer"])
    assert (read.actions, [text(one) for one in read.resources], read.condition) == (
        ("s3:GetObject",), [f"${{{LAKE}}}/inbox/letters/*"], {},
    )  # fmt: skip
    made = {one.actions: one for one in grant_statements(shop, shop.tasks["count"])}
    assert made.keys() == {("s3:ListBucket",), ("s3:GetObject",)}
    listing = made["s3:ListBucket",]
    assert [text(one) for one in listing.resources] == [LAKE]
    assert listing.condition == {"StringLike": {"s3:prefix": ["inbox/letters/*"]}}
    assert [text(one) for one in made["s3:GetObject",].resources] == [f"${{{LAKE}}}/inbox/kept/*"]


def test_a_file_starts_the_workflow_with_the_input_of_the_machine(shop: Definition) -> None:
    rule, target = (named(shop, f"aws_cloudwatch_event_{kind}")["mail"] for kind in ("rule", "target"))
    pattern = rule.body["event_pattern"]
    assert isinstance(pattern, Call)
    assert pattern.arguments[0]["detail"] == {
        "bucket": {"name": [Expression("aws_s3_bucket.lake.id")]},
        "object": {"key": [{"prefix": "inbox/letters/"}]},
    }
    assert target.body["arn"] == Expression("aws_sfn_state_machine.mail.arn")
    (transformer,) = inner(target, "input_transformer")
    filled = re.sub("<key>", '"k"', transformer.body["input_template"]).replace("<size>", "3")
    assert json.loads(filled) == {"inbox": "letters", "key": "k", "size": 3}
    assert "trigger_mail" in named(shop, "aws_iam_role")
    (policy,) = resources(shop, "aws_sqs_queue_policy")
    (allowed,) = policy.body["policy"].arguments[0]["Statement"]
    sources = allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert [text(one) for one in sources] == [f"aws_cloudwatch_event_rule.{name}.arn" for name in ("mail", "keeping")]


def test_there_is_a_bucket_for_files_and_none_for_queries(shop: Definition) -> None:
    made = files(shop)
    assert named(shop, "aws_s3_bucket").keys() == {"lake", "logs"}
    assert "aws_s3_bucket_notification" in {block.labels[0] for block in resources(shop)}
    # Nothing may speak of what is not there.
    assert not [path for path, data in made.items() if b"aws_s3_bucket.results" in data]
    assert b"lake_bucket = coalesce(" in re.sub(rb" +", b" ", made["main.tf"])
    assert b'output "lake_bucket"' in made["outputs.tf"]
    assert b'output "workgroup"' not in made["outputs.tf"]
    for name in ("answer", "count"):
        (environment,) = inner(named(shop, "aws_lambda_function")[name], "environment")
        assert environment.body["variables"].arguments[0].keys() == {"PENSTOCK_TASK", "PENSTOCK_LAKE_BUCKET"}


def test_files_expire_when_the_inbox_says_so(shop: Definition) -> None:
    rules = inner(named(shop, "aws_s3_bucket_lifecycle_configuration")["lake"], "rule")
    found = {
        inner(one, "filter")[0].body["prefix"]: [expiration.body["days"] for expiration in inner(one, "expiration")]
        for one in rules
    }
    assert found == {"inbox/letters/": [30], "": []}
