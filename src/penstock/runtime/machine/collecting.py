"""Collecting logs in a home: the files that are followed, each table by one follower, and OpenTelemetry's receiver."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from penstock.errors import HomeError, PenstockError
from penstock.model.pipeline import Definition
from penstock.runtime.machine.follower import FLUSH_SECONDS, Destination, Follower, LogSink, Watch
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.lake_catalog import find_table
from penstock.runtime.machine.settings import Follow, Otlp
from penstock.schedules.zones import find_zone

if TYPE_CHECKING:
    from penstock.runtime.machine.otlp_receiver import OtlpReceiver


POLL_SECONDS = 1.0
RETRY_SECONDS = 10.0
LOCAL_ZONE = Path("/etc/localtime")


class Collecting:
    """What collects logs in a home. One process of a home does.

    Args:
        follows: the files to follow.
        otlp: where to listen; nowhere when absent.
        flush_seconds: how long a line may wait for others, to be stored with them.

    Raises:
        UsageError: something cannot be followed as it is said, or the port is taken.
        NotFoundError: there is no such lake table.
        HomeError: another process collects logs in this home.
    """

    def __init__(
        self,
        home: Home,
        definitions: Mapping[str, Definition],
        *,
        follows: Sequence[Follow],
        otlp: Otlp | None = None,
        writer: str = "collect",
        warn: Callable[[str], None] = lambda text: None,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._home = home
        self._definitions = definitions
        self._writer = writer
        self._warn = warn
        self._warned = ""
        self._lock = _only_one(home.path / "follow.lock")
        self._followers: list[Follower] = []
        self._receiver: OtlpReceiver | None = None
        try:
            tables = dict.fromkeys(follow.table for follow in follows)
            for table in tables:
                watches = [_watch(follow) for follow in follows if follow.table == table]
                self._followers.append(self._follower(table, watches, flush_seconds))
            if otlp is not None:
                self._receiver = self._receive(otlp)
        except BaseException:
            self.close()
            raise

    @property
    def lines(self) -> int:
        """How many lines of files were stored."""
        return sum(follower.lines for follower in self._followers)

    @property
    def otlp_port(self) -> int:
        """The port on which OpenTelemetry is received; 0 where it is not."""
        return 0 if self._receiver is None else self._receiver.port

    def run(self, stop: threading.Event) -> None:
        """Collects until ``stop`` is set. What goes wrong is said once, and tried again."""
        while not stop.is_set():
            stop.wait(POLL_SECONDS if self.tick() else RETRY_SECONDS)

    def tick(self) -> bool:
        """Stores what is due; False if something went wrong, which is said."""
        try:
            for follower in self._followers:
                follower.tick()
        except (PenstockError, OSError) as error:
            if self._warned != type(error).__name__:
                self._warned = type(error).__name__
                self._warn(f"logs are not collected: {error}; it is tried again, nothing is lost")
            return False
        self._warned = ""
        return True

    def collect_all(self) -> int:
        """Stores everything that is in the files, also a last line without an end; returns how many lines."""
        return sum(follower.tick(is_last=True) for follower in self._followers)

    def close(self) -> None:
        """Frees everything; another process may collect then."""
        if self._receiver is not None:
            self._receiver.close()
        for follower in self._followers:
            follower.close()
        os.close(self._lock)

    def _follower(self, table: str, watches: Sequence[Watch], flush_seconds: float) -> Follower:
        home = self._home
        return Follower(
            watches,
            self._sink(table),
            offsets=home.offsets,
            clock=home.clock,
            entropy=home.entropy,
            warn=self._warn,
            flush_seconds=flush_seconds,
            scratch=home.path,
        )

    def _sink(self, table: str) -> LogSink:
        home = self._home
        destination = destination_of(self._definitions, table)
        return LogSink(destination, objects=home.objects, bus=home.bus, clock=home.clock, writer=self._writer)

    def _receive(self, otlp: Otlp) -> OtlpReceiver:
        from penstock.runtime.machine.otlp_receiver import OtlpReceiver

        return OtlpReceiver(
            self._sink(otlp.table),
            metrics=self._home.metrics,
            clock=self._home.clock,
            port=otlp.port,
        )


class BackgroundCollecting:
    """Collects what a home's settings say, in a thread, until ``stop`` is set; nothing where they say nothing of logs.

    Where another process does it already, this one waits for its end.

    Raises:
        UsageError, NotFoundError: as Collecting does.
    """

    def __init__(
        self,
        home: Home,
        definitions: Mapping[str, Definition],
        stop: threading.Event,
        *,
        writer: str,
        warn: Callable[[str], None],
    ) -> None:
        self._home = home
        self._definitions = definitions
        self._stop = stop
        self._writer = writer
        self._warn = warn
        self._thread: threading.Thread | None = None
        if home.settings.follow or home.settings.otlp:
            first = self._try()
            if first is None:
                warn("another process collects logs in this home; this one will when that ends")
            self._thread = threading.Thread(target=self._run, args=(first,), name="logs", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Waits for the end, once ``stop`` is set."""
        if self._thread is not None:
            self._thread.join()

    def _try(self) -> Collecting | None:
        settings = self._home.settings
        try:
            return Collecting(
                self._home,
                self._definitions,
                follows=settings.follow,
                otlp=settings.otlp,
                writer=self._writer,
                warn=self._warn,
            )
        except HomeError as error:
            if error.data.get("is_held"):
                return None
            raise

    def _run(self, collecting: Collecting | None) -> None:
        while collecting is None and not self._stop.wait(RETRY_SECONDS):
            try:
                collecting = self._try()
            except PenstockError as error:
                self._warn(f"logs are not collected: {error}")
                return
        if collecting is not None:
            collecting.run(self._stop)
            collecting.close()


def destination_of(definitions: Mapping[str, Definition], table: str) -> Destination:
    """Returns where lines go that are meant for a table.

    Raises:
        NotFoundError: no pipeline has this table.
    """
    pipeline, found = find_table(definitions, table)
    is_watched = any(trigger.table == table for trigger in definitions[pipeline].triggers.values())
    return Destination(pipeline=pipeline, table=found, is_watched=is_watched)


def _watch(follow: Follow) -> Watch:
    return Watch(
        patterns=tuple(map(Path, follow.paths)),
        format=follow.format,
        service=follow.service,
        host=follow.host,
        zone=zone_of(follow.timezone),
        from_end=follow.from_end,
    )


def zone_of(name: str) -> tzinfo:
    """Returns a time zone by its name; this machine's when it is empty.

    Raises:
        UsageError: there is none of this name.
    """
    if name:
        return find_zone(name)
    with contextlib.suppress(ZoneInfoNotFoundError, ValueError, OSError):
        if os.environ.get("TZ"):
            return ZoneInfo(os.environ["TZ"])
        with LOCAL_ZONE.open("rb") as file:
            return ZoneInfo.from_file(file)
    return UTC


def _only_one(path: Path) -> int:
    """Takes the lock of those who collect logs; returns its file."""
    try:
        lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HomeError(f"cannot use {path}: {error.strerror}", hint="check the home folder") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise HomeError(
            "another process collects logs in this home",
            hint="name the files under [[follow]] in config.toml, and let one `penstock up` follow them all",
            is_held=True,
        ) from None
    return lock
