SELECT message, COUNT(*) AS count
FROM raw_logs
WHERE severity = 'ERROR'
GROUP BY message
ORDER BY count DESC
LIMIT 10
