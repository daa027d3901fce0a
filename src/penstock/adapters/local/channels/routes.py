"""Which channel delivers to an endpoint."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from penstock.adapters.local.channels.chat import ChatChannel
from penstock.adapters.local.channels.console import ConsoleChannel
from penstock.adapters.local.channels.file import FileChannel
from penstock.adapters.local.channels.smtp import SmtpChannel
from penstock.adapters.local.channels.smtp_settings import SmtpSettings, smtp_settings
from penstock.adapters.local.secrets import EnvironmentAndFileSecrets
from penstock.errors import DeliveryError
from penstock.model.endpoints import check_endpoint, scheme_of
from penstock.ports.notify import Channel
from penstock.ports.secrets import Secrets


def open_channels(home: Path, smtp: Mapping[str, Any], stream: TextIO | None = None) -> ChannelRoutes:
    """Returns the channels of a home: its ``notifications`` folder, its ``secrets.toml``, its mail server.

    Args:
        smtp: the ``smtp`` table of the configuration; empty when mail is not configured.
        stream: where ``console:`` prints; standard error by default.

    Raises:
        UsageError: the mail server's settings cannot be used.
    """
    return ChannelRoutes(
        home / "notifications",
        stream or sys.stderr,
        EnvironmentAndFileSecrets(home / "secrets.toml"),
        smtp_settings(smtp) if smtp else None,
    )


class ChannelRoutes:
    """Chooses the channel of an endpoint; called with the endpoint, as :class:`Notifier` does.

    Args:
        folder: where ``file:`` endpoints live, ``<home>/notifications``.
        stream: where ``console:`` prints.
        smtp: None when no mail server is configured.
    """

    def __init__(self, folder: Path, stream: TextIO, secrets: Secrets, smtp: SmtpSettings | None = None) -> None:
        self._channels: dict[str, Channel] = {"console": ConsoleChannel(stream), "file": FileChannel(folder)}
        if smtp is not None:
            self._channels["mailto"] = SmtpChannel(smtp, secrets)
        self._chat = ChatChannel(secrets)

    def __call__(self, endpoint: str) -> Channel:
        """Returns the endpoint's channel.

        Raises:
            DeliveryError: the endpoint cannot be used (permanent), or mail has no server yet.
        """
        mistake = check_endpoint(endpoint)
        if mistake:
            raise DeliveryError(mistake, hint="correct the topic's subscription", permanent=True)
        scheme = scheme_of(endpoint)
        if endpoint.startswith(f"{scheme}://"):
            return self._chat
        channel = self._channels.get(scheme)
        if channel is None:
            raise DeliveryError(
                "no mail server is configured",
                hint="add host and from_address to [tool.penstock.smtp]",
                permanent=False,
            )
        return channel
