"""A pipeline of four no-op tasks at once, and one of four sleeping tasks, at once and one after another."""

import time
from typing import Any

from penstock import Invoke, Parallel, Pipeline, seconds

pipeline = Pipeline("bench")
SLEEP_SECONDS = 3.0


def _task(name: str, work: Any) -> Any:
    return pipeline.task(name=name, timeout=seconds(30))(work)


nothing = [_task(f"nothing_{number}", lambda event, context: None) for number in range(4)]
sleepers = [_task(f"sleep_{number}", lambda event, context: time.sleep(SLEEP_SECONDS)) for number in range(4)]

pipeline.workflow("four", Parallel(*nothing, name="Four"))
pipeline.workflow("at-once", Parallel(*sleepers, name="AtOnce"))
pipeline.workflow("in-turn", Invoke(sleepers[0]).then(sleepers[1]).then(sleepers[2]).then(sleepers[3]))
