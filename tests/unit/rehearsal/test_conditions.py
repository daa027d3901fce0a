"""Condition operators, as AWS's own documentation explains them."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.policies import evaluate, parse

Context = dict[str, str | list[str]]


def meets(condition: dict[str, Any], context: Context, *, at: float = 0.0) -> bool:
    statement = {"Effect": "Allow", "Action": "x:Y", "Resource": "*", "Condition": condition}
    policy = parse({"Version": "2012-10-17", "Statement": statement}, "p")
    return evaluate([policy], RecordedCall("role", "x:Y", "*", context, at)).allowed


class TestConditions:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""

    @pytest.mark.parametrize(
        ("operator", "written", "given_value", "expected"),
        [
            ("StringEquals", "iamuser-admin", "iamuser-admin", True),
            ("StringEquals", "iamuser-admin", "IAMUSER-ADMIN", False),
            ("StringEquals", "iamuser-*", "iamuser-admin", False),
            ("StringEquals", "iamuser-admin", None, False),
            ("StringEqualsIgnoreCase", "iamuser-admin", "IAMuser-admin", True),
            ("StringNotEquals", "a", "b", True),
            ("StringNotEquals", ["a", "b"], "b", False),
            ("StringNotEquals", "a", None, True),
            ("StringNotEqualsIgnoreCase", "a", "A", False),
            ("StringLike", "home/*", "home/x", True),
            ("StringLike", "home/*", "Home/x", False),
            ("StringLike", "home/*", "home/x\ny", True),
            ("StringNotLike", "home/*", "home/x", False),
            ("StringNotLike", "home/*", None, True),
            ("NumericLessThanEquals", "10", "10", True),
            ("NumericLessThanEquals", 10, "11", False),
            ("NumericEquals", "10", "10.0", True),
            ("NumericNotEquals", "10", "11", True),
            ("NumericGreaterThan", "10", "none", False),
            ("NumericGreaterThanIfExists", "1800", None, True),
            ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z", True),
            ("DateGreaterThan", "2020-01-01T00:00:01Z", "1577836800", False),
            ("DateLessThanEquals", "2020-06-30T23:59:59Z", "2020-06-30T23:59:59Z", True),
            ("Bool", "true", "TRUE", True),
            ("Bool", True, "true", True),
            ("Bool", "false", None, False),
            ("BoolIfExists", "false", None, True),
            ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
            ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
            ("IpAddress", "203.0.113.0/24", "203.0.114.7", False),
            ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", True),
            ("NotIpAddress", "203.0.113.0/24", "203.0.114.7", True),
            ("ArnEquals", "arn:aws:sns:REGION:123456789012:TOPIC-ID", "arn:aws:sns:REGION:123456789012:TOPIC-ID", True),
            ("ArnEquals", "arn:aws:sns:*:123456789012:T*", "arn:aws:sns:eu-west-1:123456789012:Topic", True),
            ("ArnLike", "arn:aws:sns:*:Topic", "arn:aws:sns:eu-west-1:123456789012:Topic", False),
            ("ArnLike", "arn:aws:events:*:1:rule/*", "arn:aws:events:r:1:rule/a/b", True),
            ("ArnNotLike", "arn:aws:sns:*:1:*", "arn:aws:sns:r:2:t", True),
            ("StringLikeIfExists", ["t1.*", "t2.*", "m3.*"], "t2.micro", True),
            ("StringLikeIfExists", ["t1.*", "t2.*", "m3.*"], "c5.large", False),
            ("StringLikeIfExists", ["t1.*", "t2.*", "m3.*"], None, True),
            ("Null", "true", None, True),
            ("Null", "true", "x", False),
            ("Null", "false", "x", True),
            ("Null", "false", None, False),
        ],
    )
    def test_operators(self, operator: str, written: Any, given_value: str | None, expected: bool) -> None:
        assert meets({operator: {"k:Key": written}}, {} if given_value is None else {"k:Key": given_value}) is expected

    def test_all_keys_and_all_operators_must_hold(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html"""
        condition = {"StringEquals": {"k:A": ["1", "2"], "k:B": "3"}, "Bool": {"k:C": "true"}}
        assert meets(condition, {"k:A": "2", "k:B": "3", "k:C": "true"})
        for key in ("k:A", "k:B", "k:C"):
            assert not meets(condition, {"k:A": "2", "k:B": "3", "k:C": "true"} | {key: "other"})

    @pytest.mark.parametrize("operator", ["StringEquals", "StringNotEquals"])
    def test_a_variable_without_a_value_makes_the_statement_void(self, operator: str) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""
        assert not meets({operator: {"k:A": "${aws:username}"}}, {"k:A": "x"})

    def test_names_of_keys_have_no_case(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html"""
        assert meets({"IpAddress": {"aws:SourceIP": "203.0.113.0/24"}}, {"AWS:SourceIp": "203.0.113.1"})

    def test_the_time_of_the_call(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws-dates.html"""
        condition = {
            "DateGreaterThan": {"aws:CurrentTime": "2020-04-01T00:00:00Z"},
            "DateLessThan": {"aws:CurrentTime": "2020-06-30T23:59:59Z"},
        }
        assert meets(condition, {}, at=1_588_291_200.0)  # 2020-05-01
        assert not meets(condition, {}, at=1_593_561_600.0)  # 2020-07-01

    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            (["key1:legal"], False),
            (["key1:hr", "key1:personnel"], False),
            (["key2:audit"], True),
            (None, True),
        ],
    )
    def test_for_all_values(self, tags: list[str] | None, expected: bool) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html"""
        condition = {"ForAllValues:StringNotLike": {"aws:TagKeys": "key1*"}}
        assert meets(condition, {} if tags is None else {"aws:TagKeys": tags}) is expected

    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            (["webserver"], True),
            (["environment", "webserver", "test"], True),
            (["environment", "test"], False),
            (None, False),
        ],
    )
    def test_for_any_value(self, tags: list[str] | None, expected: bool) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html"""
        condition = {"ForAnyValue:StringEquals": {"aws:TagKeys": "webserver"}}
        assert meets(condition, {} if tags is None else {"aws:TagKeys": tags}) is expected

    def test_for_all_values_of_several(self) -> None:
        condition = {"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "cost-center"]}}
        assert meets(condition, {"aws:TagKeys": ["environment", "cost-center"]})
        assert meets(condition, {"aws:TagKeys": "environment"})
        assert not meets(condition, {"aws:TagKeys": ["environment", "other"]})
        assert meets(condition, {"aws:TagKeys": []})
