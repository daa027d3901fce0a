"""What differs between the release that is rehearsed and the one that is deployed."""

import json
from pathlib import Path

import pytest
from tests.deployments import everything, metrics, write
from tests.terraform_cli import initialized, terraform

from penstock import Pipeline
from penstock.deploy.bundle.target import Target
from penstock.rehearsal.stage import OVERRIDE, VALUES, prepare, provider


@pytest.mark.slow
def test_providers_of_all_regions_are_told_of_the_emulator(tmp_path: Path) -> None:
    for definition, providers in ((metrics(), 1), (everything(), 2)):
        text = provider(definition)
        assert text.count('provider "aws" {') == text.count("s3_use_path_style") == providers
        folder = tmp_path / definition.name
        folder.mkdir()
        write(definition, folder)
        (folder / OVERRIDE).write_text(text)
        formatted = terraform("fmt", "-check", "-diff", "-no-color", folder=folder)
        assert (formatted.returncode, formatted.stdout) == (0, "")
        validated = terraform("validate", "-no-color", folder=initialized(folder))
        assert validated.returncode == 0, validated.stdout + validated.stderr
        assert "Warning" not in validated.stdout


@pytest.mark.slow
def test_values_are_those_that_the_release_has_variables_for(tmp_path: Path) -> None:
    prepare(metrics(), "penstock.pipelines.metrics", tmp_path, {"name_prefix": "dev-", "require_tls": True})
    values = json.loads((tmp_path / VALUES).read_text())
    assert values == {
        "architecture": Target.here().architecture, "delete_data_on_destroy": True, "require_tls": True,
        "schedules_enabled": False, "name_prefix": "dev-",
    }  # fmt: skip
    variables = (tmp_path / "variables.tf").read_text()
    assert all(f'variable "{name}"' in variables for name in values)


@pytest.mark.slow
def test_a_pipeline_without_schedules_is_not_told_to_stop_them(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text('from penstock import Pipeline\n\npipeline = Pipeline("bare")\n')
    prepare(Pipeline("bare").build(), f"{tmp_path / 'bare.py'}:pipeline", tmp_path / "release")
    values = json.loads((tmp_path / "release" / VALUES).read_text())
    assert "schedules_enabled" not in values
