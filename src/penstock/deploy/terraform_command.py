"""Terraform's own command, run in a folder: its progress as it goes, its plan as data, its errors as ours.

https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from penstock.deploy.interruptible import running
from penstock.errors import DeploymentError, UsageError

PLAN_FILE = "penstock.tfplan"
LOCK_TIMEOUT = "60s"
# What a provider prints past the protocol is kept for the case that nothing else gives a reason.
LOOSE_LINES = 20
MESSAGE_LIMIT = 4000
# Their standard output holds values, secrets among them.
CONFIDENTIAL = frozenset({"show", "output"})
FRAME = "╷│╵ "

Progress = Callable[[str, str], None]
"""Told of an event (``apply_start``, ``apply_complete``, …, or ``interrupted``) and the address that it is about."""

HINTS: tuple[tuple[str, str], ...] = (
    (
        "acquiring the state lock",
        "somebody else is at it: wait. If nobody is: terraform -chdir={folder} force-unlock ID",
    ),
    ("No valid credential sources", "log in to AWS, and set AWS_PROFILE and AWS_REGION"),
    ("ExpiredToken", "log in to AWS again"),
    ("Unsupported Terraform Core version", "install Terraform 1.11 or newer"),
    (
        "provider packages",
        "Terraform fetches its AWS provider once: check the network, or set up a mirror of providers",
    ),
    ("Backend configuration changed", "terraform -chdir={folder} init -migrate-state, or -reconfigure"),
)
# https://developer.hashicorp.com/terraform/cli/import
ALREADY_THERE = re.compile(r"AlreadyExists|AlreadyOwnedByYou|already exist")
TAKE_OVER = (
    "it is in the account and Terraform does not know it: kept by `destroy --keep-data`, cut off by an interruption, "
    "or somebody else's; if it is yours: terraform -chdir={folder} import ADDRESS NAME"
)
HINT = "mend this, then do the same again: what was made stays, and is not made twice"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan would do to one resource.

    Attributes:
        actions: ``create``, ``update``, ``delete``, ``forget``; a replacement has two; ``no-op`` has none.
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


def find_terraform() -> str:
    """Returns the path of Terraform's command, or of OpenTofu's.

    Raises:
        UsageError: neither is installed.
    """
    found = shutil.which("terraform") or shutil.which("tofu")
    if found is None:
        raise UsageError(
            "Terraform is not installed: there is no `terraform` on PATH",
            hint="install version 1.11 or newer: https://developer.hashicorp.com/terraform/install; "
            "`penstock synth` works without",
        )
    return found


class Terraform:
    """Terraform in a folder. Interrupted, it ends in order what it has begun, and gives the state's lock back.

    Args:
        environment: of its process, beside the present one.
        progress: told of each resource that is begun and done.

    Raises:
        UsageError: Terraform is not installed.
        DeploymentError: from every method, when Terraform fails, with what it says.
        KeyboardInterrupt: from every method, after Terraform has ended.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        progress: Progress = lambda event, address: None,
    ) -> None:
        self._command = find_terraform()
        self._folder = folder
        self._environment = {**os.environ, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", **(environment or {})}
        self._progress = progress
        self._planned: dict[str, Any] | None = None

    @property
    def is_initialized(self) -> bool:
        """Tells whether ``init`` was run in the folder."""
        return (self._folder / self._environment.get("TF_DATA_DIR", ".terraform")).is_dir()

    def init(self) -> None:
        """Fetches the provider."""
        self._text("init", "-no-color")

    def validate(self) -> None:
        """Checks the files without asking AWS."""
        answer = self._json("validate", "-json", "-no-color", allowed=(0, 1))
        if not answer["valid"]:
            raise self._failure("validate", _lines(answer.get("diagnostics", ())))

    def unformatted(self) -> list[str]:
        """Returns the files that ``terraform fmt`` would change."""
        return self._text("fmt", "-check", "-recursive", allowed=(0, 3)).split()

    def plan(
        self, *, destroy: bool = False, variables: Mapping[str, str] | None = None, targets: Sequence[str] = ()
    ) -> list[Change]:
        """Returns what would change, and keeps the plan for :meth:`apply`.

        Args:
            variables: by name, their values as Terraform writes them: ``true``, ``["a"]``; they go before all files.
            targets: addresses; nothing but these, and what they depend on, is looked at.
        """
        options = ["-destroy"] if destroy else []
        options += [f"-var={name}={value}" for name, value in (variables or {}).items()]
        options += [f"-target={address}" for address in targets]
        self._planned = None
        self._stream("plan", "-json", f"-out={PLAN_FILE}", f"-lock-timeout={LOCK_TIMEOUT}", *options)
        return changes(self.show_plan())

    def show_plan(self) -> dict[str, Any]:
        """Returns the kept plan as Terraform's JSON. It may hold what is secret: show none of it."""
        if self._planned is None:
            self._planned = self._json("show", "-json", "-no-color", PLAN_FILE)
        return self._planned

    def apply(self) -> None:
        """Does what the kept plan says, and forgets it."""
        try:
            self._stream("apply", "-json", f"-lock-timeout={LOCK_TIMEOUT}", PLAN_FILE)
        finally:
            self.discard()

    def discard(self) -> None:
        """Forgets the kept plan, if there is one."""
        self._planned = None
        (self._folder / PLAN_FILE).unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        """Returns the state as Terraform's JSON. It may hold what is secret: show none of it."""
        return self._json("show", "-json", "-no-color")

    def forget(self, addresses: Sequence[str]) -> None:
        """Takes resources out of the state: they stay in the account, and Terraform knows them no more."""
        if addresses:
            self._text("state", "rm", f"-lock-timeout={LOCK_TIMEOUT}", *addresses)

    def outputs(self) -> dict[str, Any]:
        """Returns the values of the outputs, without those that are marked as sensitive."""
        found = self._json("output", "-json", "-no-color")
        return {name: one["value"] for name, one in found.items() if not one.get("sensitive")}

    def _json(self, *arguments: str, allowed: Sequence[int] = (0,)) -> dict[str, Any]:
        text = self._text(*arguments, allowed=allowed)
        try:
            return dict(json.loads(text))
        except (ValueError, TypeError) as error:
            raise self._failure(arguments[0], ["what it printed is no JSON"]) from error

    def _text(self, *arguments: str, allowed: Sequence[int] = (0,)) -> str:
        with self._running(arguments, subprocess.PIPE) as process:
            said, complained = process.communicate()
        if process.returncode not in allowed:
            shown = complained if complained.strip() or arguments[0] in CONFIDENTIAL else said
            raise self._failure(arguments[0], [line.strip(FRAME) for line in shown.splitlines()])
        return said

    def _stream(self, *arguments: str) -> None:
        errors: list[Mapping[str, Any]] = []
        loose: deque[str] = deque(maxlen=LOOSE_LINES)
        with self._running(arguments, subprocess.STDOUT) as process:
            for line in process.stdout or ():
                event = _event(line)
                if event is None:
                    loose.append(line.strip(f"{FRAME}\n"))
                elif event.get("type") == "diagnostic":
                    errors += [one for one in [event.get("diagnostic", {})] if one.get("severity") == "error"]
                elif "hook" in event:
                    self._progress(event["type"], event["hook"].get("resource", {}).get("addr", ""))
        if process.returncode != 0:
            raise self._failure(arguments[0], _lines(errors) or loose)

    def _running(self, arguments: Sequence[str], errors: int) -> AbstractContextManager[subprocess.Popen[str]]:
        return running(
            [self._command, *arguments],
            folder=self._folder,
            environment=self._environment,
            errors=errors,
            interrupted=lambda times: self._progress("interrupted", str(times)),
        )

    def _failure(self, command: str, reasons: Iterable[str]) -> DeploymentError:
        text = "\n".join(f"  {line}" for line in reasons if line.strip()) or "  it gave no reason"
        otherwise = TAKE_OVER if ALREADY_THERE.search(text) else HINT
        hint = next((mend for sign, mend in HINTS if sign in text), otherwise)
        return DeploymentError(
            f"terraform {command} failed:\n{text}"[:MESSAGE_LIMIT], hint=hint.format(folder=self._folder)
        )


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


def has_effect(plan: Mapping[str, Any]) -> bool:
    """Tells whether there is anything to apply: resources, or outputs alone, or what is moved and imported.

    https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
    """
    if "applyable" in plan:
        return bool(plan["applyable"])
    outputs = plan.get("output_changes", {}).values()
    return bool(changes(plan)) or any(one.get("actions") != ["no-op"] for one in outputs)


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _lines(diagnostics: Iterable[Mapping[str, Any]]) -> list[str]:
    return [_line(one)[:1000] for one in diagnostics]


def _line(one: Mapping[str, Any]) -> str:
    """Returns a diagnostic in one line. The snippet is left out: it can hold values."""
    place = one.get("range") or {}
    where = f"{place['filename']}:{place.get('start', {}).get('line', '')}" if place.get("filename") else ""
    detail = " ".join(str(one.get("detail") or "").split())
    return ": ".join(filter(None, (one.get("address") or where, one.get("summary"), detail)))
