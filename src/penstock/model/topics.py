"""Topics: to whom a message goes."""

from __future__ import annotations

import msgspec

from penstock.model.access import Grant, Kind, TopicAction


class Subscription(msgspec.Struct, frozen=True):
    """One receiver of a topic.

    Attributes:
        endpoint: ``mailto:you@example.com``, ``console:``, ``file:`` or a channel URL of apprise.
            A part of the form ``${NAME}`` is a secret, looked up when a message is sent.
    """

    endpoint: str


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A named channel that people subscribe to."""

    name: str
    subscriptions: tuple[Subscription, ...] = ()
    place: str = ""

    @property
    def publish(self) -> Grant:
        return Grant(Kind.TOPIC, self.name, TopicAction.PUBLISH)
