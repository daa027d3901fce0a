"""The page on services: its example runs as it is typed, and its table is the one that the code has."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from penstock.model.integrations import OPERATIONS, Pattern

PAGE = (Path(__file__).parents[2] / "docs/how-to/call-services-from-a-workflow.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_runs(tmp_path: Path) -> None:
    (tmp_path / "expense.asl.json").write_text(block("json"))
    (tmp_path / "expenses.py").write_text(block("python"))
    typed = re.findall(r"^\$ penstock (.*)$", block("console"), re.MULTILINE)
    run, receive, succeed, items = [re.findall(r"'[^']*'|\S+", line) for line in typed]

    def command(*words: str) -> list[str]:
        home = ["--home", str(tmp_path / "home")]
        return [sys.executable, "-m", "penstock", *home, "--json", *(word.strip("'") for word in words)]

    def answer(*words: str) -> Any:
        done = subprocess.run(command(*words), cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
        return json.loads(done.stdout)

    with subprocess.Popen(command(*run), cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        try:
            asked = _asked(lambda: answer(*receive))
            assert asked["expense"] == {"id": "taxi-7", "amount": 31.5}
            answer(*(asked["token"] if word == "TOKEN" else word for word in succeed))
            output, _ = running.communicate(timeout=30)
        finally:
            running.kill()
    assert running.returncode == 0, output
    (kept,) = _items(answer(*items))
    assert (kept["id"], kept["state"], kept["approver"]) == ("taxi-7", "approved", "Ann")
    told = (tmp_path / "home/notifications/notifications.jsonl").read_text()
    assert "taxi-7 over 31.5 waits for an answer" in told


def _asked(receive: Any) -> Any:
    """Returns what the workflow put into the queue, once it has."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            found = _items(receive())
        except subprocess.CalledProcessError:
            found = []
        if found:
            body = found[0]["body"]
            return json.loads(body) if isinstance(body, str) else body
        time.sleep(0.1)
    raise AssertionError("nothing was asked")


def _items(answered: Any) -> Any:
    return answered if isinstance(answered, list) else next(one for one in answered.values() if isinstance(one, list))


def test_every_integration_has_its_line() -> None:
    rows = re.findall(r"^\| [\w ]*\| `([\w:-]+)` \| ([^|]*)\| ([^|]*)\|", PAGE, re.MULTILINE)
    table = {name: (set(re.findall(r"`(\.[\w:]+)`", patterns)), names) for name, patterns, names in rows}
    for one in OPERATIONS:
        name = f"{one.service}:{one.action}" if one.service else f"aws-sdk:{one.sdk_service}:{one.action}"
        patterns, names = table.pop(name)
        assert patterns == {str(pattern) for pattern in one.patterns if pattern is not Pattern.REQUEST_RESPONSE}, name
        assert not one.names or one.names in names, name
    assert not table
