"""The release as it is rehearsed: what is deployed to AWS, with a few files that say where; set up, and taken down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.deploy.bundle.target import Target
from penstock.deploy.functions import sealing_task
from penstock.deploy.release import Built, Release, release
from penstock.deploy.terraform_command import Terraform
from penstock.errors import DeploymentError, UnavailableError
from penstock.model.pipeline import Definition
from penstock.rehearsal.steps import Say, Steps

OVERRIDE = "rehearsal_override.tf"
VALUES = "rehearsal.auto.tfvars.json"
DESTROY_ATTEMPTS = 3
HEADING = "# Written by `penstock rehearse`: the provider talks to an emulator on this machine.\n"
SETTINGS = """\
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 5
"""


def provider(definition: Definition) -> str:
    """Returns what the provider needs to know of an emulator, for each region of the deployment."""
    made = [f'provider "aws" {{\n{SETTINGS}}}\n']
    if definition.deployment.replica_region is not None:
        made.append(f'provider "aws" {{\n  alias                       = "replica"\n{SETTINGS}}}\n')
    return HEADING + "\n".join(made)


def prepare(
    definition: Definition,
    reference: str,
    folder: Path,
    values: Mapping[str, Any] | None = None,
    built: Built | None = None,
) -> Release:
    """Writes a release for this machine's processor and Python into a folder, with what differs from the real one.

    Args:
        values: of Terraform's variables, by name; they go before all others.
        built: the artifacts for this machine, where they are built already.
    """
    target = Target.here()
    made = release(definition, reference, folder, target=target, measured=False, built=built)
    (folder / OVERRIDE).write_text(provider(definition))
    chosen = {
        "architecture": target.architecture,
        "delete_data_on_destroy": True,
        # Emulators are reached without TLS.
        "require_tls": False,
        # The clock is set when everything is there.
        **({"schedules_enabled": False} if definition.schedules else {}),
        **({"sealing_enabled": False} if sealing_task(definition) is not None else {}),
        **(values or {}),
    }
    (folder / VALUES).write_text(json.dumps(chosen, indent=2) + "\n")
    return made


def set_up(folder: Path, step: Steps, say: Say) -> Terraform:
    """Checks a release and applies it to whatever the environment names.

    Args:
        say: told of each resource.

    Raises:
        DeploymentError: it cannot be applied.
    """

    def progress(event: str, address: str) -> None:
        if event in {"apply_start", "apply_errored"}:
            say(f"{event.removeprefix('apply_')} {address}")

    terraform = Terraform(folder, progress=progress)
    with step("validate"):
        terraform.init()
        terraform.validate()
        unformatted = terraform.unformatted()
        if unformatted:
            raise UnavailableError(f"terraform fmt would change {', '.join(unformatted)}", hint="a defect: report it")
    with step("plan and apply") as done:
        planned = terraform.plan()
        terraform.apply()
        done(f"{len(planned)} resources")
    return terraform


def take_down(terraform: Terraform) -> str:
    """Destroys everything. A provider that asks twice, and is told that it is gone, gives up: it is begun again."""
    for attempt in range(1, DESTROY_ATTEMPTS + 1):
        terraform.plan(destroy=True)
        try:
            terraform.apply()
        except DeploymentError as error:
            if attempt == DESTROY_ATTEMPTS or "NotFound" not in error.message:
                raise
        else:
            break
    return "" if attempt == 1 else f"in {attempt} attempts"
