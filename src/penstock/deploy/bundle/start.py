"""Run by path in an interpreter that has what Lambda would have: starts a function, and prints what that took.

Its arguments are the folders that modules are looked for in, before the standard library.
"""

import json
import resource
import sys
import time


def peak_kilobytes() -> int:
    """Returns the most memory that this process has had; ``getrusage`` would count the one that it was forked from."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib would be measured as well
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak


if __name__ == "__main__":
    # The first is this file's folder.
    sys.path[:1] = sys.argv[1:]
    began = time.perf_counter()
    import penstock.runtime.aws.entry  # noqa: F401 - it is what is measured

    seconds = time.perf_counter() - began
    print(json.dumps({"import_seconds": round(seconds, 4), "peak_memory_kilobytes": peak_kilobytes()}))  # noqa: T201
