"""Channels of this machine: console, file, mail and chat."""

from penstock.adapters.local.channels.chat import ChatChannel
from penstock.adapters.local.channels.console import ConsoleChannel
from penstock.adapters.local.channels.file import FileChannel
from penstock.adapters.local.channels.routes import ChannelRoutes, open_channels
from penstock.adapters.local.channels.smtp import SmtpChannel
from penstock.adapters.local.channels.smtp_settings import SmtpSettings, smtp_settings

__all__ = [
    "ChannelRoutes",
    "ChatChannel",
    "ConsoleChannel",
    "FileChannel",
    "SmtpChannel",
    "SmtpSettings",
    "open_channels",
    "smtp_settings",
]
