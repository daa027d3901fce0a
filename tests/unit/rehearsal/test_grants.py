"""Policies out of Terraform, and the proof that they are needed and enough."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import UsageError
from penstock.rehearsal.calls import RecordedCall
from penstock.rehearsal.grants import functions_of, resource_policies_of, roles_of
from penstock.rehearsal.policies import Policy, evaluate, parse
from penstock.rehearsal.proof import EXEMPTIONS, Exemption, Grant, grants, prove, without

BUCKET = "arn:aws:s3:::lake"
TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/Hot"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str], sid: str = "", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **({"Sid": sid} if sid else {}), **more}


def resource(kind: str, label: str, /, **values: Any) -> dict[str, Any]:
    """As `terraform show -json` has it: https://developer.hashicorp.com/terraform/internals/json-format"""
    return {"address": f"{kind}.{label}", "mode": "managed", "type": kind, "name": label, "values": values}


def state(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format_version": "1.0", "values": {"root_module": {"resources": list(resources), **more}}}


ROLE = resource("aws_iam_role", "task", name="p-task", arn="arn:aws:iam::111122223333:role/p-task")
PUT = document(allow("s3:PutObject", f"{BUCKET}/raw/*", "Put"))
INLINE = resource("aws_iam_role_policy", "task", name="task", role="p-task", policy=PUT)


def names(policies: list[Policy]) -> list[str]:
    return [f"{one.name}/{each.name}" for one in policies for each in one.statements]


class TestRoles:
    def test_a_policy_of_its_own(self) -> None:
        assert {role: names(found) for role, found in roles_of(state(ROLE, INLINE)).items()} == {
            "p-task": ["aws_iam_role_policy.task/Put"],
        }

    def test_a_role_without_policies_is_there(self) -> None:
        assert roles_of(state(ROLE)) == {"p-task": []}

    def test_a_plan_is_read_as_a_state(self) -> None:
        plan = {"planned_values": state(ROLE, INLINE)["values"]}
        assert roles_of(plan) == roles_of(state(ROLE, INLINE))

    def test_policies_that_are_attached(self) -> None:
        arn = "arn:aws:iam::111122223333:policy/read"
        shared = resource("aws_iam_policy", "read", name="read", arn=arn, policy=document(allow("s3:GetObject", "*")))
        one = resource("aws_iam_role_policy_attachment", "task", role="p-task", policy_arn=arn)
        many = resource("aws_iam_policy_attachment", "all", roles=["p-task", "p-other"], policy_arn=arn)
        assert names(roles_of(state(ROLE, shared, one))["p-task"]) == ["aws_iam_policy.read/#1"]
        assert {role: names(found) for role, found in roles_of(state(ROLE, shared, many)).items()} == {
            "p-other": ["aws_iam_policy.read/#1"],
            "p-task": ["aws_iam_policy.read/#1"],
        }

    def test_what_a_role_shows_a_second_time_counts_once(self) -> None:
        role = {**ROLE, "values": {**ROLE["values"], "inline_policy": [{"name": "task", "policy": PUT}]}}
        for order in ([role, INLINE], [INLINE, role]):
            assert [grant.action for grant in grants(roles_of(state(*order)))] == ["s3:PutObject"]

    def test_policies_written_into_the_role(self) -> None:
        role = {**ROLE, "values": {**ROLE["values"], "inline_policy": [{"name": "own", "policy": PUT}]}}
        assert names(roles_of(state(role))["p-task"]) == ["aws_iam_role.task.own/Put"]

    def test_a_boundary(self) -> None:
        arn = "arn:aws:iam::111122223333:policy/limit"
        limit = resource("aws_iam_policy", "limit", name="limit", arn=arn, policy=document(allow("s3:Get*", "*")))
        role = {**ROLE, "values": {**ROLE["values"], "permissions_boundary": arn}}
        policies = roles_of(state(role, INLINE, limit))["p-task"]
        assert not evaluate(policies, RecordedCall("p-task", "s3:PutObject", f"{BUCKET}/raw/k")).allowed

    def test_modules_within_modules(self) -> None:
        inner = {"resources": [INLINE], "child_modules": []}
        outer = {"resources": [], "child_modules": [inner]}
        assert names(roles_of(state(ROLE, child_modules=[outer]))["p-task"]) == ["aws_iam_role_policy.task/Put"]

    def test_what_terraform_only_looks_up_is_not_deployed(self) -> None:
        assert roles_of(state({**ROLE, "mode": "data"})) == {}

    @pytest.mark.parametrize(
        "resources",
        [
            [ROLE, resource("aws_iam_role_policy", "task", name="task", role="p-task")],
            [ROLE, resource("aws_iam_role_policy", "task", name="task", policy=PUT)],
            [ROLE, resource("aws_iam_role_policy_attachment", "t", role="p-task", policy_arn="arn:of:another")],
            [{**ROLE, "values": {**ROLE["values"], "permissions_boundary": "arn:aws:iam::1:policy/B"}}],
        ],
    )
    def test_what_cannot_be_read_is_an_error(self, resources: list[dict[str, Any]]) -> None:
        with pytest.raises(UsageError):
            roles_of(state(*resources))

    def test_other_json_is_an_error(self) -> None:
        with pytest.raises(UsageError):
            roles_of({"version": 4, "resources": []})


class TestResourcePolicies:
    def test_of_buckets_queues_and_topics(self) -> None:
        statement = {**allow("sqs:SendMessage", "*"), "Principal": {"Service": "events.amazonaws.com"}}
        kinds = ("aws_s3_bucket_policy", "aws_sqs_queue_policy", "aws_sns_topic_policy")
        found = resource_policies_of(state(*(resource(kind, "x", policy=document(statement)) for kind in kinds)))
        assert [one.name for one in found] == [f"{kind}.x" for kind in kinds]
        assert found[0].statements[0].principals == ("events.amazonaws.com",)

    def test_of_functions(self) -> None:
        permission = resource(
            "aws_lambda_permission",
            "x",
            statement_id="S",
            action="lambda:InvokeFunction",
            function_name="f",
            principal="s3.amazonaws.com",
            source_arn=BUCKET,
            source_account="111122223333",
        )
        statement = resource_policies_of(state(permission))[0].statements[0]
        assert statement.actions == ("lambda:InvokeFunction",)
        assert statement.conditions == {
            "ArnLike": {"aws:SourceArn": (BUCKET,)},
            "StringEquals": {"aws:SourceAccount": ("111122223333",)},
        }

    def test_roles_of_functions(self) -> None:
        function = resource("aws_lambda_function", "f", arn="arn:f", role="arn:aws:iam::111122223333:role/p-task")
        assert functions_of(state(function)) == {"arn:f": "arn:aws:iam::111122223333:role/p-task"}


def roles(*statements: dict[str, Any]) -> dict[str, list[Policy]]:
    return {"r": [parse(document(*statements), "p")]}


def call(action: str, where: str, *, role: str = "r", at: float = 0.0, **context: str) -> RecordedCall:
    return RecordedCall(role, action, where, dict(context), at)


class TestProof:
    def test_enough_and_no_more(self) -> None:
        proof = prove(roles(allow("s3:PutObject", f"{BUCKET}/raw/*")), [call("s3:PutObject", f"{BUCKET}/raw/1")])
        assert proof.holds
        assert (proof.denied, proof.spare, proof.exempt, proof.granted) == ([], [], [], 1)

    def test_what_was_done_without_a_grant_is_denied_once(self) -> None:
        made = [call("s3:PutObject", f"{BUCKET}/other", at=float(at)) for at in range(3)]
        proof = prove(roles(allow("s3:PutObject", f"{BUCKET}/raw/*")), made)
        assert [(one.call, one.times) for one in proof.denied] == [(made[0], 3)]
        assert not proof.holds

    def test_each_action_on_each_resource_is_a_grant(self) -> None:
        given_roles = roles(allow(["dynamodb:PutItem", "dynamodb:Query"], [TABLE, f"{TABLE}/index/by-i"], "Hot"))
        made = [call("dynamodb:PutItem", TABLE), call("dynamodb:Query", f"{TABLE}/index/by-i")]
        proof = prove(given_roles, made)
        assert proof.denied == []
        assert proof.granted == 4
        assert proof.spare == [
            Grant("r", "p/Hot", "dynamodb:PutItem", f"{TABLE}/index/by-i"),
            Grant("r", "p/Hot", "dynamodb:Query", TABLE),
        ]

    def test_of_two_grants_of_the_same_both_are_spare(self) -> None:
        proof = prove(
            roles(allow("s3:GetObject", f"{BUCKET}/a/*"), allow("s3:GetObject", f"{BUCKET}/*")),
            [call("s3:GetObject", f"{BUCKET}/a/1")],
        )
        assert len(proof.spare) == 2

    def test_the_calls_of_one_role_do_not_excuse_another(self) -> None:
        policy = parse(document(allow("s3:GetObject", f"{BUCKET}/*")), "p")
        proof = prove({"a": [policy], "b": [policy]}, [call("s3:GetObject", f"{BUCKET}/1", role="a")])
        assert [grant.role for grant in proof.spare] == ["b"]

    def test_a_role_that_nobody_knows_is_denied(self) -> None:
        proof = prove({}, [call("s3:GetObject", f"{BUCKET}/1", role="")])
        assert len(proof.denied) == 1

    def test_what_a_rehearsal_cannot_see_is_exempt_with_its_reason(self) -> None:
        log = allow(["logs:CreateLogStream", "logs:PutLogEvents"], "arn:aws:logs:r:1:log-group:g:*", "Log")
        proof = prove(roles(log), [])
        assert proof.holds
        assert {one.grant.action for one in proof.exempt} == {"logs:CreateLogStream", "logs:PutLogEvents"}
        assert all(one.reason for one in proof.exempt)

    def test_an_exempt_grant_that_was_seen_needs_no_excuse(self) -> None:
        queue = "arn:aws:sqs:r:1:q"
        proof = prove(roles(allow("sqs:SendMessage", queue)), [call("sqs:SendMessage", queue)])
        assert (proof.spare, proof.exempt, proof.holds) == ([], [], True)

    def test_without_exemptions_it_is_spare(self) -> None:
        proof = prove(roles(allow("sqs:SendMessage", "arn:aws:sqs:r:1:q")), [], exemptions=())
        assert len(proof.spare) == 1

    def test_wildcards_in_actions_are_broad(self) -> None:
        every = {"Effect": "Allow", "NotAction": "iam:*", "Resource": BUCKET}
        others = {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{BUCKET}/secret"}
        for statement, written in (
            (allow("s3:Get*", BUCKET), "s3:Get*"),
            (every, "['iam:*']"),
            (others, "s3:GetObject"),
        ):
            proof = prove(roles(statement), [call("s3:GetObject", BUCKET)])
            assert [grant.action for grant in proof.broad] == [written]
            assert (proof.denied, proof.spare, proof.holds) == ([], [], False)

    def test_what_a_bucket_allows_anyway_is_spare(self) -> None:
        open_to_all = {**allow("s3:GetObject", f"{BUCKET}/*"), "Principal": "*"}
        given_roles = roles(allow("s3:GetObject", f"{BUCKET}/*"))
        proof = prove(
            given_roles, [call("s3:GetObject", f"{BUCKET}/1")], of_resources=[parse(document(open_to_all), "b")]
        )
        assert len(proof.spare) == 1

    def test_a_denial_is_no_grant(self) -> None:
        statements = (allow("s3:GetObject", BUCKET), {**allow("s3:Put*", "*"), "Effect": "Deny"})
        proof = prove(roles(*statements), [call("s3:GetObject", BUCKET)])
        assert (proof.granted, proof.holds) == (1, True)

    def test_a_boundary_grants_nothing(self) -> None:
        limit = parse(document(allow("s3:*", "*")), "limit", boundary=True)
        proof = prove({"r": [limit, *roles(allow("s3:GetObject", BUCKET))["r"]]}, [call("s3:GetObject", BUCKET)])
        assert (proof.granted, proof.holds) == (1, True)

    def test_a_bucket_that_denies_makes_it_denied(self) -> None:
        tls = {
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": f"{BUCKET}/*",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        given_roles = roles(allow("s3:GetObject", f"{BUCKET}/*"))
        made = [call("s3:GetObject", f"{BUCKET}/1", **{"aws:SecureTransport": "false"})]
        assert prove(given_roles, made).holds
        assert not prove(given_roles, made, of_resources=[parse(document(tls), "bucket")]).holds

    def test_every_exemption_has_a_reason_and_a_source(self) -> None:
        for one in EXEMPTIONS:
            assert one.reason
            assert one.source.startswith("https://docs.aws.amazon.com/")
            assert "*" not in one.action

    def test_exemptions_know_no_case(self) -> None:
        mine = Exemption("ec2:Describe*", "nobody sees it", "https://docs.aws.amazon.com/")
        proof = prove(roles(allow("EC2:describeInstances", "*")), [], exemptions=[mine])
        assert [one.reason for one in proof.exempt] == ["nobody sees it"]


ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
KEYS = [f"{BUCKET}/{name}" for name in ("a", "b", "c")]
granted = st.builds(
    allow,
    st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from([*KEYS, f"{BUCKET}/*"]), min_size=1, max_size=3, unique=True),
)
made_calls = st.lists(st.builds(call, st.sampled_from(ACTIONS), st.sampled_from(KEYS)), max_size=6)


class TestProperties:
    @settings(max_examples=60)
    @given(st.lists(granted, min_size=1, max_size=3))
    def test_taking_a_grant_away_takes_that_pair_and_no_other(self, chosen: list[dict[str, Any]]) -> None:
        before = roles(*chosen)
        every = list(grants(before))
        for grant in every:
            left = list(grants({"r": without(before["r"], grant)}))
            assert sorted(map(str, left)) == sorted(str(one) for one in every if one != grant)

    @settings(max_examples=60)
    @given(st.lists(granted, min_size=1, max_size=3), made_calls)
    def test_a_spare_grant_can_go_and_a_needed_one_cannot(
        self, chosen: list[dict[str, Any]], made: list[RecordedCall]
    ) -> None:
        before = roles(*chosen)
        proof = prove(before, made)
        for grant in grants(before):
            again = prove({"r": without(before["r"], grant)}, made)
            assert (len(again.denied) == len(proof.denied)) is (grant in proof.spare)
