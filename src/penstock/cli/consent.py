"""Asking before something happens in an account: with a question on a terminal, with options elsewhere.

Questions go to standard error: standard output is for what was asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import typer

from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.deploy.changes import Holding


def confirm(question: str, *, yes: bool, may_ask: bool = True) -> None:
    """Asks for a yes, unless it was given.

    Args:
        may_ask: whoever reads the answer has seen what it is about.

    Raises:
        UsageError: nobody is there to answer.
        KeyboardInterrupt: the terminal has ended its input.
        typer.Exit: the answer is no.
    """
    if yes:
        return
    if not (may_ask and sys.stdin.isatty()):
        raise UsageError("nobody is here to confirm; nothing was changed", hint="give --yes")
    if _answer(f"{question} [y/N]").lower() not in {"y", "yes"}:
        typer.echo("nothing was changed", err=True)
        raise typer.Exit(1)


def confirm_losses(held: Sequence[Holding], named: Collection[str], mend: str, *, may_ask: bool = True) -> None:
    """Asks for the name of everything that holds data and would be deleted, unless it was given.

    Args:
        mend: how the data can stay.
        may_ask: whoever reads the answer has seen what it is about.

    Raises:
        UsageError: something is not named.
    """
    missing = [one for one in held if one.name not in named]
    for one in list(missing) if may_ask and sys.stdin.isatty() else []:
        if _answer(f"Type {one.name} to delete it with everything in it") == one.name:
            missing.remove(one)
    if missing:
        told = ", ".join(f"{one.name} ({one.address})" for one in missing)
        raise UsageError(
            f"this would delete {told} with everything in it; nothing was changed",
            hint=f"name each with --delete NAME; {mend}",
        )


def _answer(question: str) -> str:
    # The prompts of the library write to standard output, whatever they are told.
    from penstock.cli.values import clean

    typer.echo(f"{clean(question)}: ", err=True, nl=False)
    answer = sys.stdin.readline()
    if not answer:
        typer.echo(err=True)
        raise KeyboardInterrupt
    return answer.strip()
