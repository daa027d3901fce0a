"""Secrets in AWS Secrets Manager.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

from penstock.adapters.aws.session import calling, client
from penstock.errors import NotFoundError, UsageError
from penstock.ports.clock import Clock

CACHE_SECONDS = 300.0


class SecretsManagerSecrets:
    """Looks secrets up by name, each at most once in five minutes: a look-up costs, and takes its time.

    Args:
        prefix: what the names begin with in the account, such as ``metrics/``.
        cache_seconds: for how long a value is taken for current; a changed secret is seen after that.
    """

    def __init__(
        self, clock: Clock, *, prefix: str = "", cache_seconds: float = CACHE_SECONDS, region: str | None = None
    ) -> None:
        self._clock = clock
        self._prefix = prefix
        self._cache_seconds = cache_seconds
        self._known: dict[str, tuple[float, str]] = {}
        self._client = client("secretsmanager", region=region)

    def get(self, name: str) -> str:
        """Returns a secret's value.

        Raises:
            NotFoundError: nobody set it, or it is marked for deletion.
            AccessDeniedError: it may not be read.
            UsageError: it is not a string.
        """
        now = self._clock.monotonic()
        at, value = self._known.get(name, (0.0, ""))
        if not value or now - at >= self._cache_seconds:
            value = self._read(name)
            self._known[name] = now, value
        return value

    def _read(self, name: str) -> str:
        full = self._prefix + name
        absent = NotFoundError(
            f"secret {name} is not set",
            hint=f"aws secretsmanager create-secret --name {full} --secret-string file://…",
            secret=name,
        )
        errors = self._client.exceptions
        with calling(f"read secret {full}"):
            try:
                found = self._client.get_secret_value(SecretId=full)
            except (errors.ResourceNotFoundException, errors.InvalidRequestException) as error:
                raise absent from error
        if "SecretString" not in found:
            raise UsageError(f"secret {name} is not a string", hint="store it as text (--secret-string)")
        if not found["SecretString"]:
            raise absent
        return str(found["SecretString"])
