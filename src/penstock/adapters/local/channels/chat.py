"""Notifications to chat services and webhooks, through apprise."""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

from penstock.adapters.local.secrets import resolve_for_delivery
from penstock.errors import DeliveryError
from penstock.model.endpoints import redact
from penstock.ports.notify import Message
from penstock.ports.secrets import Secrets

_TYPES = {"INFO": "info", "WARNING": "warning", "HIGH": "failure", "CRITICAL": "failure"}
# Their records hold URLs, and URLs hold tokens.
_TELLTALE_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "urllib3.response")
_RETRYABLE_STATUSES = frozenset({408, 425, 429})


class ChatChannel:
    """Sends messages to any channel URL that apprise knows: ``slack://…``, ``discord://…``, ``json://…``.

    Nothing that apprise or its HTTP client says of a request reaches the log.

    Args:
        timeout_seconds: the limit for connecting, and again for each wait for the answer.
    """

    def __init__(self, secrets: Secrets, *, timeout_seconds: float = 15.0) -> None:
        self._secrets = secrets
        self._timeout_seconds = timeout_seconds
        _silence()

    def deliver(self, message: Message, endpoint: str) -> None:
        """Sends a message to a channel URL.

        Raises:
            DeliveryError: permanent when apprise cannot use the URL or the service answered with a client error
                (4xx but 408, 425 and 429), as Amazon SNS has it for HTTP endpoints.
        """
        url = resolve_for_delivery(endpoint, self._secrets)
        _seen.active, _seen.status = True, None
        try:
            self._send(message, url, redact(endpoint))
        finally:
            _seen.active = False

    def _send(self, message: Message, url: str, shown: str) -> None:
        plugin = _plugin(url)
        if plugin is None:
            raise DeliveryError(
                f"{shown} is no channel URL that apprise understands",
                hint="compare it with the channel's page on https://appriseit.com/services/, and check its secrets",
                permanent=True,
            )
        plugin.socket_connect_timeout = plugin.socket_read_timeout = self._timeout_seconds
        try:
            sent = plugin.notify(
                title=message.subject,
                body=message.body or message.subject,
                notify_type=_TYPES[message.severity],
                body_format="text",
            )
        except Exception as error:  # noqa: BLE001  a plugin may raise anything, and its text may hold the URL
            raise DeliveryError(
                f"{shown}: {type(error).__name__} while sending", hint="check the URL", permanent=False
            ) from None
        if not sent:
            raise _failure(shown, _seen.status)


def _failure(shown: str, status: int | None) -> DeliveryError:
    if status is None:
        return DeliveryError(f"{shown} did not take the message", hint="check the network and the URL", permanent=False)
    permanent = 400 <= status < 500 and status not in _RETRYABLE_STATUSES
    hint = "check the token and the channel's name" if permanent else "the service is busy or down"
    return DeliveryError(f"{shown} answered with HTTP status {status}", hint=hint, permanent=permanent)


def _plugin(url: str) -> Any:
    import apprise

    asset = apprise.AppriseAsset(app_id="Penstock", app_desc="Penstock notifications", secure_logging=True)
    return apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)


class _Seen(threading.local):
    """What this thread's delivery made the libraries log."""

    active: bool = False
    status: int | None = None


_seen = _Seen()


class _Confidential(logging.Filter):
    """Drops records that may hold a URL, after reading the HTTP status from them.

    Args:
        everywhere: drop the records of every thread, not only those of threads that are delivering.
    """

    def __init__(self, *, everywhere: bool) -> None:
        super().__init__()
        self._everywhere = everywhere

    def filter(self, record: logging.LogRecord) -> bool:
        if _seen.active:
            status = re.search(r"\berror=([1-5]\d\d)\b", record.getMessage())
            if status:
                _seen.status = int(status[1])
        return not (self._everywhere or _seen.active)


_FILTERS = {"apprise": _Confidential(everywhere=True)} | dict.fromkeys(
    _TELLTALE_LOGGERS, _Confidential(everywhere=False)
)


def _silence() -> None:
    for name, filter_ in _FILTERS.items():
        logging.getLogger(name).addFilter(filter_)
    logging.getLogger("apprise").setLevel(logging.WARNING)
