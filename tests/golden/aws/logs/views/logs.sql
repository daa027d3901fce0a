SELECT "timestamp", "severity", "service", "host", "device_type", "message", "latency_ms", "status", "trace_id", "source", "template", "attributes", "year", "month", "day", "hour"
FROM "sealed_logs"
UNION ALL
SELECT fresh."timestamp", fresh."severity", fresh."service", fresh."host", fresh."device_type", fresh."message", fresh."latency_ms", fresh."status", fresh."trace_id", fresh."source", fresh."template", fresh."attributes", fresh."year", fresh."month", fresh."day", fresh."hour"
FROM (
  SELECT *
  FROM "raw_logs"
  WHERE year BETWEEN substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 4) AND substr(CAST(current_date AS varchar), 1, 4)
    AND concat(year, '-', month, '-', day)
      >= substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 10)
) AS fresh
LEFT JOIN (
  SELECT DISTINCT year, month, day, hour
  FROM "sealed_logs"
  WHERE year BETWEEN substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 4) AND substr(CAST(current_date AS varchar), 1, 4)
    AND concat(year, '-', month, '-', day)
      >= substr(CAST(current_date - INTERVAL '3' DAY AS varchar), 1, 10)
) AS closed
  ON fresh.year = closed.year AND fresh.month = closed.month AND fresh.day = closed.day AND fresh.hour = closed.hour
WHERE fresh."timestamp" IS NOT NULL
  AND fresh."severity" IS NOT NULL
  AND fresh."service" IS NOT NULL
  AND fresh."host" IS NOT NULL
  AND fresh."device_type" IS NOT NULL
  AND fresh."message" IS NOT NULL
  AND closed.year IS NULL
