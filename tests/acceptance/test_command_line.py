"""The command line as a person types it, in processes of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

FLEET = '{"fleet": {"instances": 3, "seed": 1}}'


class Shell:
    """Types commands in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "NO_COLOR": "1", "PENSTOCK_HOME": str(folder / "home")}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "penstock", *arguments], cwd=self.folder, env=self.environment, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr or done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_the_main_job(shell: Shell) -> None:
    ran = shell.json("run", "metrics", "--input", FLEET)
    assert ran["status"] == "SUCCEEDED"
    assert [one["status"] for one in ran["followed_by"]] == ["SUCCEEDED"] * 4
    tasks = {one["state"] for one in ran["states"] if one["type"] == "Task"}
    assert tasks == {"collect_cpu", "collect_memory", "collect_disk", "collect_network", "notify_success"}

    assert shell.json("query", "SELECT count(*) AS n, count(DISTINCT instance_id) AS i FROM infra_metrics") == [
        {"n": 12, "i": 3}
    ]
    by_type = shell.json("items", "InfraMetrics", "cpu", "--index", "MetricTypeIndex", "--latest")["items"]
    assert len(by_type) == 3
    instance = by_type[0]["instance_id"]
    assert len(shell.json("items", "InfraMetrics", instance, "--index", "InstanceIndex", "--since", "1h")["items"]) == 4
    assert len(shell.json("items", "InfraMetrics", f"{instance}#cpu")["items"]) == 1
    assert shell.json("items", "InfraMetrics", instance, "--index", "InstanceIndex", "--until", "1h")["items"] == []

    states = {one["alarm"]: one["state"] for one in shell.json("alarms", "-p", "metrics")}
    assert {states[name] for name in ("DataCollectorErrors", "LogProcessorErrors", "DynamoDBThrottling")} == {"OK"}
    assert len([name for name in states if not name.startswith("dead-man-")]) == 6
    cpu = shell.json("metrics", "CPUUtilization", "--statistic", "SampleCount", "--period", "1d", "--since", "2d")
    assert sum(one["value"] for one in cpu) == 3
    sent = shell.json("notifications")
    assert {one["message"]["subject"] for one in sent} >= {"Metrics collected"}
    shown = shell("executions", ran["id"])
    assert "collect_cpu" in shown
    assert all(one["ok"] for one in shell.json("doctor"))


def test_a_person_reads_tables_and_diagrams(shell: Shell) -> None:
    shown = shell("show", "metrics")
    for text in (
        "CollectMetrics: 4 at once",
        "collect_network",
        "rate(3 hours)",
        "HighCPUUtilization",
        "lake:infra_metrics.append",
    ):
        assert text in shown
    assert shell("show", "metrics", "--mermaid").startswith("stateDiagram-v2")
    assert '"StartAt": "CollectMetrics"' in shell("show", "metrics", "--asl")
    assert "metrics" in shell("ls")


NONSENSE = [
    (["run", "metrix"], 4, "did you mean 'metrics'?"),
    (["run", "metrics", "--input", "{"], 2, "the input is no JSON"),
    (["run", "metrics", "-w", "nope"], 4, "its workflows are"),
    (["-f", "nothing.py", "ls"], 3, "there is no file nothing.py"),
    (["executions"], 4, "there is no home at"),
    (["items", "Nope"], 4, "InfraMetrics, LeadSettings"),
    (["query", "SELECT 1"], 4, "there is no home at"),
    (["alarms", "Nope"], 4, "there is no home at"),
    (["frobnicate"], 2, "No such command"),
    (["init", "Bad Name"], 2, "lower-case"),
]


@pytest.mark.parametrize(("arguments", "code", "text"), NONSENSE)
def test_nonsense_gets_an_error_that_helps(shell: Shell, arguments: list[str], code: int, text: str) -> None:
    message = shell(*arguments, code=code)
    assert text in message.replace("\n", " ") or text in message
    assert "Traceback" not in message


def test_errors_are_json_where_json_is_asked_for(shell: Shell) -> None:
    message = json.loads(shell("--json", "run", "metrix", code=4))
    assert (message["error"], message["exit_code"]) == ("NotFound", 4)
    assert message["hint"]


def test_bad_queries_and_bad_homes(shell: Shell) -> None:
    shell("run", "metrics", "--input", FLEET)
    for sql in ("DROP VIEW infra_metrics", "SELECT * FROM read_text('/etc/passwd')", "SELECT nope FROM infra_metrics"):
        assert "→" in shell("query", sql, code=6)
    (shell.folder / "home" / "config.toml").write_text("wurkers = 3")
    assert "what can be set" in shell("executions", code=2)
    (shell.folder / "home" / "config.toml").unlink()
    (shell.folder / "home" / "journal.sqlite").write_bytes(b"garbage" * 1000)
    assert "doctor --repair" in shell("executions", code=5)
    assert "damaged" in shell("doctor", code=5)
    shell("doctor", "--repair")
    assert shell.json("run", "metrics", "--input", FLEET)["status"] == "SUCCEEDED"
    counts = shell.json("query", "SELECT count(*) AS n FROM infra_metrics")
    assert counts == [{"n": 24}]
    assert not list((shell.folder / "home").glob("journal.sqlite.damaged-1.*"))
    assert (shell.folder / "home" / "journal.sqlite.damaged-1").read_bytes().startswith(b"garbage")


