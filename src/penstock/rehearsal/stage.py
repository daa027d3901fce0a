"""The release as it is rehearsed: what is deployed to AWS, and beside it a few files that say where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.deploy.bundle.target import Target
from penstock.deploy.release import Release, release
from penstock.model.pipeline import Definition

OVERRIDE = "rehearsal_override.tf"
VALUES = "rehearsal.auto.tfvars.json"
PROVIDER = """\
# Written by `penstock rehearse`: the provider talks to an emulator on this machine.
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
  max_retries                 = 2
}
"""


def prepare(definition: Definition, reference: str, folder: Path, values: Mapping[str, Any] | None = None) -> Release:
    """Writes a release for this machine's processor and Python into a folder, with what differs from the real one."""
    target = Target.here()
    made = release(definition, reference, folder, target=target, measured=False)
    (folder / OVERRIDE).write_text(PROVIDER)
    chosen = {
        "architecture": target.architecture,
        "delete_data_on_destroy": True,
        # Emulators are reached without TLS.
        "require_tls": False,
        # The clock is set when everything is there.
        "schedules_enabled": False,
        **(values or {}),
    }
    (folder / VALUES).write_text(json.dumps(chosen, indent=2) + "\n")
    return made
