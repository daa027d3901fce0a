"""For tests of what is shipped: the command line, a Terraform that plays what it is told, wheels without a network."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.main import main

SHOP = """
import msgspec
from penstock import Pipeline, days, hours, number

class Order(msgspec.Struct):
    id: str

pipeline = Pipeline("shop")
stock = pipeline.hot_table("Stock", key=("item", number("day")), ttl=days(7))

late = pipeline.metric("Late", "Count")
pipeline.alarm("TooLate", metric=late, above=1, period=hours(1))

@pipeline.task(may=[late.publish])
def take(event, context):
    return 1

pipeline.every(hours(3), take)
"""
REGION = "eu-west-1"


TAG = "cp313-cp313-manylinux2014_aarch64"
FAKE = """\
import json, os, pathlib, signal, sys, time
world, arguments = pathlib.Path({world!r}), sys.argv[1:]
with open(world / "calls", "a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
command = arguments[0]
if (world / f"refuse-{{command}}").exists():
    print((world / f"refuse-{{command}}").read_text(), flush=True)
    sys.exit(1)
if command == "plan":
    kind = "destroy" if "-destroy" in arguments else "unprotect" if any("-target" in a for a in arguments) else "plan"
    (world / "planned").write_text(kind)
    pathlib.Path("penstock.tfplan").write_text("secret")
elif command == "show":
    print((world / ((world / "planned").read_text() + ".json")).read_text())
elif command == "output":
    print((world / "outputs.json").read_text())
elif command == "validate":
    print('{{"valid": true, "diagnostics": []}}')
elif command == "apply":
    assert pathlib.Path("penstock.tfplan").exists()
    if (world / "slow").exists():
        told = []
        signal.signal(signal.SIGINT, lambda number, frame: told.append(number))
        print(json.dumps({{"type": "apply_start", "hook": {{"resource": {{"addr": "a.b"}}}}}}), flush=True)
        (world / "begun").touch()
        while not told:
            time.sleep(0.01)
        time.sleep(0.3)
        (world / "ended").write_text(str(len(told)))
        sys.exit(1)
"""


class FakeTerraform:
    """An executable in Terraform's place.

    Args:
        world: where its answers are, and what it notes.
        path: a folder of PATH.
    """

    def __init__(self, world: Path, path: Path) -> None:
        self.world = world
        path.mkdir(exist_ok=True)
        world.mkdir(exist_ok=True)
        command = path / "terraform"
        command.write_text(f"#!{sys.executable}\n" + FAKE.format(world=str(world)))
        command.chmod(0o755)
        self.plans(change("aws_sns_topic.a", "create"))
        self.plans(kind="destroy")
        self.gives({})

    def plans(self, *changes: dict[str, Any], kind: str = "plan", **more: Any) -> None:
        """Says what a plan has: one to apply, one to ``destroy``, one to ``unprotect``."""
        document = {"format_version": "1.2", "applyable": bool(changes), "planned_values": {}}
        self._write(kind, {**document, "resource_changes": list(changes), **more})

    def gives(self, outputs: dict[str, Any], *sensitive: str) -> None:
        """Says what the outputs are."""
        self._write("outputs", {name: {"value": one, "sensitive": name in sensitive} for name, one in outputs.items()})

    def refuses(self, command: str, text: str) -> None:
        """Says that a command fails, and what it prints then."""
        (self.world / f"refuse-{command}").write_text(text)

    def calls(self, *commands: str) -> list[list[str]]:
        """Returns what it was called with, whole or for some commands."""
        path = self.world / "calls"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [one for one in found if not commands or one[0] in commands]

    def _write(self, name: str, document: dict[str, Any]) -> None:
        (self.world / f"{name}.json").write_text(json.dumps(document))


class Line:
    """Types commands in this process, in a folder that has a pipeline."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.release = folder / "deploy" / "shop"
        self._capture = capture
        self.errors = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Returns what it prints; with a code other than 0 followed by what it complains of."""
        self._capture.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["-f", "shop.py", *arguments])
        printed, self.errors = self._capture.readouterr()
        assert (left.value.code or 0) == code, printed + self.errors
        assert "Traceback" not in self.errors
        return printed if code == 0 else printed + self.errors

    def json(self, *arguments: str) -> Any:
        """Returns the one document that it prints, and sees to it that nothing else is said."""
        printed = self(*arguments, "--json")
        assert self.errors == ""
        return json.loads(printed)


def change(address: str, *actions: str, after: dict[str, Any] | None = None, **before: Any) -> dict[str, Any]:
    """Returns a resource's part of a plan."""
    return {
        "address": address,
        "mode": "managed",
        "type": address.partition(".")[0],
        "name": address.partition(".")[2],
        "change": {
            "actions": list(actions),
            "before": before or None,
            "after": None if actions == ("delete",) else after or {},
            "after_unknown": {},
        },
    }


def write_wheels(folder: Path, *names: str) -> None:
    """Writes wheels for Lambda, of the versions that are installed here, with nothing of use in them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        number = version(name)
        information = f"{name}-{number}.dist-info"
        with zipfile.ZipFile(folder / f"{name}-{number}-{TAG}.whl", "w") as wheel:
            wheel.writestr(f"{name}/_core.so", "for another processor")
            wheel.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
            wheel.writestr(f"{information}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {TAG}\n")
            wheel.writestr(f"{information}/RECORD", "")


def offline(folder: Path) -> dict[str, str]:
    """Returns the environment in which pip finds wheels in a folder alone."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": "/dev/null",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def type_on_terminal(command: list[str], answers: str, cwd: Path) -> tuple[int, str, str]:
    """Runs a command whose standard input is a terminal, and types; returns its exit code, output and errors."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        command, cwd=cwd, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as running:  # fmt: skip
        os.close(slave)
        os.write(master, answers.encode())
        try:
            printed, errors = running.communicate(timeout=60)
        finally:
            os.close(master)
    return running.returncode, printed, errors


def signal_when(path: Path, running: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signals a process as soon as a file is there."""
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, "it never came so far"
        assert running.poll() is None, "it has ended"
        time.sleep(0.02)
    running.send_signal(number)
