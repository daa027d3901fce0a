"""Terraform's command, with an executable in its place that prints recorded lines.

The lines have the form of Terraform 1.11: https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.deploy.terraform_command import PLAN_FILE, Terraform, changes, find_terraform, has_effect
from penstock.errors import DeploymentError, UsageError

VERSION = '{"@level":"info","@message":"Terraform 1.11.4","type":"version","terraform":"1.11.4","ui":"1.2"}'
STARTED = (
    '{"@level":"info","@message":"terraform_data.a: Creating...","type":"apply_start","hook":{"resource":'
    '{"addr":"terraform_data.a","module":"","resource_type":"terraform_data"},"action":"create"}}'
)
COMPLETE = (
    '{"@level":"info","@message":"terraform_data.a: Creation complete after 0s","type":"apply_complete","hook":'
    '{"resource":{"addr":"terraform_data.a"},"action":"create","elapsed_seconds":0}}'
)
WARNING = (
    '{"@level":"warn","@message":"Warning: Deprecated","type":"diagnostic","diagnostic":'
    '{"severity":"warning","summary":"Deprecated","detail":"Use another."}}'
)
REFUSED = (
    '{"@level":"error","@message":"Error: creating S3 Bucket","type":"diagnostic","diagnostic":{"severity":"error",'
    '"summary":"creating S3 Bucket (lake)","detail":"operation error S3:\\n  CreateBucket, StatusCode: 403",'
    '"address":"aws_s3_bucket.lake","range":{"filename":"storage.tf","start":{"line":4,"column":1,"byte":1},'
    '"end":{"line":4,"column":2,"byte":2}},"snippet":{"code":"password = \\"hunter2\\"","values":[]}}}'
)
ORPHAN = (
    '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Missing","detail":"","range":'
    '{"filename":"main.tf","start":{"line":7}}}}'
)
PLAN: dict[str, Any] = {
    "format_version": "1.2",
    "applyable": True,
    "resource_changes": [
        {"address": "aws_sns_topic.a", "mode": "managed", "type": "aws_sns_topic",
         "change": {"actions": ["no-op"], "before": {"name": "a"}, "after": {"name": "a"}, "after_unknown": {}}},
        {"address": "data.aws_region.here", "mode": "data", "type": "aws_region",
         "change": {"actions": ["read"], "before": None, "after": {}, "after_unknown": {}}},
        {"address": "aws_s3_bucket.lake", "mode": "managed", "type": "aws_s3_bucket",
         "change": {"actions": ["delete", "create"], "before": {"bucket": "old", "arn": "x", "tags": {"a": "b"}},
                    "after": {"bucket": "new", "tags": {"a": "b"}}, "after_unknown": {"arn": True, "tags": {}}}},
    ],
}  # fmt: skip

Install = Callable[[str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a script on PATH as Terraform; returns the file in which it notes what it was called with."""
    calls = tmp_path / "calls"

    def write(body: str) -> Path:
        command = tmp_path / "bin" / "terraform"
        command.parent.mkdir(exist_ok=True)
        command.write_text(
            f"#!{sys.executable}\nimport json, os, signal, sys, time\n"
            f"open({str(calls)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n{body}\n"
        )
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
        return calls

    before = signal.getsignal(signal.SIGINT)
    yield write
    assert signal.getsignal(signal.SIGINT) is before


def printing(*lines: str, code: int = 0) -> str:
    return f"print({chr(10).join(lines)!r}, flush=True)\nsys.exit({code})"


def calls_of(calls: Path) -> list[list[str]]:
    return [json.loads(line) for line in calls.read_text().splitlines()]


def test_without_terraform_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for ask in (find_terraform, lambda: Terraform(tmp_path)):
        with pytest.raises(UsageError, match="not installed") as caught:
            ask()
        assert "developer.hashicorp.com/terraform/install" in caught.value.hint


def test_opentofu_will_do(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(printing())
    (tmp_path / "bin" / "terraform").rename(tmp_path / "bin" / "tofu")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_terraform() == str(tmp_path / "bin" / "tofu")


def test_a_plan_is_data(install: Install, tmp_path: Path) -> None:
    calls = install(f"print(json.dumps({PLAN!r})) if sys.argv[1] == 'show' else print({WARNING!r})")
    terraform = Terraform(tmp_path)
    (change,) = terraform.plan(destroy=True, variables={"delete_data_on_destroy": "true"}, targets=["a.b", 'c["d e"]'])
    assert (change.address, change.actions) == ("aws_s3_bucket.lake", ("delete", "create"))
    assert change.differing == ["arn", "bucket"]
    assert terraform.show_plan() == PLAN
    plan, show = calls_of(calls)
    assert plan == [
        "plan", "-json", f"-out={PLAN_FILE}", "-lock-timeout=60s", "-destroy", "-var=delete_data_on_destroy=true",
        "-target=a.b", '-target=c["d e"]',
    ]  # fmt: skip
    assert show == ["show", "-json", "-no-color", PLAN_FILE]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"applyable": True}, True),
        ({**PLAN, "applyable": False}, False),
        ({"resource_changes": PLAN["resource_changes"]}, True),
        ({"output_changes": {"a": {"actions": ["update"]}}}, True),
        ({"output_changes": {"a": {"actions": ["no-op"]}}, "resource_changes": PLAN["resource_changes"][:2]}, False),
        ({}, False),
    ],
)
def test_whether_a_plan_has_an_effect(plan: dict[str, Any], expected: bool) -> None:
    assert has_effect(plan) is expected


