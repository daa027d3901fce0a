"""The pipeline's questions, in Athena's SQL: the same text is asked here and in the account."""

from __future__ import annotations


def _recent(days: int) -> str:
    """Returns the conditions on the partitions of some days; the one on the year keeps Athena from computing all."""
    first = f"substr(CAST(current_date - INTERVAL '{days}' DAY AS varchar), 1, "
    return f"""year BETWEEN {first}4) AND substr(CAST(current_date AS varchar), 1, 4)
  AND concat(year, '-', month, '-', day) >= {first}10)"""


AVERAGE_CPU = f"""SELECT
  instance_id,
  AVG(value) AS avg_cpu,
  MAX(value) AS max_cpu,
  MIN(value) AS min_cpu
FROM infra_metrics
WHERE metric_type = 'cpu'
  AND {_recent(7)}
GROUP BY instance_id
ORDER BY avg_cpu DESC"""

PEAK_MEMORY = f"""SELECT
  DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) AS date,
  MAX(value) AS peak_memory
FROM infra_metrics
WHERE metric_type = 'memory'
  AND {_recent(30)}
GROUP BY DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP))
ORDER BY date"""

NAMED = {
    "average-cpu-by-instance": (AVERAGE_CPU, "CPU use of each instance in the last seven days, the busiest first"),
    "peak-memory-trend": (PEAK_MEMORY, "The highest memory use of each of the last thirty days"),
}
"""SQL and description, by name."""
