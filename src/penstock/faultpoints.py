"""Named points between effects where a test can make the process fail.

``PENSTOCK_FAULT=NAME:ACTION[:NTH]`` arms one point: at the NTH passing (default 1) the process is killed
(``kill``), frozen (``stop``), or an exception is raised (``raise``, ``full`` for a full disk). Unarmed points cost one
truth test.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable

_armed: dict[str, tuple[str, int]] = {}
_watcher: Callable[[str], None] | None = None


def arm(name: str, action: str = "kill", nth: int = 1) -> None:
    """Makes the nth passing of a fault point perform an action."""
    if action not in {"kill", "stop", "raise", "full"}:
        raise ValueError(f"unknown fault action {action!r}; use kill, stop, raise or full")
    _armed[name] = (action, nth)


def disarm() -> None:
    """Makes every fault point a no-op again."""
    _armed.clear()


class Killed(BaseException):
    """The process is gone, as far as a simulation is concerned. Nobody but the simulation may catch it."""


def watch(watcher: Callable[[str], None] | None) -> None:
    """Has somebody told of every passing of a fault point; None ends that."""
    global _watcher  # noqa: PLW0603 - fault points are the process's, as signals are
    _watcher = watcher


def fault_point(name: str) -> None:
    """Marks a point between two effects. Does nothing unless a test or a simulation asked for it."""
    if _armed and name in _armed:
        _pass(name)
    if _watcher is not None:
        _watcher(name)


def _pass(name: str) -> None:
    action, remaining = _armed[name]
    if remaining > 1:
        _armed[name] = (action, remaining - 1)
        return
    del _armed[name]
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        raise RuntimeError(f"fault point {name}")


def _arm_from_environment() -> None:
    for specification in filter(None, os.environ.get("PENSTOCK_FAULT", "").split(",")):
        name, _, rest = specification.partition(":")
        action, _, nth = rest.partition(":")
        arm(name, action or "kill", int(nth or 1))


_arm_from_environment()
