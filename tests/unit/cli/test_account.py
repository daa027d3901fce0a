"""`deploy` and `destroy`, as they are typed; Terraform plays what it is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from tests.shipping import REGION, FakeTerraform, Line, change, signal_when, type_on_terminal

TABLE = "aws_dynamodb_table.Stock"
LAKE = "aws_s3_bucket.lake"
PENSTOCK = [sys.executable, "-m", "penstock", "-f", "shop.py"]
EMPTIED = change(LAKE, "create", after={"bucket": "shop-lake-1", "force_destroy": True})


def replaced(address: str, name: str) -> dict[str, Any]:
    protected = {"name": name, "deletion_protection_enabled": True, "point_in_time_recovery": [{"enabled": True}]}
    return change(address, "delete", "create", after=protected, id=name, **protected)


def commands(terraform: FakeTerraform) -> list[str]:
    return [one[0] for one in terraform.calls()]


def applied(terraform: FakeTerraform) -> bool:
    return "apply" in commands(terraform)


class TestDeploy:
    def test_everything_in_its_order(self, line: Line, terraform: FakeTerraform) -> None:
        terraform.gives({"region": REGION})
        said = line("deploy", "shop", "--yes")
        assert commands(terraform) == ["init", "validate", "plan", "show", "apply", "output"]
        assert "sns_topic" in said
        assert "a month" in said
        assert "penstock status shop" in said
        assert "· planning" in line.errors
        assert not (line.release / "penstock.tfplan").exists()
        assert (line.release / "main.tf").exists()

    def test_one_document_for_programs_and_no_secrets(self, line: Line, terraform: FakeTerraform) -> None:
        terraform.gives({"region": REGION, "password": "hunter2"}, "password")
        found = line.json("deploy", "shop", "--yes")
        assert found["applied"] is True
        assert found["outputs"] == {"region": REGION}
        assert found["changes"]["created"] == {"sns_topic": 1}
        assert found["monthly_usd"] <= found["monthly_usd_without_free_tier"]
        assert "hunter2" not in json.dumps(found)

    def test_a_plan_changes_nothing(self, line: Line, terraform: FakeTerraform) -> None:
        assert "sns_topic" in line("deploy", "shop", "--plan")
        assert line.json("deploy", "shop", "--plan")["applied"] is False
        assert not applied(terraform)
        assert not (line.release / "penstock.tfplan").exists()

    def test_nothing_to_change(self, line: Line, terraform: FakeTerraform) -> None:
        terraform.plans()
        assert "nothing to change" in line("deploy", "shop")
        assert not applied(terraform)

    def test_outputs_alone_are_something_to_apply(self, line: Line, terraform: FakeTerraform) -> None:
        terraform.plans(applyable=True)
        assert "deployed" in line("deploy", "shop", "--yes")
        assert applied(terraform)

    def test_nobody_is_there_to_confirm(self, line: Line, terraform: FakeTerraform) -> None:
        assert "--yes" in line("deploy", "shop", code=2)
        assert not applied(terraform)
        assert not (line.release / "penstock.tfplan").exists()

    @pytest.mark.parametrize(("typed", "code", "done"), [("y\n", 0, True), ("n\n", 1, False), ("\x04", 130, False)])
    def test_it_asks_on_a_terminal(
        self, line: Line, terraform: FakeTerraform, typed: str, code: int, done: bool
    ) -> None:
        left, printed, errors = type_on_terminal([*PENSTOCK, "deploy", "shop"], typed, line.folder)
        assert left == code, errors
        assert "Apply this" in errors
        assert "Apply this" not in printed
        assert "sns_topic" in printed
        assert applied(terraform) is done

    def test_nobody_is_asked_about_what_was_not_shown(self, line: Line, terraform: FakeTerraform) -> None:
        left, printed, errors = type_on_terminal([*PENSTOCK, "deploy", "shop", "--json"], "y\n", line.folder)
        assert (left, printed) == (2, "")
        assert json.loads(errors)["hint"] == "give --yes"
        assert not applied(terraform)

    def test_what_the_doctor_calls_an_error_is_refused(self, line: Line, terraform: FakeTerraform) -> None:
        terraform.plans(EMPTIED)
        said = line("deploy", "shop", "--yes", code=2)
        assert f"bucket-force-destroy at {LAKE}" in said
        assert "--silence" in said
        assert not applied(terraform)
        line("deploy", "shop", "--yes", "--silence", f"bucket-force-destroy:{LAKE}", code=2)
        assert not applied(terraform)
        line("deploy", "shop", "--yes", "--silence", f"bucket-force-destroy:{LAKE}", "--silence", "bucket-open")
        assert applied(terraform)

    def test_a_replaced_table_must_be_named(self, line: Line, terraform: FakeTerraform) -> None:
        terraform.plans(replaced(TABLE, "Stock"))
        assert "Stock (aws_dynamodb_table.Stock)" in line("deploy", "shop", "--yes", code=2)
        line("deploy", "shop", "--yes", "--delete", "Other", code=2)
        assert not applied(terraform)
        line("deploy", "shop", "--yes", "--delete", "Stock")
        assert applied(terraform)

    def test_a_name_excuses_nothing_else(self, line: Line, terraform: FakeTerraform) -> None:
        bucket = {"bucket": "shop-lake-1", "force_destroy": True}
        terraform.plans(change(LAKE, "delete", "create", after=bucket, id="shop-lake-1", **bucket))
        said = line("deploy", "shop", "--yes", "--delete", "shop-lake-1", code=2)
        assert f"bucket-force-destroy at {LAKE}" in said
        assert "data-deleted at" not in said
        assert not applied(terraform)

    @pytest.mark.parametrize(("typed", "code"), [("Stock\ny\n", 0), ("stock\n", 2), ("\n", 2), ("y\n", 2)])
    def test_the_name_can_be_typed(self, line: Line, terraform: FakeTerraform, typed: str, code: int) -> None:
        terraform.plans(replaced(TABLE, "Stock"))
        left, _, errors = type_on_terminal([*PENSTOCK, "deploy", "shop"], typed, line.folder)
        assert left == code, errors
        assert applied(terraform) is (code == 0)

    def test_edits_are_refused(self, line: Line, terraform: FakeTerraform) -> None:
        line("synth", "shop")
        (line.release / "main.tf").write_text("# mine")
        assert "override.tf" in line("deploy", "shop", "--yes", code=2)
        assert terraform.calls() == []
        line("deploy", "shop", "--yes", "--force")

    def test_what_terraform_says(self, line: Line, terraform: FakeTerraform) -> None:
        event = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "AccessDenied: \x1b[31mno"}}
        terraform.refuses("apply", json.dumps(event))
        said = line("deploy", "shop", "--yes", code=1)
        assert "AccessDenied: \\x1b[31mno" in said
        assert "→" in said
        failed = json.loads(line("deploy", "shop", "--yes", "--json", code=1))
        assert (failed["error"], failed["exit_code"]) == ("Deployment", 1)

    def test_what_is_wrong_from_the_beginning_is_told_before_packaging(
        self, line: Line, terraform: FakeTerraform, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "did you mean 'shop'" in line("deploy", "shopp", code=4)
        assert "there is no rule 'nope'" in line("deploy", "shop", "--silence", "nope", code=2)
        monkeypatch.setenv("PATH", str(line.folder))
        assert "Terraform is not installed" in line("deploy", "shop", code=2)
        assert not line.release.exists()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_an_interruption_lets_terraform_end(
        self, line: Line, terraform: FakeTerraform, number: signal.Signals
    ) -> None:
        (terraform.world / "slow").touch()
        with subprocess.Popen(
            [*PENSTOCK, "deploy", "shop", "--yes"], cwd=line.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        ) as running:  # fmt: skip
            signal_when(terraform.world / "begun", running, number)
            _, errors = running.communicate(timeout=60)
        assert running.returncode == 130
        assert (terraform.world / "ended").read_text() == "1"
        assert "interrupted: Terraform ends what it has begun" in errors
        assert not (line.release / "penstock.tfplan").exists()


class TestDestroy:
    LOSSES = (
        change(TABLE, "delete", name="Stock", id="Stock"),
        change(LAKE, "delete", bucket="shop-lake-1", id="shop-lake-1"),
        change("aws_s3_bucket_policy.lake", "delete", bucket="shop-lake-1"),
        change("aws_lambda_function.take", "delete", id="shop-take"),
    )
    UNPROTECTED = (change(TABLE, "update", after={"name": "Stock"}, name="Stock"), change(LAKE, "update", id="l"))

    @pytest.fixture(autouse=True)
    def deployed(self, line: Line, terraform: FakeTerraform) -> None:
        line("synth", "shop")
        # What is in the account may outlive its definition.
        (line.folder / "shop.py").write_text("from penstock import Pipeline\npipeline = Pipeline('empty')\n")
        terraform.plans(*self.LOSSES, kind="destroy")
        terraform.plans(*self.UNPROTECTED, kind="unprotect")

    def test_what_holds_data_must_be_named(self, line: Line, terraform: FakeTerraform) -> None:
        said = line("destroy", "shop", "--yes", code=2)
        assert "Stock (aws_dynamodb_table.Stock), shop-lake-1 (aws_s3_bucket.lake)" in said
        assert "--keep-data" in said
        said = line("destroy", "shop", "--yes", "--delete", "Stock", code=2)
        assert "Stock" not in said
        assert not applied(terraform)
        assert not (line.release / "penstock.tfplan").exists()

    def test_names_do_not_confirm(self, line: Line, terraform: FakeTerraform) -> None:
        assert "--yes" in line("destroy", "shop", "--delete", "Stock", "--delete", "shop-lake-1", code=2)
        assert not applied(terraform)

    def test_what_is_named_goes(self, line: Line, terraform: FakeTerraform) -> None:
        said = line("destroy", "shop", "--yes", "--delete", "Stock", "--delete", "shop-lake-1")
        assert "shop is gone from the account" in said
        assert commands(terraform) == ["init", "plan", "show", "plan", "show", "apply", "plan", "show", "apply"]
        first, unprotecting, last = terraform.calls("plan")
        assert "-destroy" in first
        assert unprotecting[4:] == ["-var=delete_data_on_destroy=true", f"-target={TABLE}", f"-target={LAKE}"]
        assert "-destroy" in last

    def test_nothing_is_made_on_the_way_out(self, line: Line, terraform: FakeTerraform) -> None:
        """As after a destroy that broke off, or an edit that nobody deployed."""
        terraform.plans(*self.UNPROTECTED, change("aws_kms_key.k", "create"), kind="unprotect")
        said = line("destroy", "shop", "--yes", "--delete", "Stock", "--delete", "shop-lake-1", code=1)
        assert "aws_kms_key.k" in said
        assert not applied(terraform)

    def test_data_can_be_kept(self, line: Line, terraform: FakeTerraform) -> None:
        said = line("destroy", "shop", "--yes", "--keep-data")
        assert commands(terraform) == ["init", "plan", "show", "state", "plan", "show", "apply"]
        (forgotten,) = terraform.calls("state")
        assert forgotten[3:] == [TABLE, LAKE, "aws_s3_bucket_policy.lake"]
        assert not any("-var" in option for call in terraform.calls("plan") for option in call)
        assert f"terraform -chdir=deploy/shop import '{LAKE}' 'shop-lake-1'" in said

    def test_keeping_data_is_confirmed_too(self, line: Line, terraform: FakeTerraform) -> None:
        assert "--yes" in line("destroy", "shop", "--keep-data", code=2)
        assert commands(terraform) == ["init", "plan", "show"]

    def test_keeping_and_deleting_contradict_each_other(self, line: Line, terraform: FakeTerraform) -> None:
        assert "contradict" in line("destroy", "shop", "--keep-data", "--delete", "Stock", code=2)
        assert terraform.calls() == []

    def test_for_programs(self, line: Line) -> None:
        found = line.json("destroy", "shop", "--yes", "--keep-data")
        assert (found["pipeline"], found["destroyed"]) == ("shop", True)
        assert [one["name"] for one in found["kept"]] == ["Stock", "shop-lake-1"]

    def test_nothing_is_there(self, line: Line, terraform: FakeTerraform) -> None:
        terraform.plans(kind="destroy")
        assert "nothing of shop is deployed" in line("destroy", "shop")
        assert line.json("destroy", "shop") == {"pipeline": "shop", "destroyed": False, "kept": []}
        assert not applied(terraform)

    def test_a_release_that_is_not_there(self, line: Line, terraform: FakeTerraform) -> None:
        said = line("destroy", "shopp", code=4)
        assert "there are: shop" in said
        said = line("destroy", "shop", "--out", "elsewhere", code=4)
        assert "--out" in said
        assert terraform.calls() == []

    @pytest.mark.parametrize(("typed", "done"), [("Stock\nshop-lake-1\ny\n", True), ("Stock\nshop-lake-2\ny\n", False)])
    def test_names_are_asked_for_on_a_terminal(
        self, line: Line, terraform: FakeTerraform, typed: str, done: bool
    ) -> None:
        left, _, errors = type_on_terminal([*PENSTOCK, "destroy", "shop"], typed, line.folder)
        assert left == (0 if done else 2), errors
        assert applied(terraform) is done
