"""Runs a case with ``penstock.states``: answers are scripted, time passes as the timers say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from penstock import states
from penstock.errors import InvalidWorkflowError, TaskError
from penstock.states import distributed
from tests.differential.case import ECHO, Case, Fails, Outcome, Silence, event, shown
from tests.differential.cases.readers import OBJECTS

BEGIN = 1_700_000_000.0


def outcome_here(case: Case) -> Outcome:
    """Returns how a case ends in ``penstock.states``."""
    try:
        machine = states.parse(json.dumps(case.definition))
    except InvalidWorkflowError:
        return Outcome("REFUSED")
    ran = states.run(machine, json.loads(json.dumps(case.input)), states.Outside(_Answers(case), _Lake()), at=BEGIN)
    output = ran.output if ran.status == "SUCCEEDED" else None
    events = tuple(event(entry.type, entry.previous_id, case) for entry in ran.history)
    return shown(case, Outcome(ran.status, output, ran.error, events))


class _Answers:
    """Does the tasks of a case: as scripted, or as the function ``echo`` does."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._asked: Counter[str] = Counter()

    def __call__(self, task: states.InvokeTask) -> Any:
        answer = self._answer(task)
        match answer:
            case Fails(error, cause):
                raise TaskError(cause, error=error)
            case Silence():
                return states.NEVER
        return answer

    def _answer(self, task: states.InvokeTask) -> Any:
        scripted = self._case.answers.get(task.state_name)
        if scripted is not None:
            turn = min(self._asked[task.state_name], len(scripted) - 1)
            self._asked[task.state_name] += 1
            return scripted[turn]
        if task.resource == ECHO:
            return task.input
        return {"ExecutedVersion": "$LATEST", "Payload": task.input.get("Payload"), "StatusCode": 200}


class _Lake:
    """The objects that moto's bucket has too."""

    def stream(self, place: distributed.Place) -> Iterator[bytes]:
        if place.bucket != "lake" or place.key not in OBJECTS:
            raise distributed.reader_failed("The specified key does not exist.")
        yield OBJECTS[place.key].encode()

    def listing(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        for key, text in OBJECTS.items():
            if bucket == "lake" and key.startswith(prefix):
                yield {"Key": key, "Size": len(text), "StorageClass": "STANDARD"}

    def rows(self, place: distributed.Place) -> Iterator[dict[str, Any]]:
        raise distributed.reader_failed("there is no Parquet here")
