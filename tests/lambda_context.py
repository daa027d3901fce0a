"""What Lambda gives to a handler beside its event."""

from __future__ import annotations

REQUEST = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    aws_request_id = REQUEST

    def __init__(self, *remaining_milliseconds: int) -> None:
        self._remaining = list(remaining_milliseconds) or [3000]

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining.pop(0) if len(self._remaining) > 1 else self._remaining[0]
