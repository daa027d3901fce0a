"""The leads pipeline as a person types it; and files for an inbox, of any pipeline."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAPERS = """
from penstock import Invoke, Pipeline

pipeline = Pipeline("papers")
inbox = pipeline.inbox("papers")


@pipeline.task(may=[inbox.read])
def look(event, context):
    with context[inbox].open(event["key"]) as file:
        return {"name": file.name, "lines": sum(1 for _ in file)}


pipeline.on_object(inbox, Invoke(look), name="papers")


@pipeline.summary
def summary(output, context):
    if output["lines"] == 13:
        raise ValueError("thirteen")
    return f"{output['name']}:\\x1b[31m {output['lines']} lines"


@pipeline.report
def report(output, context):
    return f"<p>{output['lines']} of {len(context[inbox].list())}"
"""


class Shell:
    """Types commands in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "NO_COLOR": "1", "PENSTOCK_HOME": str(folder / "home")}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "penstock", *arguments], cwd=self.folder, env=self.environment, capture_output=True,
            text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr or done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "papers.py").write_text(PAPERS)
    (tmp_path / "three.txt").write_text("a\nb\nc\n")
    (tmp_path / "thirteen.txt").write_text("x\n" * 13)
    return Shell(tmp_path)


def test_a_file_is_an_input(shell: Shell) -> None:
    said = shell("-f", "papers.py", "run", "papers", "--input", "three.txt", "--report", "page.html")
    assert said.splitlines()[-1] == r"three.txt:\x1b[31m 3 lines"
    assert (shell.folder / "page.html").read_text() == "<p>3 of 1"
    again = shell.json("-f", "papers.py", "run", "papers", "-i", "three.txt")
    assert (again["status"], again["summary"]) == ("SUCCEEDED", "three.txt:\x1b[31m 3 lines")
    put = shell.json("-f", "papers.py", "put", "papers", "thirteen.txt", "three.txt")
    assert [one["file"] for one in put] == ["thirteen.txt", "three.txt"]
    stored = sorted(one.name for one in (shell.folder / "home" / "lake" / "inbox").rglob("*.txt"))
    assert [name.partition("-")[2] for name in stored] == ["thirteen.txt", "three.txt"] or len(stored) == 2
    broken = shell("-f", "papers.py", "run", "papers", "-i", "thirteen.txt")
    assert "(the pipeline's summary failed: ValueError: thirteen)" in broken


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "papers", "-i", "absent.csv"), "there is no file absent.csv"),
        (("run", "papers", "-i", "{broken"), "the input is no JSON"),
        (("run", "papers", "-i", "."), "is a folder"),
        (("run", "papers", "--example"), "has no example"),
        (("run", "papers", "-i", "three.txt", "--report", "absent/page.html"), "cannot write absent/page.html"),
        (("run", "papers", "-i", "three.txt", "--report", "."), "cannot write"),
        (("run", "logs", "-i", "three.txt"), "pipeline 'logs' takes no files"),
        (("run", "logs", "--report", "page.html"), "pipeline 'logs' has no report"),
        (("run", "papers", "-i", "three.txt", "-w", "other"), "workflow 'other' takes no files"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_said_and_leaves_nothing(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    assert said in shell("-f", "papers.py", *arguments, code=2)
    assert not (shell.folder / "home" / "lake" / "inbox").exists()
    assert not (shell.folder / "page.html").exists()


def test_an_input_is_an_example_too(shell: Shell) -> None:
    said = shell("run", "orders", "--example")
    assert "126 records in one object" in said
    read, kept = shell.json("run", "orders", "--example"), shell.json("items", "Orders", "-n", "1000")["items"]
    assert f"{len(kept)}  orders were stored" in read["summary"]


def test_a_command_that_nobody_has(shell: Shell) -> None:
    assert "No such command 'leeds'" in shell("leeds", code=2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_leads_from_the_first_file_to_a_model(shell: Shell) -> None:
    shell("leads", "generate", "leads.csv", "--count", "1500", "--seed", "3", "--outcomes")
    said = shell("run", "leads", "--input", "leads.csv", "--report", "out.html")
    assert "call today" in said
    assert (shell.folder / "out.html").read_text("utf-8").startswith("<!doctype html>")
    again = shell("run", "leads", "--input", "leads.csv")
    assert "nothing has changed" in again

    trained = shell.json("leads", "train")
    assert trained["evaluation"]["auc"] > 0.6
    assert [one["in use"] for one in shell.json("leads", "models")["models"]] == [""]
    used = shell.json("leads", "models", "--use", trained["version"])["models"]
    assert [one["in use"] for one in used] == ["yes"]
    assert "there is no model '1'" in shell("leads", "models", "--use", "1", code=4)
    scored = shell.json("leads", "score", "leads.csv", "--best", "3")
    assert len(scored["best"]) == 3
    assert shell.json("leads", "models", "--off")["models"][0]["in use"] == ""

    assert shell.json("leads", "export", "out.csv", "--grade", "abcd")["leads"] == scored["leads"]
    with (shell.folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    told = shell.json("leads", "explain", rows[0]["lead_id"])
    assert [one["score"] for one in told["scores"]] == [int(rows[0]["score"])]
    assert "points, grade" in shell("leads", "explain", next(row["email"] for row in rows if row["email"]))
    assert "there is no lead 'nobody'" in shell("leads", "explain", "nobody", code=4)


def test_rules_are_edited_checked_and_used(shell: Shell) -> None:
    shell("leads", "rules", "--init")
    path = shell.folder / "leads-rules.toml"
    assert "leads-rules.toml is there already" in shell("leads", "rules", "--init", code=2)
    shipped = shell.json("leads", "rules", "--check", str(path))["version"]
    path.write_text(path.read_text().replace("A = 70", "A = 20"))
    assert "[grades] is A, B and C" in shell("leads", "rules", "--use", str(path), code=2)
    path.write_text(path.read_text().replace("A = 20", "A = 75"))
    version = shell.json("leads", "rules", "--use", str(path))["version"]
    assert shell.json("leads", "rules")["version"] == version != shipped
    assert shell.json("leads", "rules", "--reset")["version"] == shipped
    assert "cannot read absent.toml" in shell("leads", "rules", "--use", "absent.toml", code=2)


def test_what_leads_cannot_do_without_leads(shell: Shell) -> None:
    assert "there is no home" in shell("leads", "train", code=4)
    assert "there is no grade 'E'" in shell("leads", "export", "out.csv", "--grade", "E", code=2)
    assert "no such" in shell("leads", "score", "absent.csv", code=2).lower()
    (shell.folder / "empty.csv").write_text("")
    assert "empty" in shell("leads", "score", "empty.csv", code=1)
