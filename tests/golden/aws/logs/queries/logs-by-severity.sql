SELECT severity, COUNT(*) AS count
FROM raw_logs
GROUP BY severity
ORDER BY count DESC
