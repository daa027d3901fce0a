"""Terraform's own command, run in a folder: its progress as it goes, its plan as data, its errors as ours.

https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.errors import DeploymentError, UsageError

PLAN_FILE = "penstock.tfplan"
CHANGED = 2
LOCK_TIMEOUT = "60s"

Progress = Callable[[str, str], None]
"""Told of an event (``apply_start``, ``apply_complete``, …) and the address that it is about."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan would do to one resource.

    Attributes:
        actions: ``create``, ``update``, ``delete``; a replacement has two; ``no-op`` has none.
        before, after: its attributes; None where it is not there.
        unknown: the attributes that are known after the apply only, as in Terraform's ``after_unknown``.
    """

    address: str
    type: str
    actions: tuple[str, ...]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    unknown: dict[str, Any] = {}

    @property
    def differing(self) -> list[str]:
        """The names of the attributes that would change."""
        before, after = self.before or {}, self.after or {}
        names = sorted({*before, *after, *self.unknown})
        return [name for name in names if self.unknown.get(name) is True or before.get(name) != after.get(name)]


class Terraform:
    """Terraform in a folder.

    Args:
        environment: of its process, beside the present one.
        progress: told of each resource that is begun and done.

    Raises:
        UsageError: Terraform is not installed.
        DeploymentError: from every method, when Terraform fails, with what it says.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        progress: Progress = lambda event, address: None,
    ) -> None:
        found = shutil.which("terraform") or shutil.which("tofu")
        if found is None:
            raise UsageError(
                "Terraform is not installed", hint="install Terraform 1.11 or newer; `penstock synth` works without"
            )
        self._command = found
        self._folder = folder
        self._environment = {**os.environ, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", **(environment or {})}
        self._progress = progress

    def init(self) -> None:
        """Fetches the provider."""
        self._text("init", "-no-color")

    def validate(self) -> None:
        """Checks the files without asking AWS."""
        answer = json.loads(self._text("validate", "-json", "-no-color", allowed=(0, 1)))
        if not answer["valid"]:
            raise _failure("validate", answer.get("diagnostics", ()))

    def unformatted(self) -> list[str]:
        """Returns the files that ``terraform fmt`` would change."""
        return self._text("fmt", "-check", "-recursive", allowed=(0, 3)).split()

    def plan(self, *, destroy: bool = False, variables: Mapping[str, str] | None = None) -> list[Change]:
        """Returns what would change, and keeps the plan for :meth:`apply`.

        Args:
            variables: by name, their values as Terraform writes them: ``true``, ``["a"]``; they go before all files.
        """
        options = ["-destroy"] if destroy else []
        options += [f"-var={name}={value}" for name, value in (variables or {}).items()]
        self._stream("plan", "-json", f"-out={PLAN_FILE}", f"-lock-timeout={LOCK_TIMEOUT}", *options)
        return changes(self.show_plan())

    def show_plan(self) -> dict[str, Any]:
        """Returns the kept plan as Terraform's JSON."""
        return dict(json.loads(self._text("show", "-json", "-no-color", PLAN_FILE)))

    def apply(self) -> None:
        """Does what the kept plan says, and forgets it."""
        try:
            self._stream("apply", "-json", f"-lock-timeout={LOCK_TIMEOUT}", PLAN_FILE)
        finally:
            (self._folder / PLAN_FILE).unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        """Returns the state as Terraform's JSON. It may hold what is secret: show none of it."""
        return dict(json.loads(self._text("show", "-json", "-no-color")))

    def forget(self, addresses: Sequence[str]) -> None:
        """Takes resources out of the state: they stay in the account, and Terraform knows them no more."""
        if addresses:
            self._text("state", "rm", f"-lock-timeout={LOCK_TIMEOUT}", *addresses)

    def outputs(self) -> dict[str, Any]:
        """Returns the values of the outputs."""
        return {name: one["value"] for name, one in json.loads(self._text("output", "-json", "-no-color")).items()}

    def _text(self, *arguments: str, allowed: Sequence[int] = (0,)) -> str:
        ended = subprocess.run(
            [self._command, *arguments],
            cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if ended.returncode not in allowed:
            raise DeploymentError(
                f"terraform {arguments[0]} failed: {ended.stderr.strip() or ended.stdout.strip()}"[:4000],
                hint=f"mend this, or run it yourself in {self._folder}",
            )
        return ended.stdout

    def _stream(self, *arguments: str) -> None:
        with subprocess.Popen(
            [self._command, *arguments],
            cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        ) as running:  # fmt: skip
            assert running.stdout is not None  # noqa: S101
            diagnostics = list(self._read(running.stdout))
        if running.returncode != 0:
            raise _failure(arguments[0], [one for one in diagnostics if one.get("severity") == "error"])

    def _read(self, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                yield {"severity": "error", "summary": line.strip()}
                continue
            if event.get("type") == "diagnostic":
                yield event["diagnostic"]
            elif "hook" in event:
                self._progress(event["type"], event["hook"].get("resource", {}).get("addr", ""))


def changes(plan: Mapping[str, Any]) -> list[Change]:
    """Returns what a plan, as Terraform's JSON, would change; what stays is left out."""
    found = []
    for one in plan.get("resource_changes", ()):
        change = one["change"]
        actions = tuple(change["actions"])
        if one.get("mode") == "managed" and actions != ("no-op",):
            found.append(
                Change(
                    address=one["address"],
                    type=one["type"],
                    actions=actions,
                    before=change.get("before"),
                    after=change.get("after"),
                    unknown=change.get("after_unknown") or {},
                )
            )
    return found


def _failure(command: str, diagnostics: Sequence[Mapping[str, Any]]) -> DeploymentError:
    lines = [
        ": ".join(
            filter(None, (one.get("address", ""), one.get("summary", ""), " ".join(one.get("detail", "").split())))
        )
        for one in diagnostics
    ]
    return DeploymentError(
        f"terraform {command} failed:\n" + "\n".join(f"  {line}"[:1000] for line in lines or ["it gave no reason"]),
        hint="mend this, then do the same again: what was made stays, and is not made twice",
    )
