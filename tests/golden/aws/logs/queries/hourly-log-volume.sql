SELECT DATE_TRUNC('hour', timestamp) AS hour, COUNT(*) AS count
FROM raw_logs
GROUP BY DATE_TRUNC('hour', timestamp)
ORDER BY hour
