"""Saying with what a pipeline is rehearsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.define.parts import Parts
from penstock.define.places import caller_place
from penstock.errors import Finding
from penstock.model.datasets import LakeTable
from penstock.model.inboxes import Inbox
from penstock.model.pipeline import Definition
from penstock.model.rehearsal import Rehearsed
from penstock.model.workflow import Workflow


class Rehearsing(Parts):
    """The part of a pipeline that says what is played before it is deployed."""

    _rehearsal: Rehearsed = Rehearsed()

    def rehearse(
        self,
        *inputs: Mapping[str, Any],
        workflow: Workflow | str | None = None,
        files: Mapping[LakeTable | Inbox, bytes | str] | None = None,
    ) -> None:
        """Says with what the pipeline is rehearsed before it is deployed. May be called once for each workflow.

        Give inputs that make the same data every time, so that two homes can be compared, and one that fails. Without
        any, a workflow is started once, with the input of its schedule.

        Args:
            inputs: of the workflow; one execution each, one after the other.
            workflow: the main one when absent.
            files: the content of a file that arrives in a table or an inbox. Without it, one of the pipeline's own
                objects arrives in the table, and the file of ``pipeline.example(…)`` in the inbox.
        """
        name = workflow.name if isinstance(workflow, Workflow) else workflow or ""
        content = {
            table.name: text.encode() if isinstance(text, str) else bytes(text) for table, text in (files or {}).items()
        }
        chosen = {name: tuple(dict(one) for one in inputs)} if inputs else {}
        self._rehearsal = Rehearsed(
            inputs={**self._rehearsal.inputs, **chosen},
            files={**self._rehearsal.files, **content},
            place=caller_place(),
        )


def check(definition: Definition) -> list[Finding]:
    """Returns what is rehearsed and is not there."""
    chosen, known = definition.rehearsal, ", ".join(definition.workflows) or "none"
    return [
        Finding(chosen.place, "rehearsal", f"there is no workflow {name!r} to rehearse", f"workflows are: {known}")
        for name in chosen.inputs
        if name and name not in definition.workflows
    ] + [
        Finding(chosen.place, "rehearsal",
                f"no file can arrive in {name!r}: it is no lake table and no inbox of this pipeline",
                "give one that the pipeline's lake(…) or inbox(…) returned")
        for name in chosen.files
        if name not in definition.lake_tables and name not in definition.inboxes
    ]  # fmt: skip
