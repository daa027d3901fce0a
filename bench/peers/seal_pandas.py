"""pandas with pyarrow, which is what awswrangler writes with: lines of JSON → one sorted Parquet file.

Arguments: raw folder, new file, sort columns. Prints JSON.
"""

import json
import resource
import sys
import time
from pathlib import Path

import pandas as pd

folder, target, order = sys.argv[1:]
paths = sorted(Path(folder).rglob("*.json"))
began = time.perf_counter()
rows = pd.concat([pd.read_json(path, lines=True, engine="pyarrow") for path in paths], ignore_index=True)
rows["timestamp"] = pd.to_datetime(rows["timestamp"])
rows.sort_values(order.split(",")).to_parquet(target, compression="zstd", index=False)
seconds = time.perf_counter() - began
print(json.dumps({
    "rows": len(rows), "seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))  # fmt: skip
