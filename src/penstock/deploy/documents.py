"""What can be read out of a workflow's document; and the document as it is deployed, with the names that things have.

A document names what a pipeline has by the names of its definition. What is deployed differs from it in these names
alone; every other byte is the one that ran on the machine.
"""

from __future__ import annotations

import re

import msgspec

from penstock.deploy.hcl import Expression, Template
from penstock.deploy.json_text import Path, exchanged
from penstock.deploy.named_places import named_places, physical
from penstock.deploy.service_calls import calls, functions
from penstock.model.pipeline import Definition
from penstock.model.workflow import Workflow

_MARKS = re.compile(r"[$%]+(?=\{)")


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A document for Terraform's ``templatefile``.

    https://developer.hashicorp.com/terraform/language/functions/templatefile

    Attributes:
        values: what its placeholders stand for, by name; empty when the document needs none.
    """

    text: bytes
    values: dict[str, Expression | Template]


def invoked_tasks(definition: Definition, workflow: Workflow) -> list[str]:
    """Returns the names of the tasks that a workflow calls, each once, in order."""
    prefix = f"{definition.name}-"
    found = (name.rpartition(":function:")[2].removeprefix(prefix) for name in functions(workflow))
    return [name for name in dict.fromkeys(found) if name in definition.tasks]


def called_by_arn(workflow: Workflow) -> list[str]:
    """Returns the ARNs by which a workflow calls functions, each once, in order; the builder calls them by name."""
    return [name for name in functions(workflow) if ":function:" in name and name.startswith("arn:")]


def deployed(definition: Definition, workflow: Workflow) -> Deployed:
    """Returns a workflow's document with a placeholder for each name, and what the placeholders stand for."""
    written: dict[Path, str] = {}
    values: dict[str, Expression | Template] = {}
    for one in named_places(calls(workflow)):
        if not one.is_known(definition):
            continue
        found = physical(definition, one)
        written[one.path] = written.get(one.path, "") + found.text
        values[found.placeholder] = found.value
    text = exchanged(workflow.definition.decode(), written, _kept)
    return Deployed(text=text.encode(), values=dict(sorted(values.items())))


def _kept(text: str) -> str:
    """Returns text as a template writes it; ``$${`` in it cannot be written with one more dollar.

    https://developer.hashicorp.com/terraform/language/expressions/strings#escape-sequences
    """
    return _MARKS.sub(lambda found: found[0] * 2 if len(found[0]) == 1 else f'${{"{found[0]}"}}', text)
