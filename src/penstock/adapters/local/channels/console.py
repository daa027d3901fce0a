"""Notifications as paragraphs on a terminal."""

from __future__ import annotations

import datetime
import os
import threading
from typing import TextIO

from penstock.errors import DeliveryError
from penstock.ports.notify import Message

_COLOURS = {"INFO": "36", "WARNING": "33", "HIGH": "31", "CRITICAL": "1;31"}


class ConsoleChannel:
    """Prints each message to a stream, usually standard error.

    Control characters are taken out, so that a message cannot drive the terminal.

    Args:
        colour: None colours on a terminal, unless ``NO_COLOR`` is set (https://no-color.org).
    """

    def __init__(self, stream: TextIO, *, colour: bool | None = None) -> None:
        self._stream = stream
        self._colour = stream.isatty() and not os.environ.get("NO_COLOR") if colour is None else colour
        self._lock = threading.Lock()

    def deliver(self, message: Message, endpoint: str) -> None:
        """Prints a message.

        Raises:
            DeliveryError: the stream is closed or broken; not permanent.
        """
        text = self._paragraph(message)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            with self._lock:
                self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
                self._stream.flush()
        except (OSError, ValueError) as error:
            raise DeliveryError(
                f"cannot write to the console: {error}", hint="subscribe file: instead", permanent=False
            ) from error

    def _paragraph(self, message: Message) -> str:
        at = datetime.datetime.fromtimestamp(message.created_at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        severity = f"{message.severity:<8}"
        if self._colour:
            severity = f"\x1b[{_COLOURS[message.severity]}m{severity}\x1b[0m"
        lines = [f"{at} {severity} {_printable(message.topic)}: {_printable(message.subject)}"]
        lines += [f"    {_printable(line)}" for line in message.body.splitlines()]
        return "\n".join(line.rstrip() for line in lines) + "\n"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text.expandtabs(4))
