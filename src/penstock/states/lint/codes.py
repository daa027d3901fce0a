"""The words for what lint finds, and what AWS calls the same.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
"""

from __future__ import annotations

from typing import NamedTuple

ERROR, WARNING = "ERROR", "WARNING"


class Code(NamedTuple):
    """A kind of finding.

    Attributes:
        aws: the code of AWS's own diagnostics.
        severity: AWS makes no state machine of a document with an ERROR; a WARNING is advice.
    """

    aws: str
    severity: str = ERROR


_SCHEMA = Code("SCHEMA_VALIDATION_FAILED")
CODES: dict[str, Code] = {
    "json": Code("INVALID_JSON_DESCRIPTION"),
    "duplicate-key": Code("INVALID_JSON_DESCRIPTION"),
    "size": Code("ValidationException"),
    "depth": Code("TOO_DEEPLY_NESTED"),
    "too-many": Code("truncated"),
    "type": _SCHEMA,
    "value": _SCHEMA,
    "required": _SCHEMA,
    "both": _SCHEMA,
    "unknown-field": _SCHEMA,
    "query-language": _SCHEMA,
    "name": Code("INVALID_STATE_NAME"),
    "duplicate-name": Code("DUPLICATE_STATE_NAME"),
    "dangling": Code("MISSING_TRANSITION_TARGET"),
    "unreachable": Code("MISSING_TRANSITION_TARGET"),
    "no-end": Code("MISSING_END_STATE"),
    "transition": _SCHEMA,
    "path": _SCHEMA,
    "intrinsic": _SCHEMA,
    "jsonata": Code("INVALID_JSONATA_EXPRESSION"),
    "variable": _SCHEMA,
    "resource": Code("INVALID_RESOURCE"),
    "wait": _SCHEMA,
    "rule": _SCHEMA,
    "all": _SCHEMA,
    "error-name": _SCHEMA,
    "distributed": _SCHEMA,
    "express": _SCHEMA,
    "label": Code("INVALID_LABEL_NAME"),
    "duplicate-label": Code("DUPLICATE_LABEL_NAME"),
    "no-dollar": Code("NO_DOLLAR", WARNING),
    "no-path": Code("NO_PATH", WARNING),
    "static-result": Code("PASS_RESULT_IS_STATIC", WARNING),
    "empty-writer": Code("", WARNING),
}
# What AWS asks for and the language does not: a task's resource is any URI, and a machine may go round for ever. Such
# documents can be run, but not deployed.
AWS_ONLY = frozenset({"resource", "no-end"})
