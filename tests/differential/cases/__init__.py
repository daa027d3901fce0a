"""The definitions that are run on both sides."""

from itertools import chain

from tests.differential.cases.choice import CHOICE
from tests.differential.cases.definitions import DEFINITIONS
from tests.differential.cases.errors import ERRORS
from tests.differential.cases.flow import FLOW
from tests.differential.cases.intrinsics import INTRINSICS
from tests.differential.cases.maps import MAPS
from tests.differential.cases.readers import READERS
from tests.differential.cases.tasks import TASKS
from tests.differential.cases.variables import LANGUAGES

GROUPS = {
    "flow": FLOW, "choice": CHOICE, "intrinsics": INTRINSICS, "errors": ERRORS, "tasks": TASKS, "maps": MAPS,
    "readers": READERS,
    "languages": LANGUAGES, "definitions": DEFINITIONS,
}  # fmt: skip
CASES = [*chain.from_iterable(GROUPS.values())]
