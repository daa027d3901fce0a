"""What ``penstock doctor --aws`` examines: a plan that somebody made, or one of each release."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import typer

from penstock.cli import output
from penstock.cli.ship import Progress
from penstock.deploy.deployed import find_release, releases
from penstock.deploy.doctor import Finding, Severity, examine, report, unread
from penstock.deploy.terraform_command import Terraform, find_terraform
from penstock.errors import NotFoundError, UsageError

STDIN = "-"


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in one plan.

    Attributes:
        of: the file, or the folder of the release.
        unread: addresses of policies that are known only after the apply.
    """

    of: str
    findings: list[Finding]
    unread: list[str]

    @property
    def has_errors(self) -> bool:
        return any(one.severity == Severity.ERROR for one in self.findings)


def examine_file(path: Path, silenced: Collection[str]) -> Examined:
    """Examines what ``terraform show -json`` printed, for a plan or for a state.

    Raises:
        UsageError: it cannot be read, or is neither.
    """
    hint = "terraform plan -out plan && terraform show -json plan > plan.json"
    try:
        document = json.loads(sys.stdin.buffer.read() if str(path) == STDIN else path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        # What is in it can be secret: the decoder's message has none of it.
        raise UsageError(f"cannot read the plan {path}: {error}", hint=hint) from error
    return _examined(str(path), document, silenced)


def examine_releases(out: Path, pipeline: str | None, silenced: Collection[str], *, silent: bool) -> list[Examined]:
    """Plans the releases in a folder, as they lie there, and examines the plans. Nothing is changed.

    Raises:
        NotFoundError: there is no release, or none of this pipeline.
        UsageError: Terraform is not installed, or a rule is silenced that does not exist.
        DeploymentError: Terraform cannot plan.
    """
    folders = list(releases(out).values()) if pipeline is None else [find_release(out, pipeline)]
    if not folders:
        raise NotFoundError(f"there are no releases in {out}", hint="`penstock synth` makes one; or give --out")
    find_terraform()
    examine({"values": {}}, silenced=silenced)
    progress = Progress(silent=silent)
    found = []
    for folder in folders:
        progress.say(f"planning {folder}")
        terraform = Terraform(folder, progress=progress.of_terraform)
        try:
            terraform.init()
            terraform.plan()
            found.append(_examined(str(folder), terraform.show_plan(), silenced))
        finally:
            terraform.discard()
    return found


def show(found: Sequence[Examined], *, as_json: bool) -> None:
    """Prints what was found: the worst first, each with its mend."""
    if as_json:
        output.emit_json(found)
        return
    for number, one in enumerate(found):
        if len(found) > 1:
            typer.echo(f"{chr(10) if number else ''}{output.clean(one.of)}:")
        if one.findings:
            typer.echo(output.clean(report(one.findings)))
        typer.echo(_counted(one.findings))
        if one.unread:
            typer.echo(
                f"not read, because they are known only after the apply: {output.clean(', '.join(one.unread))}\n"
                "   → examine it once more when it is deployed"
            )


def _examined(of: str, document: Mapping[str, Any], silenced: Collection[str]) -> Examined:
    return Examined(of=of, findings=examine(document, silenced=silenced), unread=unread(document))


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(one.severity for one in findings)
    told = [output.count(counts[one], str(one)) for one in Severity if counts[one]]
    return ", ".join(told) or "nothing is wrong"
