"""Terraform itself on what is synthesized: format, validity, and the tests that need no account."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.deployments import everything, leads, logs, metrics, orders, services, write
from tests.terraform_cli import initialized, terraform

from penstock.model.pipeline import Definition

HERE = Path(__file__).parent


def with_all_options() -> Definition:
    """Returns a pipeline with whatever can be chosen."""
    return everything(crawler=True, backfill_job=True)


def leads_on_an_instance() -> Definition:
    """Returns the leads pipeline, whose schedule is the cron of a machine."""
    return leads(compute="ec2", architecture="x86_64")


@pytest.mark.parametrize(
    "make", [metrics, logs, orders, leads, leads_on_an_instance, everything, with_all_options, services]
)
def test_folders_are_formatted_and_valid(make: Callable[[], Definition], tmp_path: Path) -> None:
    folder = write(make(), tmp_path)
    formatted = terraform("fmt", "-check", "-diff", "-recursive", "-no-color", folder=folder)
    assert (formatted.returncode, formatted.stdout) == (0, "")
    initialized(folder)
    validated = terraform("validate", "-no-color", folder=folder)
    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert "Warning" not in validated.stdout


def prepared(definition: Definition, name: str, folder: Path) -> Path:
    """Returns a folder with tests of Terraform's own in it."""
    write(definition, folder)
    shutil.copytree(HERE / "mocks", folder / "mocks")
    shutil.copy(HERE / f"{name}.tftest.hcl", folder)
    return initialized(folder)


@pytest.mark.slow
@pytest.mark.parametrize("make", [metrics, leads, everything, services])
def test_variables_do_what_they_say(make: Callable[[], Definition], tmp_path: Path) -> None:
    done = terraform("test", "-no-color", folder=prepared(make(), make.__name__, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout


@pytest.mark.slow
def test_terraform_would_find_a_mistake(tmp_path: Path) -> None:
    folder = prepared(metrics(), "metrics", tmp_path)
    workflow = folder / "workflow.tf"
    workflow.write_text(workflow.read_text().replace('"DISABLED"', '"ENABLED"'))
    done = terraform("test", "-no-color", folder=folder)
    assert done.returncode != 0
    assert "Schedules can be stopped, and moved." in done.stdout + done.stderr
