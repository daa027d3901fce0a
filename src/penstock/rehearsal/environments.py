"""Python environments of their own for what a rehearsal runs: kept in the user's cache, made when they are absent."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from penstock.errors import UnavailableError


def installed(name: str, requirements: Sequence[str], say: Callable[[str], None] = lambda text: None) -> Path:
    """Returns the interpreter of an environment with these requirements.

    Args:
        say: told what takes long.

    Raises:
        UnavailableError: it cannot be installed.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:8]
    folder = _cache() / f"{name}-{version}-{digest}"
    python = folder / "bin" / "python"
    if (folder / ".ready").exists():
        return python
    say(f"installing {', '.join(requirements)} into {folder} (once)")
    with _fresh(folder):
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
        (folder / ".ready").touch()
    return python


@contextlib.contextmanager
def _fresh(folder: Path) -> Iterator[None]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run(command: list[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if ended.returncode:
        raise UnavailableError(
            f"cannot install what a rehearsal needs: {(ended.stderr or ended.stdout).strip()[-500:]}",
            hint="check that pip can reach its index; then try again",
        )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock" / "emulators"
