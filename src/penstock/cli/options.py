"""The options that every command has, wherever on the line they stand."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import UsageError

if TYPE_CHECKING:
    import typer

    from penstock.runtime.machine.home import Home
    from penstock.runtime.machine.loader import Catalog
    from penstock.runtime.translations import TranslationCache

WITH_VALUE = {"--home", "--file", "-f"}
FLAGS = {"--json"}
# Of the extra `aws`.
AWS_LIBRARIES = ("boto3", "obstore", "packaging")
DEFAULT_HOME = ".penstock"


@dataclass
class Options:
    """What was asked for on the whole.

    Attributes:
        files: Python files that define pipelines.
        home: the folder that holds the state.
        as_json: print one JSON document instead of tables.
    """

    files: list[Path] = field(default_factory=list)
    home: Path = field(default_factory=lambda: Path(os.environ.get("PENSTOCK_HOME") or DEFAULT_HOME))
    as_json: bool = False

    def catalog(self) -> Catalog:
        """Returns the pipelines that can be had here."""
        from penstock.runtime.machine.loader import Catalog

        return Catalog(self.files, translate=self.translations())

    def translations(self) -> TranslationCache:
        """Returns what translates queries, and keeps its translations in the home, if there is one."""
        from penstock.runtime.translations import TranslationCache

        return TranslationCache(self.home / "cache" / "translations", self.home)

    def open_home(self, *, create: bool = False) -> Home:
        """Returns the home."""
        from penstock.runtime.machine.home import Home

        return Home(self.home, create=create)


def hoist(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments with the options of every command in front, where the parser wants them."""
    hoisted: list[str] = []
    rest: list[str] = []
    remaining = list(arguments)
    while remaining:
        argument = remaining.pop(0)
        if argument == "--":
            return [*hoisted, *rest, argument, *remaining]
        if argument in WITH_VALUE and remaining:
            hoisted += [argument, remaining.pop(0)]
        elif argument in FLAGS or ("=" in argument and argument.partition("=")[0] in WITH_VALUE):
            hoisted.append(argument)
        else:
            rest.append(argument)
    return hoisted + rest


def decode_input(text: str) -> Any:
    """Returns an input given as JSON, or as ``@FILE``.

    Raises:
        UsageError: it is neither.
    """
    import msgspec

    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the input {text[1:]}: {error}", hint="give a file of JSON") from error
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(
            f"the input is no JSON: {error}", hint="""such as --input '{"fleet": {"instances": 20}}'"""
        ) from error


def file_of(text: str) -> Path | None:
    """Returns the file that an input names; None where the input is JSON, or ``@FILE``.

    Raises:
        UsageError: it looks like the name of a file, and there is none.
    """
    import msgspec

    if text.startswith("@"):
        return None
    path = Path(text)
    with contextlib.suppress(OSError, ValueError):
        if path.exists():
            return path
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        if text.lstrip()[:1] not in {"{", "[", '"'}:
            raise UsageError(f"there is no file {text}", hint="give a file that exists, or JSON") from None
    return None


def for_aws(context: typer.Context) -> Options:
    """Returns the options of a command that works with AWS.

    Raises:
        UsageError: what it needs is not installed.
    """
    missing = [name for name in AWS_LIBRARIES if not _is_installed(name)]
    if missing:
        raise UsageError(f"{', '.join(missing)} is not installed", hint="pip install 'penstock[aws]'")
    options: Options = context.obj
    return options


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:
        return False
