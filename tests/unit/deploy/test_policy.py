"""IAM policies. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"""

from __future__ import annotations

from typing import Any

import pytest

from penstock.deploy.hcl import Call, Expression, Template
from penstock.deploy.policy import Statement, document, role

TABLE = Expression("aws_dynamodb_table.Stock.arn")
NAME = Template("${local.prefix}shop-take")


def trust_of(made: list[Any]) -> dict[str, Any]:
    policy = made[0].body["assume_role_policy"]
    assert isinstance(policy, Call)
    assert policy.function == "jsonencode"
    [statement] = policy.arguments[0]["Statement"]
    return dict(statement)


class TestDocument:
    def test_has_version_and_statements_in_order(self) -> None:
        one = Statement(sid="One", actions=("dynamodb:GetItem",), resources=(TABLE,))
        two = Statement(
            sid="Two",
            actions=("a:B", "a:C"),
            resources=(TABLE,),
            condition={"StringEquals": {"aws:SourceAccount": "1"}},
        )
        assert document([one, two]) == {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "One", "Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": [TABLE]},
                {
                    "Sid": "Two",
                    "Effect": "Allow",
                    "Action": ["a:B", "a:C"],
                    "Resource": [TABLE],
                    "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
                },
            ],
        }

    def test_everything_needs_a_reason(self) -> None:
        with pytest.raises(ValueError, match=r"SeeAll.*without a reason"):
            document([Statement(sid="SeeAll", actions=("x:Y",))])

    def test_everything_with_a_reason_is_a_star(self) -> None:
        [made] = document([Statement(sid="SeeAll", actions=("x:Y",), reason="x has no resources")])["Statement"]
        assert made["Resource"] == "*"


class TestRole:
    def test_only_the_service_takes_it_and_only_for_this_account(self) -> None:
        made = role("schedule_a", NAME, "scheduler.amazonaws.com", [], comment="what")
        assert trust_of(made) == {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": Expression("local.account")}},
        }

    def test_lambda_names_no_account(self) -> None:
        made = role("task_a", NAME, "lambda.amazonaws.com", [], comment="what", own_account=False)
        assert "Condition" not in trust_of(made)

    def test_can_be_bounded(self) -> None:
        [made] = role("task_a", NAME, "lambda.amazonaws.com", [], comment="what")
        assert made.body["permissions_boundary"] == Expression("var.permissions_boundary")
        assert made.body["name"] == NAME

    def test_without_statements_there_is_no_policy(self) -> None:
        assert [one.labels[0] for one in role("a", NAME, "s3.amazonaws.com", [], comment="")] == ["aws_iam_role"]

    def test_reasons_stand_above_the_policy(self) -> None:
        statements = [
            Statement(sid="One", actions=("a:B",), resources=(TABLE,)),
            Statement(sid="Two", actions=("x:Y", "x:Z"), reason="x has no resources"),
        ]
        _, policy = role("task_a", NAME, "lambda.amazonaws.com", statements, comment="what")
        assert policy.address == "aws_iam_role_policy.task_a"
        assert policy.comment == "x:Y, x:Z: x has no resources"
        assert policy.body["role"] == Expression("aws_iam_role.task_a.id")
