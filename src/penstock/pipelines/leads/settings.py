"""By what leads are scored now: rules and models, each kept by its version, and which of them are in use."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock import Context
from penstock.errors import NotFoundError, UsageError
from penstock.pipelines.leads.model import Model, read_model
from penstock.pipelines.leads.rules import Rules, read_rules, shipped_rules

SHIPPED = "shipped"
ACTIVE = "active"
# DynamoDB's items have 400 KB.
ITEM_LIMIT_BYTES = 390_000


class Scorers(msgspec.Struct, frozen=True):
    """What scores a run's leads. The rules always do; a model does beside them once somebody has chosen it."""

    rules: Rules
    model: Model | None = None

    @property
    def main(self) -> str:
        """Whose grades a run is summed up by."""
        return f"rules@{self.rules.digest}" if self.model is None else f"model@{self.model.version}"


class Settings:
    """The settings of a home.

    Args:
        table: the pipeline's hot table of settings.
    """

    def __init__(self, context: Context, table: Any) -> None:
        self._table = context[table]

    def scorers(self) -> Scorers:
        """Returns what is in use.

        Raises:
            UsageError: what is in use cannot be read by this version of Penstock.
        """
        text, model = self.rules_text(), self._active("model")
        return Scorers(
            shipped_rules() if text is None else read_rules(text), None if model is None else self.model(model)
        )

    def model(self, version: str) -> Model:
        """Returns a model. Raises NotFoundError."""
        return read_model(self._text("model", version))

    def models(self) -> list[Model]:
        """Returns every model, the latest first."""
        found = self._table.query(partition="model", newest_first=True).items
        return [read_model(str(item["text"])) for item in found]

    def keep_rules(self, text: str, where: str) -> Rules:
        """Keeps rules and uses them from now on.

        Raises:
            UsageError: with everything that is wrong with them.
        """
        rules = read_rules(text, where)
        self._table.put({"kind": "rules", "version": rules.digest, "text": text})
        self.use("rules", rules.digest)
        return rules

    def keep_model(self, model: Model) -> None:
        """Keeps a model; it is not used for that."""
        text = msgspec.json.encode(model).decode()
        if len(text) > ITEM_LIMIT_BYTES:
            raise UsageError(f"the model has {len(text):,} bytes", hint="train it on fewer features")
        self._table.put({"kind": "model", "version": model.version, "text": text})

    def rules_text(self) -> str | None:
        """Returns the text of the rules in use; None for those that are shipped."""
        version = self._active("rules")
        return None if version in {None, SHIPPED} else self._text("rules", str(version))

    def use(self, kind: str, version: str | None) -> None:
        """Uses rules or a model that are kept; None goes back to what was there at first."""
        if version is not None and version != SHIPPED:
            self._text(kind, version)
        self._table.put({"kind": ACTIVE, "version": kind, "text": version or ""})

    def _active(self, kind: str) -> str | None:
        item = self._table.get({"kind": ACTIVE, "version": kind})
        return None if item is None else str(item["text"]) or None

    def _text(self, kind: str, version: str) -> str:
        item = self._table.get({"kind": kind, "version": version})
        if item is None:
            command = "penstock leads models" if kind == "model" else "penstock leads rules"
            raise NotFoundError(f"there is no {kind} {version!r}", hint=f"`{command}` shows what there is")
        return str(item["text"])
