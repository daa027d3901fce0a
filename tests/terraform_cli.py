"""Terraform for tests: found, or skipped with the reason; without either in CI, the test fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PLUGINS = "PENSTOCK_TERRAFORM_PLUGINS"
CONFIG = "TF_CLI_CONFIG_FILE"
TIMEOUT_SECONDS = 110


def skip(reason: str) -> None:
    """Skips a test on a machine that lacks something, and fails it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and this is CI")
    pytest.skip(reason)


def terraform(*arguments: str, folder: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs Terraform, with neither an account nor colours."""
    if shutil.which("terraform") is None:
        skip("terraform is not on PATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    environment = {
        **kept,
        CONFIG: str(configuration()),
        "AWS_EC2_METADATA_DISABLED": "true",
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }
    return subprocess.run(
        ["terraform", *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def initialized(folder: Path) -> Path:
    """Prepares a folder for commands that need the provider."""
    if os.environ.get(CONFIG) is None and os.environ.get(PLUGINS) is None:
        skip(f"neither {CONFIG} nor {PLUGINS} says where Terraform's AWS provider is")
    done = terraform("init", "-input=false", "-backend=false", "-no-color", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def evaluate(expression: str, folder: Path) -> Any:
    """Returns the value of an expression, in the words of JSON."""
    done = terraform("console", folder=folder, stdin=f"base64encode(jsonencode({expression}))\n")
    assert done.returncode == 0, done.stdout + done.stderr
    import base64

    return json.loads(base64.b64decode(done.stdout.strip().strip('"')))


@cache
def configuration() -> Path:
    """Returns the command line's configuration: the one of the environment, one for a folder of plugins, or none."""
    if CONFIG in os.environ:
        return Path(os.environ[CONFIG])
    made = Path(tempfile.mkdtemp(prefix="penstock-terraform-")) / "config"
    plugins = os.environ.get(PLUGINS)
    mirror = f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(plugins)}\n  }}\n}}\n"
    made.write_text(mirror if plugins else "")
    return made