def test_a_plan_without_changes_has_none() -> None:
    assert changes({"format_version": "1.2"}) == []


def test_progress_is_told_and_the_plan_is_used_up(install: Install, tmp_path: Path) -> None:
    install(printing(VERSION, STARTED, WARNING, "Debug: not JSON", "[1]", COMPLETE))
    (tmp_path / PLAN_FILE).write_text("plan")
    told: list[tuple[str, str]] = []
    Terraform(tmp_path, progress=lambda event, address: told.append((event, address))).apply()
    assert told == [("apply_start", "terraform_data.a"), ("apply_complete", "terraform_data.a")]
    assert not (tmp_path / PLAN_FILE).exists()


def test_errors_are_told_in_terraforms_words_without_the_code(install: Install, tmp_path: Path) -> None:
    install(printing(VERSION, WARNING, "2026 [DEBUG] noise", REFUSED, ORPHAN, code=1))
    (tmp_path / PLAN_FILE).write_text("plan")
    with pytest.raises(DeploymentError) as caught:
        Terraform(tmp_path).apply()
    assert caught.value.message == (
        "terraform apply failed:\n"
        "  aws_s3_bucket.lake: creating S3 Bucket (lake): operation error S3: CreateBucket, StatusCode: 403\n"
        "  main.tf:7: Missing"
    )
    assert caught.value.hint
    assert not (tmp_path / PLAN_FILE).exists()


def test_what_is_no_protocol_is_told_when_nothing_else_is(install: Install, tmp_path: Path) -> None:
    install(printing("╷", "│ Error: Invalid -target", "╵", *(f"line {n}" for n in range(19)), code=1))
    with pytest.raises(DeploymentError) as caught:
        Terraform(tmp_path).plan()
    assert "line 18" in caught.value.message
    assert "│" not in caught.value.message
    install(printing("╷", "│ Error: Invalid -target", "╵", code=1))
    with pytest.raises(DeploymentError, match="Error: Invalid -target"):
        Terraform(tmp_path).plan()
    install(printing(code=3))
    with pytest.raises(DeploymentError, match="it gave no reason"):
        Terraform(tmp_path).plan()


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Error acquiring the state lock", "force-unlock"),
        ("No valid credential sources found", "AWS_PROFILE"),
        ("Unsupported Terraform Core version", "1.11"),
        ("Error: Failed to query available provider packages", "mirror"),
        ("Backend configuration changed", "-migrate-state"),
        ("BucketAlreadyOwnedByYou: yours", "import ADDRESS NAME"),
        ("AlreadyExistsException: Table already exists.", "import ADDRESS NAME"),
        ("something else", "what was made stays"),
    ],
)
def test_known_failures_have_a_mend_of_their_own(install: Install, tmp_path: Path, said: str, hint: str) -> None:
    install(f"sys.stderr.write({said!r})\nsys.exit(1)")
    with pytest.raises(DeploymentError, match=said) as caught:
        Terraform(tmp_path).init()
    assert hint in caught.value.hint
    assert "{folder}" not in caught.value.hint


def test_nothing_secret_is_shown(install: Install, tmp_path: Path) -> None:
    install("print('hunter2')\nsys.exit(1)")
    terraform = Terraform(tmp_path)
    for ask in (terraform.outputs, terraform.state, terraform.show_plan):
        with pytest.raises(DeploymentError) as caught:
            ask()
        assert "hunter2" not in caught.value.message
    install(printing('{"a": {"value": [1], "sensitive": false}, "b": {"value": "hunter2", "sensitive": true}}'))
    assert Terraform(tmp_path).outputs() == {"a": [1]}


@pytest.mark.parametrize("printed", ["no JSON", "[1, 2]", '"text"', ""])
def test_an_answer_that_is_no_json_is_an_error(install: Install, tmp_path: Path, printed: str) -> None:
    install(printing(printed))
    for ask in (Terraform(tmp_path).outputs, Terraform(tmp_path).validate):
        with pytest.raises(DeploymentError, match="no JSON"):
            ask()


def test_validation_says_what_is_wrong(install: Install, tmp_path: Path) -> None:
    answer = {"valid": False, "diagnostics": [json.loads(ORPHAN)["diagnostic"]]}
    install(printing(json.dumps(answer), code=1))
    with pytest.raises(DeploymentError, match=r"main\.tf:7: Missing"):
        Terraform(tmp_path).validate()
    install(printing('{"valid": true, "diagnostics": []}'))
    Terraform(tmp_path).validate()


def test_files_that_are_not_formatted(install: Install, tmp_path: Path) -> None:
    install(printing("main.tf", "watch.tf", code=3))
    assert Terraform(tmp_path).unformatted() == ["main.tf", "watch.tf"]
    install("sys.stderr.write('main.tf:1: no')\nsys.exit(2)")
    with pytest.raises(DeploymentError, match=r"main\.tf:1: no"):
        Terraform(tmp_path).unformatted()


