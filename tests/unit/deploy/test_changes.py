"""What a plan means: by hand-made changes, and by what Terraform's documentation says of them."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.deploy.changes import Holding, losses, summarize, with_settings
from penstock.deploy.terraform_command import Change


def change(address: str, *actions: str, **before: Any) -> Change:
    return Change(address=address, type=address.partition(".")[0], actions=actions, before=before or None)


LAKE = change("aws_s3_bucket.lake", "delete", bucket="m-lake-1", id="m-lake-1")
RESULTS = change("aws_s3_bucket.results", "delete", bucket="m-results-1", id="m-results-1")
TABLE = change("aws_dynamodb_table.t", "create", "delete", name="Latest", id="Latest")
KEY = change("aws_kms_key.messages", "delete", id="1234abcd", description="Messages of pipeline m")


def test_what_is_done_is_counted_by_kind() -> None:
    found = summarize([
        change("aws_sns_topic.a", "create"),
        change("aws_sns_topic.b", "create"),
        change("aws_sqs_queue.c", "update"),
        change("aws_iam_role.d", "delete", "create"),
        change("aws_iam_role.e", "create", "delete"),
        change("aws_s3_bucket.f", "delete"),
        change("aws_s3_bucket.g", "forget"),
        change("random_id.h", "create", "forget"),
    ])  # fmt: skip
    assert found.created == {"random_id": 1, "sns_topic": 2}
    assert found.updated == {"sqs_queue": 1}
    assert found.replaced == {"iam_role": 2}
    assert found.deleted == {"s3_bucket": 1}
    assert found.forgotten == {"s3_bucket": 1}
    assert not found.is_empty
    assert summarize([]).is_empty


@pytest.mark.parametrize("actions", [("create",), ("update",), ("delete",), ("forget",)])
def test_any_action_makes_a_summary_that_is_not_empty(actions: tuple[str, ...]) -> None:
    assert not summarize([change("aws_sns_topic.a", *actions)]).is_empty


def test_what_holds_data_is_known_by_the_name_that_a_person_types() -> None:
    found = losses([LAKE, TABLE, KEY])
    assert [(one.address, one.name, one.id) for one in found] == [
        ("aws_s3_bucket.lake", "m-lake-1", "m-lake-1"),
        ("aws_dynamodb_table.t", "Latest", "Latest"),
        ("aws_kms_key.messages", "1234abcd", "1234abcd"),
    ]


def test_nothing_else_is_a_loss() -> None:
    assert losses([
        change("aws_s3_bucket.lake", "update", bucket="m-lake-1"),
        change("aws_s3_bucket.lake", "forget", bucket="m-lake-1"),
        change("aws_s3_bucket.lake", "create"),
        change("aws_s3_bucket_policy.lake", "delete", bucket="m-lake-1"),
        change("aws_lambda_function.f", "delete", id="f"),
    ]) == []  # fmt: skip


@pytest.mark.parametrize("kind", ["aws_db_instance", "aws_secretsmanager_secret", "aws_kinesis_stream"])
def test_what_people_add_of_their_own_is_a_loss_too(kind: str) -> None:
    (found,) = losses([change(f"{kind}.mine", "delete", id="mine-1", name="mine")])
    assert found.id == "mine-1"


def test_a_resource_without_a_name_is_named_by_its_address() -> None:
    (found,) = losses([change('aws_s3_bucket.b["a"]', "delete")])
    assert found.name == found.id == 'aws_s3_bucket.b["a"]'


def test_what_is_kept_keeps_its_settings() -> None:
    settings = [
        change("aws_s3_bucket_public_access_block.lake", "delete", bucket="m-lake-1"),
        change("aws_s3_bucket_policy.lake", "delete", bucket="m-lake-1"),
    ]
    others = [
        change("aws_s3_bucket_policy.other", "delete", bucket="m-other"),
        change("aws_s3_bucket_policy.none", "delete"),
        change("aws_lambda_function.f", "delete", bucket="m-lake-1"),
    ]
    table = Holding(address="aws_dynamodb_table.t", type="aws_dynamodb_table", name="m-other", id="m-other")
    found = with_settings([LAKE, RESULTS, TABLE, *settings, *others], [*losses([LAKE]), table])
    assert found == [
        "aws_s3_bucket.lake",
        "aws_dynamodb_table.t",
        "aws_s3_bucket_public_access_block.lake",
        "aws_s3_bucket_policy.lake",
    ]


def test_a_database_is_kept_with_the_network_that_it_is_in() -> None:
    """It is imported by its identifier: aws_db_instance, "Import" in the provider's documentation."""
    database = change("aws_db_instance.crm", "delete", id="db-ABC", identifier="shop-crm")
    (held,) = losses([database])
    assert (held.name, held.id) == ("shop-crm", "shop-crm")
    place = [
        change(f"{kind}.warehouse", "delete")
        for kind in ("aws_vpc", "aws_subnet", "aws_db_subnet_group", "aws_db_parameter_group")
    ]
    place.append(change("aws_security_group.warehouse_database", "delete"))
    others = [
        change("aws_security_group.warehouse_tasks", "delete"),
        change("aws_vpc_endpoint.warehouse_s3", "delete"),
        change("aws_lambda_function.score", "delete"),
    ]
    kept = [one.address for one in (database, *place)]
    assert with_settings([database, *place, *others], [held]) == kept
    assert with_settings([LAKE, *place, *others], losses([LAKE])) == ["aws_s3_bucket.lake"]