def test_a_home_that_is_a_file(shell: Shell) -> None:
    (shell.folder / "home").write_text("")
    assert "a home is a folder" in shell("run", "metrics", code=5)


def test_files_from_outside(shell: Shell) -> None:
    good = '{"timestamp":"%s","instance_id":"web-1","region":"eu-central-1","metric_type":"cpu","value":45.2,'
    good += '"unit":"percent","metadata":{"collection_method":"cloudwatch","pipeline_version":"1.0"}}\n'
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    nasty = [
        good % now, "not json\n", "{}\n", '{"value": NaN}\n', good % "2199-01-01T00:00:00Z",
        (good % now).replace("web-1", "../../etc"), (good % now).replace("45.2", '"high"'),
    ]  # fmt: skip
    folder = shell.folder / "in"
    folder.mkdir()
    (folder / "..%2f..%2fetc.json").write_text("".join(nasty))
    (folder / "empty.json").write_text("")
    put = shell.json("put", "infra_metrics", *map(str, sorted(folder.iterdir())))
    assert all(one["key"].startswith("raw/infra_metrics/year=") and ".." not in one["key"] for one in put)
    assert shell.json("run", "metrics", "--input", FLEET)["status"] == "SUCCEEDED"
    reasons = shell.json("query", "SELECT line, reason FROM infra_metrics_quarantine ORDER BY source, line")
    assert [one["line"] for one in reasons] == [2, 3, 4, 5, 6, 7, 1]
    items = shell.json("items", "InfraMetrics", "web-1#cpu")["items"]
    assert [item["value"] for item in items] == [45.2]


def test_up_follows_a_schedule_and_stops_cleanly(shell: Shell) -> None:
    (shell.folder / "ticks.py").write_text(
        "import msgspec\nfrom penstock import Pipeline, seconds\n"
        "class Tick(msgspec.Struct):\n    n: int\n"
        'pipeline = Pipeline("ticks")\nraw = pipeline.lake("ticks", Tick)\n'
        "@pipeline.task(may=[raw.append])\n"
        "def tick(event, context):\n    context[raw].append([Tick(1)])\n"
        "pipeline.every(seconds(1), tick)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "penstock", "-f", "ticks.py", "up", "ticks"], cwd=shell.folder, env=shell.environment,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if sum("SUCCEEDED" in seen for seen in lines) == 2:
                running.send_signal(signal.SIGTERM)
                break
        rest = running.stdout.read()
    assert running.returncode == 0
    assert "stopped" in rest
    done = shell.json("-f", "ticks.py", "executions", "-p", "ticks")
    assert len(done) >= 2
    assert {one["status"] for one in done} == {"SUCCEEDED"}
    assert len({one["slot"] for one in done}) == len(done)
    assert list((shell.folder / "home" / "owners").iterdir()) == []


def test_init_writes_a_pipeline_that_works_and_a_test_that_passes(shell: Shell) -> None:
    shell("init", "my-rooms")
    assert shell.json("-f", "my_rooms.py", "run", "my-rooms")["status"] == "SUCCEEDED"
    # In a folder of its own: at its end, pytest clears what other runs left in the one that runs share, however much.
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", "tested", "test_my_rooms.py"],
        cwd=shell.folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout
    assert "is there already" in shell("init", "my-rooms", code=2)


def test_pipelines_of_the_project_and_a_failure_put_through_again(shell: Shell) -> None:
    (shell.folder / "pyproject.toml").write_text('[tool.penstock]\npipelines = ["flaky.py"]\n')
    (shell.folder / "flaky.py").write_text(
        "from pathlib import Path\nfrom penstock import Parallel, Pipeline, hours\n"
        'pipeline = Pipeline("flaky")\n'
        "@pipeline.task\ndef good(event, context):\n    Path('ran').open('a').write('x')\n"
        "@pipeline.task\ndef bad(event, context):\n    import time\n    time.sleep(0.5)\n    print('trying')\n"
        "    return Path('mended').read_text()\n"
        "pipeline.every(hours(1), Parallel(good, bad, name='Both'))\n"
    )
    failed = shell.json("ls")
    assert {one["name"] for one in failed} >= {"flaky", "metrics"}
    shell("run", "flaky", code=1)
    (dead,) = shell.json("executions", "--dead")
    assert dead["error"] == "FileNotFoundError"
    assert "trying" in shell("executions", dead["id"], "--full")
    (shell.folder / "mended").write_text("yes")
    shell("redrive", dead["id"])
    assert shell.json("executions", "--dead") == []
    assert (shell.folder / "ran").read_text() == "x"
    shell("replay", dead["id"])
    assert (shell.folder / "ran").read_text() == "xx"
