"""What the documents say is so: links lead somewhere, commands exist, the README's pipeline loads and runs."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def commands() -> set[str]:
    import typer.main

    from penstock.cli.main import app

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    of_pipelines = project["entry-points"]["penstock.commands"]
    return {*typer.main.get_command(app).commands, *of_pipelines}  # type: ignore[attr-defined]


def test_every_command_that_a_document_types_exists() -> None:
    known = commands()
    assert {"run", "up", "show"} <= known
    for path in DOCUMENTS:
        for line in re.findall(r"^\$ penstock (.*)$|`penstock ([^`]+)`", path.read_text("utf-8"), re.MULTILINE):
            words = " ".join(line).split()
            while words and words[0].startswith("-"):
                words = words[2:] if words[0] in {"-f", "--home"} else words[1:]
            if words and words[0] not in {"COMMAND"}:
                assert words[0].rstrip(",") in known, f"{path.name}: penstock {' '.join(words)}"


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    missing = {command for command in commands() - {"demo"} if not re.search(rf"`(penstock )?{command}\b", readme)}
    assert not missing


def test_the_readmes_pipeline_runs(tmp_path: Path) -> None:
    from penstock import Pipeline
    from penstock.testing import Sandbox

    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert code is not None
    scope: dict[str, object] = {"__name__": "readme"}
    exec(compile(code[1], "README.md", "exec"), scope)  # noqa: S102 - our own document
    pipeline = scope["pipeline"]
    assert isinstance(pipeline, Pipeline)
    with Sandbox(pipeline, tmp_path) as sandbox:
        assert sandbox.run().status == "SUCCEEDED"
        assert len(sandbox.items(scope["latest"])) == 1  # type: ignore[arg-type]


def test_the_librarys_example_runs() -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/reference/states.md").read_text("utf-8"), re.DOTALL)
    assert code is not None
    exec(compile(code[1], "states.md", "exec"), {"__name__": "states"})  # noqa: S102 - our own document


def test_the_librarys_names_are_documented() -> None:
    from penstock import states

    page = (ROOT / "docs/reference/states.md").read_text("utf-8")
    functions = [name for name, thing in vars(states).items() if callable(thing) and not isinstance(thing, type)]
    commands = ["InvokeTask`", "StartMapRun`", "StartTimer`", "CancelTask`", "CancelTimer`", "Finish`"]
    events = ["TaskSucceeded", "TaskFailed", "TaskHeartbeat", "TaskSubmitted", "TimerFired", "Stopped", "Redriven"]
    missing = [name for name in (*functions, *commands, *events) if name not in page]
    assert not missing


def test_the_exit_codes_are_documented() -> None:
    from penstock.cli.output import EXIT_CODES, INTERNAL_ERROR

    table = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    for code in {0, 130, INTERNAL_ERROR, *(code for _, code in EXIT_CODES)}:
        assert f"| {code} |" in table


def test_every_setting_is_documented() -> None:
    from penstock.runtime.machine.settings import Settings

    text = (ROOT / "docs/reference/home.md").read_text("utf-8")
    assert all(name in text for name in Settings.__struct_fields__)
