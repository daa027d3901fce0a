"""dlt: lines of JSON → Parquet files of a file system, not sorted. Arguments: raw folder, new folder, -. Prints JSON.

Memory is that of the process and of the workers that it starts, whichever had most.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

folder, target, _ = sys.argv[1:]
os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "DLT_DATA_DIR": tempfile.mkdtemp()}
import dlt  # noqa: E402
from dlt.sources.filesystem import filesystem, read_jsonl  # noqa: E402

began = time.perf_counter()
with tempfile.TemporaryDirectory() as work:
    found = filesystem(bucket_url=Path(folder).absolute().as_uri(), file_glob="**/*.json")
    lines = (found | read_jsonl()).with_name("logs")
    destination = dlt.destinations.filesystem(Path(target).absolute().as_uri())
    pipeline = dlt.pipeline("bench", pipelines_dir=work, destination=destination, dataset_name="lake")
    pipeline.run(lines, loader_file_format="parquet")
    rows = pipeline.last_trace.last_normalize_info.row_counts["logs"]
seconds = time.perf_counter() - began
used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"rows": rows, "seconds": seconds, "peak_mb": used / 1024}))
