SELECT service, DATE_TRUNC('minute', timestamp) AS minute,
  COUNT(*) AS lines,
  COUNT_IF(severity IN ('ERROR', 'CRITICAL')) AS errors,
  APPROX_PERCENTILE(latency_ms, 0.5) AS latency_p50_ms,
  APPROX_PERCENTILE(latency_ms, 0.95) AS latency_p95_ms,
  APPROX_PERCENTILE(latency_ms, 0.99) AS latency_p99_ms
FROM logs
GROUP BY service, DATE_TRUNC('minute', timestamp)
ORDER BY minute DESC, service
