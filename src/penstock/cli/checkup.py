"""What ``penstock doctor`` examines."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.options import Options
from penstock.errors import NotFoundError, PenstockError

if TYPE_CHECKING:
    from penstock.runtime.machine.home import Home

LOW_BYTES = 200 * 1024 * 1024
DATABASES = ("journal.sqlite", "hot.sqlite", "metrics.sqlite")


@dataclass(frozen=True)
class Check:
    """What was looked at and found."""

    name: str
    is_good: bool
    detail: str
    mend: str = ""


def examine(options: Options, *, repair: bool) -> list[Check]:
    """Returns everything that was found, good and bad."""
    found = [*_machine(), *_pipelines(options)]
    try:
        home = options.open_home()
    except NotFoundError:
        return [*found, Check("home", is_good=True, detail=f"{options.home} is not there yet; the first run makes it")]
    except PenstockError as error:
        return [*found, Check("home", is_good=False, detail=error.message, mend=error.hint)]
    found += _folder(home.path)
    for name in DATABASES:
        found += _database(home.path / name, repair=repair)
    if all(check.is_good for check in found):
        found += _guarded("work", lambda: _work(home))
        found += _guarded("events", lambda: _lost_events(options, home, repair=repair))
    home.close()
    return found


def _machine() -> Iterator[Check]:
    yield Check("python", is_good=True, detail=f"{platform.python_version()} on {platform.system()}")
    has_fork = hasattr(os, "fork")
    detail = "processes can be forked" if has_fork else "processes cannot be forked"
    yield Check("fork", is_good=has_fork, detail=detail, mend="" if has_fork else "run Penstock on Linux or macOS")
    version = sqlite3.sqlite_version_info
    yield Check(
        "sqlite", is_good=version >= (3, 35), detail=sqlite3.sqlite_version, mend="SQLite 3.35 or newer is needed"
    )


def _pipelines(options: Options) -> Iterator[Check]:
    good, bad = options.catalog().load_good()
    for name in good:
        yield Check(f"pipeline {name}", is_good=True, detail="no mistakes")
    for name, error in bad.items():
        yield Check(f"pipeline {name}", is_good=False, detail=error.message, mend=error.hint)


def _folder(path: Path) -> Iterator[Check]:
    mode = stat.S_IMODE(path.stat().st_mode)
    yield Check(
        "home",
        is_good=not mode & 0o077,
        detail=f"{path}, mode {mode:o}",
        mend=f"chmod 700 {path}" if mode & 0o077 else "",
    )
    free = shutil.disk_usage(path).free
    yield Check("disk", is_good=free > LOW_BYTES, detail=f"{free // 1_000_000} MB free",
                mend="" if free > LOW_BYTES else "free some space")  # fmt: skip


def _database(path: Path, *, repair: bool) -> Iterator[Check]:
    if not path.exists():
        return
    try:
        connection = sqlite3.connect(path)
        answer = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        connection.close()
    except sqlite3.DatabaseError as error:
        answer = str(error)
    if answer == "ok":
        yield Check(path.name, is_good=True, detail="whole")
    elif repair:
        aside = _set_aside(path)
        yield Check(path.name, is_good=True, detail=f"damaged ({answer}); set aside as {aside.name}, a new one begins")
    else:
        mend = f"stop every penstock process, then `penstock doctor --repair`, or restore {path.name} from a backup"
        yield Check(path.name, is_good=False, detail=f"damaged: {answer}", mend=mend)


def _set_aside(path: Path) -> Path:
    """Renames a database and its companions, so that a new one begins and nothing is thrown away."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return aside


def _guarded(name: str, checks: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(checks())
    except PenstockError as error:
        return [Check(name, is_good=False, detail=error.message, mend=error.hint)]


def _work(home: Home) -> Iterator[Check]:
    from penstock.ports.journal import Filter

    unfinished = home.journal.unfinished()
    yield Check(
        "executions", is_good=True, detail=f"{unfinished} unfinished" if unfinished else "nothing is left undone"
    )
    dead = home.journal.find(Filter(dead_letter=True, limit=1000))
    mend = "`penstock executions --dead` lists them; `penstock redrive ID` puts one through again" if dead else ""
    yield Check("dead letters", is_good=not dead, detail=f"{len(dead)} executions failed for good", mend=mend)
    undelivered = home.outbox.counts()["dead"]
    mend = "`penstock notifications --status dead`, then `--retry`" if undelivered else ""
    yield Check("notifications", is_good=not undelivered, detail=f"{undelivered} could not be delivered", mend=mend)


def _lost_events(options: Options, home: Home, *, repair: bool) -> Iterator[Check]:
    """Looks for raw objects of which the bus has never heard, such as files copied in by hand or a lost journal's."""
    from penstock.ports.bus import ObjectCreated

    good, _ = options.catalog().load_good()
    for definition in good.values():
        for table in {trigger.table for trigger in definition.triggers.values()}:
            infos = {info.key: info for info in home.objects.list(f"raw/{table}/")}
            unknown = sorted(infos.keys() - home.bus.known(list(infos)))
            if repair:
                for key in unknown:
                    event = ObjectCreated(pipeline=definition.name, table=table, key=key, size=infos[key].size,
                                          at=home.clock.now())  # fmt: skip
                    home.bus.confirm(event)
            told = ", told now" if repair and unknown else ""
            detail = f"{len(infos)} objects, {len(unknown)} unknown to the triggers{told}"
            mend = "`penstock doctor --repair` tells the triggers of them" if unknown and not repair else ""
            yield Check(f"lake table {table}", is_good=not unknown or repair, detail=detail, mend=mend)
