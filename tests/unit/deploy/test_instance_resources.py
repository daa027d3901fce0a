"""An instance in place of schedules: what it is, what it may do, what its script says, and what it is refused for."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.deployments import files, leads, text

from penstock import Context, Pipeline, days, hours, relation
from penstock.deploy.access import grant_statements
from penstock.deploy.instance_limits import limits, processor
from penstock.deploy.kit import Site
from penstock.deploy.resources.instance import blocks, user_data
from penstock.deploy.terraform import REFUSED, synthesize
from penstock.errors import DefinitionError
from penstock.model.pipeline import Definition

GOLDEN = Path(__file__).parents[2] / "golden/instance/user_data.sh"
TOLD = {
    "region": "eu-central-1",
    "bucket": "leads-lake-123456789012-eu-central-1",
    "key": "instance/0123456789abcdef.zip",
    "python": "python3.13",
    "environment": '{"score_leads":{"PENSTOCK_TASK":"score_leads"}}',
    "log_group": "/penstock/leads-instance",
    "enabled": "true",
}


@pytest.fixture(scope="module")
def chosen() -> Definition:
    return leads(compute="ec2", architecture="x86_64")


@pytest.fixture(scope="module")
def written(chosen: Definition) -> str:
    return "\n".join(data.decode() for path, data in files(chosen).items() if path.endswith(".tf"))


def rendered(definition: Definition) -> str:
    """Returns the script as Terraform renders it: nothing but names in braces means anything."""
    template = user_data(definition.schedules)
    assert set(re.findall(r"\$\{(\w+)\}", template)) == TOLD.keys()
    assert "%{" not in template
    return re.sub(r"\$\{(\w+)\}", lambda name: TOLD[name[1]], template)


class TestScript:
    def test_it_is_the_reviewed_one(self, chosen: Definition) -> None:
        """``PENSTOCK_UPDATE_GOLDEN=1`` writes it anew."""
        made = rendered(chosen)
        if os.environ.get("PENSTOCK_UPDATE_GOLDEN") == "1":
            GOLDEN.parent.mkdir(parents=True, exist_ok=True)
            GOLDEN.write_text(made)
        assert made == GOLDEN.read_text()
        assert len(made.encode()) < 16_384, "instancedata-add-user-data.html: user data has at most 16 KB"

    def test_bash_reads_it_and_the_scripts_that_it_writes(self, chosen: Definition) -> None:
        made = rendered(chosen)
        inner = re.findall(r"<<'END_OF_(?:RUN|PATCH)'\n(.*?)\nEND_OF_", made, re.DOTALL)
        assert len(inner) == 2
        for script in (made, *inner):
            done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
        assert subprocess.run(["bash", "-n"], input="if", capture_output=True, text=True, check=False).returncode

    def test_documents_in_it_are_json(self, chosen: Definition) -> None:
        made = rendered(chosen)
        (agent,) = re.findall(r"<<'END_OF_AGENT'\n(.*?)\nEND_OF_AGENT", made, re.DOTALL)
        (collected,) = json.loads(agent)["logs"]["logs_collected"]["files"]["collect_list"]
        assert collected["log_group_name"] == TOLD["log_group"]

    def test_the_cron_is_daily_and_in_the_schedules_zone(self, chosen: Definition) -> None:
        """cron(0 6 * * ? *) of EventBridge is ``0 6 * * *`` of crontab(5), whose files in cron.d name a user."""
        (table,) = re.findall(r"penstock-at-1 <<'END_OF_CRON'\n(.*?)\nEND_OF_CRON", rendered(chosen), re.DOTALL)
        assert table.splitlines() == [
            "CRON_TZ=UTC", "0 6 * * * penstock /usr/local/sbin/penstock-run 'leads-daily'",
        ]  # fmt: skip
        there = msgspec.structs.replace(chosen.schedules["leads-daily"], timezone="Asia/Tokyo")
        assert "CRON_TZ=Asia/Tokyo\n0 6 " in user_data({"leads-daily": there})

    def test_schedules_have_files_of_their_own(self, chosen: Definition) -> None:
        """No name of a schedule can make two of them one, or lead to another folder."""
        one = chosen.schedules["leads-daily"]
        named = [msgspec.structs.replace(one, name=name) for name in ("a.b", "a-b", "a_b")]
        script = user_data({schedule.name: schedule for schedule in named})
        written = re.findall(r"cat >/etc/cron\.d/(penstock-at-\S+) ", script)
        assert len(set(written)) == len(written) == 3
        assert [name in script for name in ("'a.b'\n", "'a-b'\n", "'a_b'\n")] == [True] * 3


class TestInstance:
    def test_nobody_logs_in_and_only_tokens_get_its_credentials(self, written: str) -> None:
        """configuring-instance-metadata-service.html; session-manager.html: no key, and no port that is open."""
        (instance,) = re.findall(r'^resource "aws_instance" .*?^}', written, re.MULTILINE | re.DOTALL)
        for line in ('http_tokens                 = "required"', "encrypted   = true",
                     "associate_public_ip_address = false", 'instance_type               = "t3.small"'):  # fmt: skip
            assert line in instance
        assert "key_name" not in written
        assert "aws_vpc_security_group_ingress_rule" in written
        assert not re.search(r"(from_port|to_port)\s*= 22\b", written)
        assert not re.search(
            r'ingress_rule" "\w+" \{\s+security_group_id\s+= aws_security_group\.instance\.id', written
        )

    def test_it_is_amazon_linux_by_its_parameter(self, written: str) -> None:
        assert "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" in written

    def test_neither_schedules_nor_rules_of_files_start_anything(self, chosen: Definition, written: str) -> None:
        assert "aws_scheduler_schedule" not in written
        assert "aws_cloudwatch_event_rule" not in written
        by_lambda = "\n".join(data.decode() for path, data in files(leads()).items() if path.endswith(".tf"))
        assert 'resource "aws_scheduler_schedule" "leads_daily"' in by_lambda
        assert 'resource "aws_cloudwatch_event_rule" "leads_arrived"' in by_lambda
        assert 'resource "aws_instance"' not in by_lambda
        assert "instance/user_data.sh" not in files(leads())

    def test_its_role_is_what_its_tasks_may_together_and_its_own(self, chosen: Definition) -> None:
        made = blocks(Site(definition=chosen, artifacts={}, clock=chosen.schedules))["access"]
        (policy,) = (block.body["policy"] for block in made if block.labels[0] == "aws_iam_role_policy")
        allowed = {
            (action, text(arn))
            for one in policy.arguments[0]["Statement"]
            for action in one["Action"]
            for arn in one["Resource"]
        }
        granted = {
            (action, text(arn))
            for task in chosen.tasks.values()
            for one in grant_statements(chosen, task)
            for action in one.actions
            for arn in one.resources
        }
        assert granted <= allowed
        assert {action for action, _ in allowed - granted} == {
            "s3:GetObject", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents",
        }  # fmt: skip
        assert ("s3:GetObject", "${aws_s3_bucket.lake.arn}/instance/*") in allowed - granted
        sids = [one["Sid"] for one in policy.arguments[0]["Statement"]]
        assert len(set(sids)) == len(sids)
        (attached,) = (block.body["policy_arn"] for block in made if "attachment" in block.labels[0])
        assert text(attached).endswith(":iam::aws:policy/AmazonSSMManagedInstanceCore")


class Lead(msgspec.Struct):
    lead_id: str


def shop(
    *,
    cron: str = "30 5 * * ? *",
    every: timedelta | None = None,
    arrives: bool = False,
    store: bool = True,
    **choices: Any,
) -> Definition:
    made = Pipeline("shop")
    box = made.inbox("box")
    grants = [box.read]
    if store:
        grants.append(made.warehouse("crm", tables=[relation("leads", Lead, key="lead_id")]).write)

    @made.task(may=grants)
    def score(event: Any, context: Context) -> None:
        """Scores leads."""

    @made.task(may=[box.read])
    def look(event: Any, context: Context) -> None:
        """Looks at leads."""

    if every is None:
        made.cron(cron, score, name="daily")
    else:
        made.every(every, score, name="daily")
    if arrives:
        made.on_object(box, look, name="mail")
    made.aws(**{"compute": "ec2", "architecture": "x86_64", **choices})
    return made.build()


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        (shop(store=False), "instance-network"),
        (shop(cron="0 8 ? * MON-FRI *"), "instance-clock"),
        (shop(every=hours(3)), "instance-clock"),
        (shop(arrives=True), "instance-trigger"),
        (shop(architecture="arm64"), "instance-processor"),
        (shop(instance_type="t4g.small"), "instance-processor"),
    ],
)
def test_what_it_cannot_do_is_refused(definition: Definition, code: str) -> None:
    assert [one.code for one in limits(definition)] == [code]
    assert code in REFUSED
    with pytest.raises(DefinitionError):
        synthesize(definition, {})


def test_what_it_can_do_is_not() -> None:
    for definition in (shop(), shop(every=days(1)), shop(instance_type="t4g.small", architecture="arm64")):
        assert limits(definition) == []
    assert limits(shop(compute="lambda", every=hours(3), arrives=True)) == []


@pytest.mark.parametrize(
    ("name", "has"),
    [("t3.small", "x86_64"), ("t4g.small", "arm64"), ("m7gd.large", "arm64"), ("g4dn.xlarge", "x86_64"),
     ("c6in.large", "x86_64"), ("a1.medium", "arm64"), ("im4gn.large", "arm64")],
)  # fmt: skip
def test_processors_of_families(name: str, has: str) -> None:
    """instance-type-names.html: a g after the generation is AWS's own processor."""
    assert processor(shop(instance_type=name)) == has
