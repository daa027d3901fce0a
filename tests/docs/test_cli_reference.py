"""The page on the command line names every option of the commands for AWS, and none that they have not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from penstock.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text("utf-8")
SECTION = PAGE.partition("## In an AWS account")[2].partition("\n## ")[0]
BEFORE = PAGE.partition("## Before it runs")[2].partition("\n## ")[0]
COMMANDS = ("synth", "rehearse", "deploy", "destroy", "status", "logs", "cost", "bill", "doctor")


def options_of(command: str) -> set[str]:
    group = typer.main.get_command(app)
    found = group.commands[command].params  # type: ignore[attr-defined]
    return {option for one in found for option in one.opts if option.startswith("--")} - {"--repair", "--aws"}


def documented(section: str = SECTION) -> dict[str, set[str]]:
    """Returns the commands that each option is said to be of."""
    told: dict[str, set[str]] = {}
    for cells in re.findall(r"^\| `(--[a-z-]+)[^|]*\|([^|]*)\|", section, re.MULTILINE):
        told.setdefault(cells[0], set()).update(re.findall(r"`([a-z]+)", cells[1]))
    return told


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_on_the_page(command: str) -> None:
    assert options_of(command) == {option for option, commands in documented().items() if command in commands}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_on_the_page(command: str) -> None:
    assert re.search(rf"^\| `penstock {command}\b", SECTION, re.MULTILINE)


def test_every_option_of_a_simulation_is_on_the_page() -> None:
    assert options_of("simulate") == {
        option for option, commands in documented(BEFORE).items() if "simulate" in commands
    }
