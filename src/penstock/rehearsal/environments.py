"""Python environments of their own for what a rehearsal runs: kept in the user's cache, made when they are absent."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from penstock.errors import UnavailableError

READY = ".ready"
# Without an index it gives up after half a minute, and says so.
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2", "--timeout", "10")


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
    if _is_whole(folder, python):
        return python
    with _alone(folder):
        # Somebody else may have made it meanwhile.
        if not _is_whole(folder, python):
            say(f"installing {', '.join(requirements)} into {folder} (once)")
            _make(folder, python, requirements)
    return python


def _is_whole(folder: Path, python: Path) -> bool:
    """One that was made halfway has no mark; of one whose base was removed the interpreter leads nowhere."""
    return (folder / READY).exists() and os.access(python, os.X_OK)


def _make(folder: Path, python: Path, requirements: Sequence[str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), *PIP, *requirements])
        (folder / READY).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits for whoever makes the same; the lock ends with its process."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f"{folder.name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise UnavailableError(
            f"cannot write {folder.parent}, where rehearsals keep what they install: {error.strerror}",
            hint="set XDG_CACHE_HOME to a folder that you may write",
        ) from error


def _run(command: list[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if ended.returncode:
        raise UnavailableError(
            f"cannot install what a rehearsal needs: {(ended.stderr or ended.stdout).strip()[-500:]}",
            hint="see that pip can reach its index and the disk has room; a proxy or a mirror is set as for any pip",
        )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock" / "emulators"
