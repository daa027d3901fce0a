"""`doctor --aws`, as it is typed: on a plan that somebody made, and on releases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.shipping import SHOP, FakeTerraform, Line, change

LAKE = "aws_s3_bucket.lake"
EMPTIED = change(LAKE, "create", after={"bucket": "shop-lake-1", "force_destroy": True})
TOPIC = change("aws_sns_topic.people", "create", after={"name": "people", "kms_master_key_id": "alias/k"})
ROLE = change("aws_iam_role_policy.take", "create", after={"name": "take"})
ROLE["change"]["after_unknown"] = {"policy": True}


def plan(*changes: dict[str, Any]) -> str:
    return json.dumps({"format_version": "1.2", "planned_values": {}, "resource_changes": list(changes)})


class TestPlanFile:
    def test_errors_come_first_with_their_mend_and_a_code(self, line: Line) -> None:
        Path("plan.json").write_text(plan(TOPIC, EMPTIED))
        said = line("doctor", "--aws", "--plan", "plan.json", code=1)
        first = said.splitlines()[0]
        assert first.startswith("1. error: aws_s3_bucket.lake")
        assert "delete_data_on_destroy = false" in said
        assert "2 errors" in said.splitlines()[-1]

    def test_warnings_are_no_failure(self, line: Line) -> None:
        Path("plan.json").write_text(plan(TOPIC))
        said = line("doctor", "--aws", "--plan", "plan.json")
        assert "warning: aws_sns_topic.people" in said

    def test_nothing_is_wrong(self, line: Line) -> None:
        Path("plan.json").write_text(plan())
        assert line("doctor", "--aws", "--plan", "plan.json") == "nothing is wrong\n"

    def test_a_state_will_do(self, line: Line) -> None:
        bucket = {"address": LAKE, "mode": "managed", "type": "aws_s3_bucket", "name": "lake",
                  "values": {"bucket": "b", "force_destroy": True}}  # fmt: skip
        Path("state.json").write_text(json.dumps({"values": {"root_module": {"resources": [bucket]}}}))
        assert "force_destroy" in line("doctor", "--aws", "--plan", "state.json", code=1)

    def test_policies_that_are_not_known_yet_are_named(self, line: Line) -> None:
        Path("plan.json").write_text(plan(ROLE))
        said = line("doctor", "--aws", "--plan", "plan.json")
        assert "not read" in said
        assert "aws_iam_role_policy.take" in said

    def test_one_document_for_programs(self, line: Line) -> None:
        Path("plan.json").write_text(plan(EMPTIED, ROLE))
        (found,) = json.loads(line("doctor", "--aws", "--plan", "plan.json", "--json", code=1))
        assert found["of"] == "plan.json"
        assert found["unread"] == ["aws_iam_role_policy.take"]
        assert {"error"} <= {one["severity"] for one in found["findings"]}
        assert all(one["hint"] and one["page"] for one in found["findings"])

    def test_rules_are_silenced(self, line: Line) -> None:
        Path("plan.json").write_text(plan(EMPTIED))
        codes = [f"bucket-force-destroy:{LAKE}", "bucket-open"]
        silence = [word for code in codes for word in ("--silence", code)]
        assert "force_destroy" not in line("doctor", "--aws", "--plan", "plan.json", *silence)
        assert "there is no rule 'nope'" in line("doctor", "--aws", "--plan", "plan.json", "--silence", "nope", code=2)

    @pytest.mark.parametrize(
        "data", [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe\x00", b"secret=hunter2", b"[" * 100_000]
    )
    def test_what_is_no_plan(self, line: Line, data: bytes) -> None:
        Path("plan.json").write_bytes(data)
        said = line("doctor", "--aws", "--plan", "plan.json", code=2)
        assert "terraform show -json" in said
        assert "hunter2" not in said

    def test_no_such_file(self, line: Line) -> None:
        assert "cannot read" in line("doctor", "--aws", "--plan", "nowhere.json", code=2)
        assert "cannot read" in line("doctor", "--aws", "--plan", ".", code=2)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_standard_input_in_the_encodings_of_shells(self, line: Line, encoding: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "penstock", "doctor", "--aws", "--plan", "-"], input=plan(EMPTIED).encode(encoding),
            capture_output=True, check=False, cwd=line.folder,
        )  # fmt: skip
        assert done.returncode == 1
        assert b"force_destroy" in done.stdout


class TestReleases:
    def test_a_release_is_planned_as_it_lies_there(self, line: Line, terraform: FakeTerraform) -> None:
        line("synth", "shop")
        (line.release / "watch.tf").write_text("# mine")
        terraform.plans(EMPTIED)
        said = line("doctor", "--aws", "shop", code=1)
        assert "bucket-force-destroy" in said
        assert "planning deploy/shop" in line.errors
        assert [one[0] for one in terraform.calls()] == ["init", "plan", "show"]
        assert (line.release / "watch.tf").read_text() == "# mine"
        assert not (line.release / "penstock.tfplan").exists()

    def test_all_releases_when_none_is_named(self, line: Line, terraform: FakeTerraform) -> None:
        Path("bakery.py").write_text(SHOP.replace('"shop"', '"bakery"').replace('"Stock"', '"Bread"'))
        line("-f", "bakery.py", "synth", "shop", "bakery")
        terraform.plans()
        said = line("doctor", "--aws")
        assert "deploy/bakery:\nnothing is wrong" in said
        assert "deploy/shop:\nnothing is wrong" in said
        assert [one["of"] for one in line.json("doctor", "--aws")] == ["deploy/bakery", "deploy/shop"]

    def test_what_terraform_says(self, line: Line, terraform: FakeTerraform) -> None:
        line("synth", "shop")
        terraform.refuses("plan", "Error: No valid credential sources found")
        assert "AWS_PROFILE" in line("doctor", "--aws", "shop", code=1)
        assert not (line.release / "penstock.tfplan").exists()

    def test_what_is_not_there(self, line: Line, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "penstock synth" in line("doctor", "--aws", code=4)
        line("synth", "shop")
        assert "there are: shop" in line("doctor", "--aws", "nope", code=4)
        assert "no rule" in line("doctor", "--aws", "shop", "--silence", "nope", code=2)
        assert terraform.calls() == []
        monkeypatch.setenv("PATH", str(line.folder))
        assert "Terraform is not installed" in line("doctor", "--aws", "shop", code=2)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["shop"], ["--plan", "plan.json"], ["--silence", "topic-unsubscribed"],
            ["--aws", "--repair"], ["--aws", "shop", "--plan", "plan.json"],
        ],
    )  # fmt: skip
    def test_options_that_do_not_go_together(self, line: Line, arguments: list[str]) -> None:
        assert "--aws" in line("doctor", *arguments, code=2)

    def test_without_aws_it_is_this_machine_that_is_checked(self, line: Line) -> None:
        assert "pipeline shop" in line("doctor")
