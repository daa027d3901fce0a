"""IAM's verdicts, as AWS's own documentation gives them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ValidationError
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.policies import Policy, evaluate, parse

VERSION = "2012-10-17"
Context = dict[str, str | list[str]]


def policy(*statements: dict[str, Any], version: str = VERSION, boundary: bool = False) -> Policy:
    return parse({"Version": version, "Statement": list(statements)}, "p", boundary=boundary)


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def call(action: str, resource: str = "*", context: Context | None = None, *, at: float = 0.0) -> RecordedCall:
    return RecordedCall("role", action, resource, context or {}, at)


def allowed(made: Policy, action: str, resource: str = "*", context: Context | None = None) -> bool:
    return evaluate([made], call(action, resource, context)).allowed


class TestEvaluationLogic:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html"""

    def test_what_no_statement_allows_is_denied(self) -> None:
        decision = evaluate([], call("s3:GetObject", "arn:aws:s3:::b/k"))
        assert not decision.allowed
        assert decision.statement == ""
        assert "s3:GetObject on arn:aws:s3:::b/k" in decision.reason

    def test_an_allowance_is_named(self) -> None:
        decision = evaluate([policy(allow("s3:GetObject", Sid="Read"))], call("s3:GetObject"))
        assert decision.allowed
        assert decision.statement == "p/Read"

    @pytest.mark.parametrize("order", [1, -1])
    def test_an_explicit_denial_wins_in_any_order(self, order: int) -> None:
        both = [policy(allow("s3:*")), policy(deny("s3:DeleteObject", Sid="Keep"))][::order]
        decision = evaluate(both, call("s3:DeleteObject"))
        assert (decision.allowed, decision.statement) == (False, "p/Keep")

    def test_a_resource_may_allow_what_a_role_does_not(self) -> None:
        statement = allow("s3:GetObject", "arn:aws:s3:::b/*", Principal={"AWS": "arn:aws:iam::111122223333:role/role"})
        made = call("s3:GetObject", "arn:aws:s3:::b/k")
        assert evaluate([], made, of_resources=[policy(statement)]).allowed
        other = RecordedCall("other", "s3:GetObject", "arn:aws:s3:::b/k")
        assert not evaluate([], other, of_resources=[policy(statement)]).allowed

    def test_a_resource_that_trusts_the_account_leaves_it_to_the_roles(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
        account = policy(allow("s3:GetObject", Principal={"AWS": "arn:aws:iam::111122223333:root"}))
        assert not evaluate([], call("s3:GetObject"), of_resources=[account]).allowed

    def test_a_service_as_the_principal_is_no_role(self) -> None:
        service = policy(allow("sns:Publish", Principal={"Service": "cloudwatch.amazonaws.com"}))
        assert not evaluate([], call("sns:Publish"), of_resources=[service]).allowed

    def test_a_bucket_that_wants_tls(self) -> None:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-use-case-HTTP-HTTPS-1"""
        bucket = policy(
            deny(
                "s3:*",
                ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                Principal="*",
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            )
        )
        role = policy(allow("s3:GetObject", "arn:aws:s3:::b/*"))
        for secure in ("true", "false"):
            made = call("s3:GetObject", "arn:aws:s3:::b/k", {"aws:SecureTransport": secure})
            assert evaluate([role], made, of_resources=[bucket]).allowed is (secure == "true")

    def test_a_boundary_limits_and_allows_nothing(self) -> None:
        """Shirley's: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"""
        boundary = policy(allow(["s3:*", "cloudwatch:*", "ec2:*"]), boundary=True)
        create_user = policy(allow("iam:CreateUser"))
        assert not evaluate([boundary, create_user], call("iam:CreateUser")).allowed
        assert not evaluate([boundary, create_user], call("s3:GetObject")).allowed
        assert evaluate([boundary, policy(allow("s3:GetObject"))], call("s3:GetObject")).allowed


class TestActions:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html"""

    @pytest.mark.parametrize(
        ("written", "asked", "expected"),
        [
            ("ec2:StartInstances", "ec2:StartInstances", True),
            ("iam:ListAccessKeys", "IAM:listaccesskeys", True),
            ("s3:*", "s3:GetObject", True),
            ("s3:*", "s3-object-lambda:GetObject", False),
            ("iam:*AccessKey*", "iam:CreateAccessKey", True),
            ("iam:*AccessKey*", "iam:ListAccessKeys", True),
            ("iam:*AccessKey*", "iam:CreateUser", False),
            ("s3:Get?bject", "s3:GetObject", True),
            ("s3:Get?bject", "s3:Getbject", False),
            ("s3:GetObject", "s3:GetObjectAcl", False),
        ],
    )
    def test_wildcards_and_case(self, written: str, asked: str, expected: bool) -> None:
        assert allowed(policy(allow(written)), asked) is expected

    def test_not_action(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"""
        made = policy({"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "arn:aws:s3:::*"})
        assert allowed(made, "s3:PutObject", "arn:aws:s3:::b/k")
        assert not allowed(made, "s3:DeleteBucket", "arn:aws:s3:::b")
        assert not allowed(made, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q")

    def test_denying_all_but_some_without_mfa(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html"""
        guard = {
            "Sid": "DenyAllUsersNotUsingMFA",
            "Effect": "Deny",
            "NotAction": "iam:*",
            "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        }
        made = policy(allow("*"), guard)
        assert allowed(made, "iam:CreateUser")
        assert not allowed(made, "s3:GetObject")
        assert not allowed(made, "s3:GetObject", context={"aws:MultiFactorAuthPresent": "false"})
        assert allowed(made, "s3:GetObject", context={"aws:MultiFactorAuthPresent": "true"})


class TestResources:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""

    @pytest.mark.parametrize(
        ("written", "asked", "expected"),
        [
            ("arn:aws:iam::111122223333:user/accounting/*", "arn:aws:iam::111122223333:user/accounting/a/b", True),
            ("arn:aws:iam::111122223333:user/Bob", "arn:aws:iam::111122223333:user/bob", False),
            ("arn:aws:s3:::amzn-s3-demo-bucket/*", "arn:aws:s3:::amzn-s3-demo-bucket/a/b", True),
            ("arn:aws:s3:::amzn-s3-demo-bucket/*", "arn:aws:s3:::amzn-s3-demo-bucket", False),
            ("arn:aws:s3:::amzn-s3-demo-bucket/*/test/*", "arn:aws:s3:::amzn-s3-demo-bucket/1/2/test/3", True),
            ("arn:aws:s3:::amzn-s3-demo-bucket/*/test/*", "arn:aws:s3:::amzn-s3-demo-bucket/test/3", False),
            ("arn:aws:s3:::amzn-s3-demo-bucket/????.jpg", "arn:aws:s3:::amzn-s3-demo-bucket/1234.jpg", True),
            ("arn:aws:s3:::amzn-s3-demo-bucket/????.jpg", "arn:aws:s3:::amzn-s3-demo-bucket/123.jpg", False),
            # A wildcard that ends a segment may reach beyond the colon; another may not.
            ("arn:aws:sqs:*:queue1", "arn:aws:sqs:us-west-2:111122223333:queue1", True),
            ("arn:aws:sqs:us-*-2:queue1", "arn:aws:sqs:us-west-2:111122223333:queue1", False),
            ("arn:aws:sqs:us-*3:queue1", "arn:aws:sqs:us-west-2:111122223333:queue1", False),
            ("arn:aws:sqs:us-*-2:111122223333:queue1", "arn:aws:sqs:us-west-2:111122223333:queue1", True),
            ("*", "arn:aws:sqs:us-west-2:111122223333:queue1", True),
            ("*", "*", True),
            ("arn:aws:s3:::b/*", "*", False),
            ("arn:aws:s3:::b/[a].(b)+", "arn:aws:s3:::b/[a].(b)+", True),
            ("arn:aws:s3:::b/a.c", "arn:aws:s3:::b/abc", False),
            ("arn:aws:logs:r:1:log-group:/g:*", "arn:aws:logs:r:1:log-group:/g:log-stream:s", True),
        ],
    )
    def test_wildcards(self, written: str, asked: str, expected: bool) -> None:
        assert allowed(policy(allow("x:Y", written)), "x:Y", asked) is expected

    def test_not_resource(self) -> None:
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html"""
        others = ["arn:aws:s3:::HRBucket/Payroll", "arn:aws:s3:::HRBucket/Payroll/*"]
        made = policy(allow("s3:*"), {"Effect": "Deny", "Action": "s3:*", "NotResource": others})
        assert allowed(made, "s3:GetObject", "arn:aws:s3:::HRBucket/Payroll/2026")
        assert not allowed(made, "s3:GetObject", "arn:aws:s3:::HRBucket/Other")


class TestVariables:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""

    HOME = allow("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/home/${aws:username}/*")

    def test_a_variable_in_a_resource(self) -> None:
        made = policy(self.HOME)
        mine, other = (f"arn:aws:s3:::amzn-s3-demo-bucket/home/{name}/k" for name in ("David", "Other"))
        assert allowed(made, "s3:GetObject", mine, {"aws:username": "David"})
        assert not allowed(made, "s3:GetObject", other, {"aws:username": "David"})

    def test_a_variable_without_a_value_matches_nothing(self) -> None:
        assert not allowed(policy(self.HOME), "s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/home/David/k")

    def test_what_a_variable_stands_for_has_no_wildcards(self) -> None:
        other = "arn:aws:s3:::amzn-s3-demo-bucket/home/Other/k"
        assert not allowed(policy(self.HOME), "s3:GetObject", other, {"aws:username": "*"})

    def test_the_older_version_knows_no_variables(self) -> None:
        made = policy(self.HOME, version="2008-10-17")
        plain = "arn:aws:s3:::amzn-s3-demo-bucket/home/${aws:username}/k"
        assert allowed(made, "s3:GetObject", plain, {"aws:username": "David"})
        assert not allowed(made, "s3:GetObject", plain.replace("${aws:username}", "David"), {"aws:username": "David"})

    def test_a_default(self) -> None:
        statement = allow("s3:GetObject", "arn:aws:s3:::b-${aws:PrincipalTag/team, 'company-wide'}/*")
        made = policy(statement)
        assert allowed(made, "s3:GetObject", "arn:aws:s3:::b-company-wide/k")
        assert allowed(made, "s3:GetObject", "arn:aws:s3:::b-yellow/k", {"aws:PrincipalTag/team": "yellow"})
        assert not allowed(made, "s3:GetObject", "arn:aws:s3:::b-company-wide/k", {"aws:PrincipalTag/team": "yellow"})

    def test_special_characters(self) -> None:
        made = policy(allow("s3:GetObject", "arn:aws:s3:::b/${*}/${?}/${$}"))
        assert allowed(made, "s3:GetObject", "arn:aws:s3:::b/*/?/$")
        assert not allowed(made, "s3:GetObject", "arn:aws:s3:::b/a/b/$")

    def test_a_variable_in_a_condition(self) -> None:
        made = policy(
            allow(
                "s3:ListBucket",
                "arn:aws:s3:::amzn-s3-demo-bucket",
                Condition={"StringLike": {"s3:prefix": ["", "home/", "home/${aws:username}/*"]}},
            )
        )
        for prefix, expected in {"": True, "home/": True, "home/David/a": True, "home/Other/a": False}.items():
            context: Context = {"s3:prefix": prefix, "aws:username": "David"}
            assert allowed(made, "s3:ListBucket", "arn:aws:s3:::amzn-s3-demo-bucket", context) is expected


TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/table04"
ITEM_ACTIONS = [f"dynamodb:{name}" for name in ("ConditionCheckItem", "PutItem", "UpdateItem", "DeleteItem", "GetItem")]
TRANSACTIONAL = {
    "ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems", "TransactGetItems"]}
}


class TestTransactions:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html"""

    ANY = "arn:aws:dynamodb:*:*:table/table04"
    INSIDE: Context = {"dynamodb:EnclosingOperation": "TransactWriteItems"}

    def test_example_1_allow_transactional_operations(self) -> None:
        made = policy(allow(ITEM_ACTIONS, self.ANY))
        assert allowed(made, "dynamodb:ConditionCheckItem", TABLE, self.INSIDE)
        assert not allowed(made, "dynamodb:Query", TABLE)

    def test_example_2_allow_only_transactional_operations(self) -> None:
        made = policy(allow(ITEM_ACTIONS, self.ANY, Condition=TRANSACTIONAL))
        assert allowed(made, "dynamodb:PutItem", TABLE, self.INSIDE)
        assert not allowed(made, "dynamodb:PutItem", TABLE)

    def test_example_3_block_transactional_reads_and_writes(self) -> None:
        made = policy(
            deny(ITEM_ACTIONS, self.ANY, Condition=TRANSACTIONAL),
            allow(["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:UpdateItem"], self.ANY),
        )
        assert not allowed(made, "dynamodb:PutItem", TABLE, self.INSIDE)
        assert allowed(made, "dynamodb:PutItem", TABLE)


class TestGrammar:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""

    @pytest.mark.parametrize(
        "document",
        [
            "{",
            {"Version": VERSION},
            {"Version": "2026-01-01", "Statement": allow("a:B")},
            {"Version": VERSION, "Statement": {"Effect": "Maybe", "Action": "a:B", "Resource": "*"}},
            {"Version": VERSION, "Statement": {"Effect": "Allow", "Resource": "*"}},
            {"Version": VERSION, "Statement": allow("a:B", NotAction="a:C")},
            {"Version": VERSION, "Statement": allow("a:B", NotResource="*")},
            {"Version": VERSION, "Statement": allow("a:B", NotPrincipal="*")},
            {"Version": VERSION, "Statement": allow("a:B", Condition={"StringResembles": {"a:K": "v"}})},
            {"Version": VERSION, "Statement": allow("a:B", Condition={"NullIfExists": {"a:K": "true"}})},
            {"Version": VERSION, "Statement": allow("a:B", Condition={"StringNot": {"a:K": "true"}})},
        ],
    )
    def test_what_is_no_policy_is_refused(self, document: Any) -> None:
        with pytest.raises(ValidationError):
            parse(document, "p")

    def test_one_statement_needs_no_list(self) -> None:
        assert allowed(parse({"Version": VERSION, "Statement": allow("a:B")}, "p"), "a:B")

    def test_statements_without_a_name_are_counted(self) -> None:
        assert [one.name for one in policy(allow("a:B"), allow("a:C", Sid="C"), deny("a:D")).statements] == [
            "#1", "C", "#3",
        ]  # fmt: skip


ACTIONS = ["s3:GetObject", "s3:PutObject", "sns:Publish"]
RESOURCES = ["arn:aws:s3:::a/1", "arn:aws:s3:::a/2", "arn:aws:s3:::b/1"]
statements = st.builds(
    lambda effect, action, resource, key: {
        "Effect": effect,
        "Action": action,
        "Resource": resource,
        **({"Condition": {"StringEquals": {"k:K": key}}} if key else {}),
    },
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from([*ACTIONS, "s3:*", "*"]),
    st.sampled_from([*RESOURCES, "arn:aws:s3:::a/*", "*"]),
    st.sampled_from(["", "x", "y"]),
)
calls = st.builds(
    lambda action, resource, key: call(action, resource, {"k:K": key} if key else {}),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.sampled_from(["", "x"]),
)


class TestProperties:
    @settings(max_examples=100)
    @given(st.lists(statements, min_size=1, max_size=5), calls, st.randoms(use_true_random=False))
    def test_order_changes_nothing(self, chosen: list[dict[str, Any]], made: RecordedCall, chance: Any) -> None:
        shuffled = list(chosen)
        chance.shuffle(shuffled)
        together = evaluate([policy(*chosen)], made).allowed
        assert evaluate([policy(*shuffled)], made).allowed is together
        assert evaluate([policy(one) for one in shuffled], made).allowed is together

    @settings(max_examples=100)
    @given(st.lists(statements, min_size=1, max_size=5), statements, calls)
    def test_one_allowance_more_denies_nothing(
        self, chosen: list[dict[str, Any]], more: dict[str, Any], made: RecordedCall
    ) -> None:
        before = evaluate([policy(*chosen)], made).allowed
        after = evaluate([policy(*chosen, more | {"Effect": "Allow"})], made).allowed
        assert after or not before

    @settings(max_examples=100)
    @given(st.lists(statements, max_size=5), calls)
    def test_a_denial_of_everything_wins(self, chosen: list[dict[str, Any]], made: RecordedCall) -> None:
        assert not evaluate([policy(*chosen, deny("*"))], made).allowed
        assert not evaluate([policy(deny("*"), *chosen)], made).allowed
