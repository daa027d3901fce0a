"""ClickHouse's engine reads Iceberg tables that it knows nothing else of: queries in, answers out, both JSON."""

import json
import sys
import time

import chdb

told = json.load(sys.stdin)
answers = []
for sql in told:
    began = time.perf_counter()
    rows = json.loads(str(chdb.query(sql, "JSONCompact")))["data"]
    answers.append({"rows": rows, "seconds": time.perf_counter() - began})
version = json.loads(str(chdb.query("SELECT version()", "JSONCompact")))["data"][0][0]
json.dump({"version": version, "answers": answers}, sys.stdout)
