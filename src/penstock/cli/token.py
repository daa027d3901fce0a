"""Tasks that wait for a token: ``token list``, and their answers: ``token succeed``, ``fail`` and ``heartbeat``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.options import DEFAULT_HOME, Options
from penstock.errors import PenstockError, UsageError

if TYPE_CHECKING:
    from penstock.runtime.tokens import WaitingTask


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_tokens)
    group.command("succeed")(succeed)
    group.command("fail")(fail)
    group.command("heartbeat")(heartbeat)
    app.add_typer(group, name="token", help="Answer tasks that wait for a token (.waitForTaskToken), or list them.")


def complete_token(context: typer.Context, incomplete: str) -> list[str]:
    """Returns the tokens that a shell may complete to."""
    from penstock.runtime.machine.home import Home
    from penstock.runtime.tokens import waiting_tasks

    chosen = context.find_root().params.get("home")
    try:
        home = Home(Path(chosen) if chosen else Options().home, create=False)
    except PenstockError:
        return []
    try:
        return [task.token for task in waiting_tasks(home.journal) if task.token.startswith(incomplete)]
    finally:
        home.close()


Token = Annotated[
    str, typer.Argument(help="The token, as $$.Task.Token gave it to the task.", autocompletion=complete_token)
]


def list_tokens(context: typer.Context) -> None:
    """List the tasks that wait for a token: since when, and until when they must be heard of."""
    from penstock.cli import output
    from penstock.runtime.tokens import waiting_tasks

    options: Options = context.obj
    home = options.open_home()
    found = list(waiting_tasks(home.journal))
    now = home.clock.now()
    home.close()
    if options.as_json:
        output.emit_json(found)
        return
    rows = [
        [
            task.token,
            f"{task.workflow} / {task.state}",
            output.age(task.since, now),
            output.age(task.heartbeat_due_at, now),
            output.age(task.due_at, now),
        ]
        for task in found
    ]
    output.table(["token", "state", "since", "heartbeat due", "times out"], rows, empty="no task waits for a token")


def succeed(
    context: typer.Context,
    token: Token,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The task's output: JSON, @FILE, or - for the standard input.")
    ] = "{}",
) -> None:
    """Answer a waiting task with its output; its workflow goes on."""
    from penstock.runtime import tokens

    options: Options = context.obj
    document = _document(output)
    home = options.open_home()
    task = tokens.succeed(home.journal, token, document, home.clock.now())
    home.close()
    _say(options, task, "succeeded")


def fail(
    context: typer.Context,
    token: Token,
    error: Annotated[str, typer.Option("--error", "-e", help="The error's name, which Retry and Catch match.")] = "",
    cause: Annotated[str, typer.Option("--cause", "-c", help="Why, in words.")] = "",
) -> None:
    """Answer a waiting task with an error; its workflow retries, catches it or fails."""
    from penstock.runtime import tokens

    options: Options = context.obj
    home = options.open_home()
    task = tokens.fail(home.journal, token, home.clock.now(), error=error, cause=cause)
    home.close()
    _say(options, task, "failed")


def heartbeat(context: typer.Context, token: Token) -> None:
    """Say that a waiting task is alive: it is given another HeartbeatSeconds."""
    from penstock.runtime import tokens

    options: Options = context.obj
    home = options.open_home()
    task = tokens.heartbeat(home.journal, token, home.clock.now())
    home.close()
    _say(options, task, "is alive")


def _document(text: str) -> bytes:
    """Returns what was given as JSON, as ``@FILE``, or on the standard input."""
    if text == "-":
        return sys.stdin.buffer.read()
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the output {text[1:]}: {error.strerror}", hint="give a file of JSON") from error


def _say(options: Options, task: WaitingTask, what: str) -> None:
    from penstock.cli import output

    if options.as_json:
        output.emit_json({"token": task.token, "execution": task.execution, "state": task.state, "told": what})
        return
    home = "" if options.home == Path(DEFAULT_HOME) else f"--home {options.home} "
    output.console().print(
        f"{task.state} {what}; `penstock {home}executions {task.execution}` shows how it goes on, "
        f"while `penstock up` or `run` drives it",
        markup=False,
        soft_wrap=True,
    )