def test_bytes_that_are_no_text_do_no_harm(install: Install, tmp_path: Path) -> None:
    install("sys.stdout.buffer.write(b'\\xff\\xfe\\n')\nsys.exit(1)")
    with pytest.raises(DeploymentError):
        Terraform(tmp_path).plan()


def test_forgetting_nothing_asks_nobody(install: Install, tmp_path: Path) -> None:
    calls = install(printing("Removed"))
    Terraform(tmp_path).forget([])
    assert not calls.exists()
    Terraform(tmp_path).forget(["a.b", 'c["d e"]'])
    assert calls_of(calls) == [["state", "rm", "-lock-timeout=60s", "a.b", 'c["d e"]']]


def test_it_knows_where_terraform_keeps_its_own(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(printing())
    monkeypatch.delenv("TF_DATA_DIR", raising=False)
    assert not Terraform(tmp_path).is_initialized
    (tmp_path / ".terraform").mkdir()
    assert Terraform(tmp_path).is_initialized
    monkeypatch.setenv("TF_DATA_DIR", "elsewhere")
    assert not Terraform(tmp_path).is_initialized


def test_a_command_that_cannot_be_run(install: Install, tmp_path: Path) -> None:
    install("")
    (tmp_path / "bin" / "terraform").write_text("#!/nowhere/interpreter\n")
    with pytest.raises(DeploymentError, match="cannot run"):
        Terraform(tmp_path).init()


# It ends in order: it is told once, takes its time, prints on, and writes what it has done.
PATIENT = f"""
told = []
signal.signal(signal.SIGINT, lambda number, frame: told.append(number))
print({STARTED!r}, flush=True)
while not told:
    time.sleep(0.01)
time.sleep(0.5)
for _ in range(200):
    print({COMPLETE!r}, flush=True)
open("ended", "w").write(str(len(told)))
sys.exit(1)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_reaches_terraform_once_and_is_waited_for(
    install: Install, tmp_path: Path, number: signal.Signals
) -> None:
    install(PATIENT)
    told = []

    def progress(event: str, address: str) -> None:
        told.append((event, address))
        if event == "apply_start":
            os.kill(os.getpid(), number)

    # Below `nohup` one of them is ignored.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt):
            Terraform(tmp_path, progress=progress).apply()
    finally:
        signal.signal(number, before)
    assert (tmp_path / "ended").read_text() == "1"
    assert told[:2] == [("apply_start", "terraform_data.a"), ("interrupted", "1")]
    assert len([one for one in told if one[0] == "apply_complete"]) == 200


def test_commands_without_progress_are_waited_for_too(install: Install, tmp_path: Path) -> None:
    install(PATIENT)
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        Terraform(tmp_path).forget(["a.b"])
    timer.join()
    assert (tmp_path / "ended").read_text() == "1"


def test_who_does_not_listen_is_killed_at_the_third_time(install: Install, tmp_path: Path) -> None:
    install(
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"print({STARTED!r}, flush=True)\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )
    begun = time.monotonic()

    def progress(event: str, address: str) -> None:
        if event == "apply_start" or (event == "interrupted" and int(address) < 3):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Terraform(tmp_path, progress=progress).apply()
    assert time.monotonic() - begun < 30


def test_if_we_fail_terraform_ends_in_order_all_the_same(install: Install, tmp_path: Path) -> None:
    install(PATIENT)

    def progress(event: str, address: str) -> None:
        raise BrokenPipeError("whoever read us is gone")

    with pytest.raises(BrokenPipeError):
        Terraform(tmp_path, progress=progress).apply()
    assert (tmp_path / "ended").read_text() == "1"


def test_a_terminals_signal_reaches_terraform_once(install: Install, tmp_path: Path) -> None:
    """A terminal signals every process of the group that is in front."""
    install(PATIENT)
    script = (
        "import sys\nfrom pathlib import Path\nfrom penstock.deploy.terraform_command import Terraform\n"
        "def told(event, address):\n    print(event, flush=True)\n"
        "Terraform(Path(sys.argv[1]), progress=told).apply()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stdout.readline() == "apply_start\n"
        os.killpg(running.pid, signal.SIGINT)
        running.stdout.read()
    assert running.returncode != 0
    assert (tmp_path / "ended").read_text() == "1"


def test_signals_that_are_ignored_stay_so(install: Install, tmp_path: Path) -> None:
    """As below `nohup`."""
    install(f"print({STARTED!r}, flush=True)\ntime.sleep(0.3)\nopen('ended', 'w').write('whole')")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        Terraform(tmp_path, progress=lambda event, address: os.kill(os.getpid(), signal.SIGHUP)).apply()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (tmp_path / "ended").read_text() == "whole"


def test_it_runs_in_other_threads(install: Install, tmp_path: Path) -> None:
    install(printing('{"a": {"value": 1}}'))
    found: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: found.append(Terraform(tmp_path).outputs()))
    thread.start()
    thread.join()
    assert found == [{"a": 1}]
