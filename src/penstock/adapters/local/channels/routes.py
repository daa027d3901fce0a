"""Which channel delivers to an endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from penstock.adapters.local.channels.chat import ChatChannel
from penstock.adapters.local.channels.console import ConsoleChannel
from penstock.adapters.local.channels.file import FileChannel
from penstock.adapters.local.channels.smtp import SmtpChannel
from penstock.adapters.local.channels.smtp_settings import SmtpSettings
from penstock.errors import DeliveryError
from penstock.model.endpoints import check_endpoint, scheme_of
from penstock.ports.notify import Channel
from penstock.ports.secrets import Secrets


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
