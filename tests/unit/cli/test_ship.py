"""`synth` and what `rehearse` refuses, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.shipping import SHOP, FakeTerraform, Line

SECOND = SHOP.replace('"shop"', '"bakery"').replace('"Stock"', '"Bread"')


class TestSynth:
    def test_what_was_written_is_told(self, line: Line) -> None:
        said = line("synth", "shop")
        assert "main.tf" in said
        assert "take" in said
        assert "next: penstock rehearse shop" in said
        assert "packaging and synthesizing shop" in line.errors
        assert "main.tf" in line("synth", "shop")

    def test_one_document_for_programs(self, line: Line) -> None:
        (made,) = line.json("synth", "shop")
        assert made["folder"] == "deploy/shop"
        assert made["files"]["main.tf"] == "new"
        size = made["artifacts"]["take"]
        assert size["zipped_bytes"] == (line.release / "artifacts" / "take.zip").stat().st_size
        (again,) = line.json("synth", "shop")
        assert set(again["files"].values()) == {"same"}
        assert again["artifacts"]["take"]["digest"] == size["digest"]

    def test_all_pipelines_into_a_folder_each(self, line: Line) -> None:
        Path("bakery.py").write_text(SECOND)
        line("-f", "bakery.py", "synth", "shop", "bakery", "--out", "out")
        assert Path("out/shop/main.tf").exists()
        assert Path("out/bakery/main.tf").exists()

    def test_for_this_machine(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PIP_FIND_LINKS", str(line.folder / "nothing"))
        assert "cannot get wheels" in line("synth", "shop", code=3)
        assert not line.release.exists()
        line("synth", "shop", "--for-this-machine")

    def test_edits_are_refused(self, line: Line) -> None:
        line("synth", "shop")
        (line.release / "main.tf").write_text("# mine")
        said = line("synth", "shop", code=2)
        assert "main.tf in deploy/shop was edited" in said
        assert "--force" in said
        assert json.loads(line("synth", "shop", "--json", code=2))["exit_code"] == 2
        assert (line.release / "main.tf").read_text() == "# mine"
        line("synth", "shop", "--force")

    def test_the_users_choices_are_kept(self, line: Line) -> None:
        line("synth", "shop")
        (line.release / "terraform.tfvars").write_text('region = "eu-west-1"\n')
        (made,) = line.json("synth", "shop")
        assert made["files"]["terraform.tfvars"] == "kept"

    def test_a_folder_that_is_not_ours(self, line: Line) -> None:
        line.release.mkdir(parents=True)
        (line.release / "main.tf").write_text("# mine")
        assert "Terraform that synth did not write" in line("synth", "shop", code=2)

    def test_a_folder_that_cannot_be(self, line: Line) -> None:
        Path("deploy").write_text("")
        assert "cannot write" in line("synth", "shop", code=2)

    def test_no_such_pipeline(self, line: Line) -> None:
        assert "did you mean 'shop'" in line("synth", "shopp", code=4)

    def test_what_aws_would_refuse(self, line: Line) -> None:
        Path("shop.py").write_text(SHOP + '\nraw = pipeline.lake("orders", Order, infrequent_after=days(2))\n')
        said = line("synth", "shop", code=3)
        assert "infrequent access before 30 days" in said
        assert "nothing was written" in said


class TestRehearse:
    def test_without_terraform_nothing_begins(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(line.folder))
        assert "Terraform is not installed" in line("rehearse", "shop", "--keep", "kept", code=2)
        assert not Path("kept").exists()

    @pytest.mark.parametrize("text", ["[1]", "{", "3"])
    def test_inputs_are_objects(self, line: Line, terraform: FakeTerraform, text: str) -> None:
        assert "--input" in line("rehearse", "shop", "--input", text, code=2)

    def test_a_folder_that_is_not_empty(self, line: Line, terraform: FakeTerraform) -> None:
        for place in (".", "shop.py"):
            assert "--keep" in line("rehearse", "shop", "--keep", place, code=2)
        assert terraform.calls() == []

    def test_no_such_pipeline(self, line: Line) -> None:
        assert "did you mean 'shop'" in line("rehearse", "shopp", code=4)
