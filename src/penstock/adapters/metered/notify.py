"""Notifications: messages published, and deliveries by kind. https://aws.amazon.com/sns/pricing/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import chunks
from penstock.ports.notify import Message

PUBLISH, MAIL = "sns-publish", "sns-mail"


class MeteredOutbox(Wrapper):
    """What topics send. Alarms publish as tasks do.

    SNS mails to whom the deployment subscribes: the mail addresses of a topic, and one where it names none.
    """

    def enqueue(self, message: Message, endpoints: Sequence[str], connection: Any = None) -> int:
        stored: int = self._inner.enqueue(message, endpoints, connection)
        if stored or not endpoints:
            size = len(msgspec.json.encode(message))
            mails = sum(endpoint.startswith("mailto:") for endpoint in endpoints)
            cause = "SetAlarmState" if message.data and "AlarmName" in message.data else "Publish"
            self._count(PUBLISH, chunks(size), cause, message.topic)
            self._count(MAIL, max(1, mails), cause, message.topic)
        return stored
