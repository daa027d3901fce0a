"""The pipeline's questions, in Athena's SQL: the same text is asked here and in the account."""

from __future__ import annotations

TOTAL = "SELECT COUNT(*) AS total_logs FROM raw_logs"

BY_SEVERITY = """SELECT severity, COUNT(*) AS count
FROM raw_logs
GROUP BY severity
ORDER BY count DESC"""

TOP_ERRORS = """SELECT message, COUNT(*) AS count
FROM raw_logs
WHERE severity = 'ERROR'
GROUP BY message
ORDER BY count DESC
LIMIT 10"""

HOURLY = """SELECT DATE_TRUNC('hour', timestamp) AS hour, COUNT(*) AS count
FROM raw_logs
GROUP BY DATE_TRUNC('hour', timestamp)
ORDER BY hour"""

SERVICE_MINUTES = """SELECT service, DATE_TRUNC('minute', timestamp) AS minute,
  COUNT(*) AS lines,
  COUNT_IF(severity IN ('ERROR', 'CRITICAL')) AS errors,
  APPROX_PERCENTILE(latency_ms, 0.5) AS latency_p50_ms,
  APPROX_PERCENTILE(latency_ms, 0.95) AS latency_p95_ms,
  APPROX_PERCENTILE(latency_ms, 0.99) AS latency_p99_ms
FROM logs
GROUP BY service, DATE_TRUNC('minute', timestamp)
ORDER BY minute DESC, service"""

# An object that was processed twice counts once.
TOP_TEMPLATES = """SELECT template, SUM(lines) AS lines, SUM(errors) AS errors, MAX(example) AS example
FROM (SELECT DISTINCT template, lines, errors, example, source FROM log_templates) AS counted
GROUP BY template
ORDER BY errors DESC, lines DESC
LIMIT 20"""

NAMED = {
    "total-log-count": (TOTAL, "How many log lines there are"),
    "logs-by-severity": (BY_SEVERITY, "How many lines of each severity"),
    "top-error-messages": (TOP_ERRORS, "The ten most frequent error messages"),
    "hourly-log-volume": (HOURLY, "How many lines an hour"),
    "service-minutes": (SERVICE_MINUTES, "Lines, errors and latency percentiles by service and minute"),
    "top-templates": (TOP_TEMPLATES, "The templates of messages with the most errors, and the most lines"),
}
"""SQL and description, by name."""
