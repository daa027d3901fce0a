"""What each item of a distributed Map goes through, as a document of its own."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.errors import NotFoundError


def processor_document(document: bytes, state_name: str) -> bytes:
    """Returns the ItemProcessor of a Map as a state machine's document: what the Map's child executions run.

    It is in the query language of the machine that the Map is in, unless it has its own.

    Raises:
        NotFoundError: there is no Map of that name.
    """
    pending: list[tuple[dict[str, Any], str | None]] = [(msgspec.json.decode(document), None)]
    while pending:
        machine, outer = pending.pop()
        language = machine.get("QueryLanguage", outer)
        for name, state in machine["States"].items():
            processor = state.get("ItemProcessor", state.get("Iterator"))
            if name == state_name and processor is not None:
                return _document(processor, language)
            inner = [*state.get("Branches", ()), *([] if processor is None else [processor])]
            pending += [(machine, language) for machine in inner]
    raise NotFoundError(f"there is no Map state {state_name!r}")


def _document(processor: dict[str, Any], language: str | None) -> bytes:
    inherited = {} if language is None else {"QueryLanguage": language}
    return msgspec.json.encode(
        inherited | {name: value for name, value in processor.items() if name != "ProcessorConfig"}
    )
