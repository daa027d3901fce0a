"""Commands of installed pipelines: found by an entry point, loaded when somebody asks for them, never in the way."""

import sys
from pathlib import Path

import pytest

from penstock.cli.main import main

MODULES = {
    "good_commands": "import typer\napp = typer.Typer()\n@app.command()\n"
    "def hello(context: typer.Context, name: str):\n"
    "    typer.echo(f'hello {name} in {context.obj.home}')\n@app.command()\ndef bye():\n    typer.echo('bye')\n",
    "broken_commands": "import no_such_library\n",
    "odd_commands": "app = 7\n",
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with three pipelines' commands."""
    info = tmp_path / "pipelines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pipelines\nVersion: 1.0\n")
    points = "".join(f"{name.partition('_')[0]} = {name}:app\n" for name in MODULES)
    (info / "entry_points.txt").write_text(f"[penstock.commands]\n{points}run = good_commands:app\n")
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main([*arguments])
    return int(left.value.code or 0)


def test_a_pipelines_command_gets_the_options_of_all(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("good", "hello", "you", "--home", "there") == 0
    assert capsys.readouterr().out == "hello you in there\n"


def test_nothing_is_loaded_until_it_is_asked_for(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert not MODULES.keys() & sys.modules.keys()


def test_a_command_of_penstock_is_not_replaced(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", "--help") == 0
    assert "hello" not in capsys.readouterr().out
    assert "good_commands" not in sys.modules


@pytest.mark.parametrize(
    ("name", "said"),
    [("broken", "cannot load the commands of 'broken'"), ("odd", "odd_commands:app is no Typer app")],
)
def test_what_cannot_be_loaded_is_said(
    installed: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert run(name, "hello") == 3
    assert said in capsys.readouterr().err


def test_nobodys_command(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("nobody") == 2
    assert "No such command 'nobody'" in capsys.readouterr().err
